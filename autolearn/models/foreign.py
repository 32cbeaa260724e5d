"""Look at a foreign model's files in a child.

Whoever made the files may have made them to block, to fill the memory or to crash what
reads them. Functions that read them are marked with ``contained``: for the built-in
model they run here, for all others in a child. Answers are kept while the files stay
as they are.
"""

import importlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from autolearn.containment import Limits, Role, run
from autolearn.core import codec
from autolearn.core.errors import AutolearnError, BackendError, ChildFailed

T = TypeVar("T")

BUILT_IN = Path(__file__).resolve().parents[2] / "assets" / "demo-model"
SECONDS = 20.0
"""Computing time for a look at small files and headers."""
SECONDS_PER_MIB = 0.05
"""Further time for each MiB of files, which ``digest`` may read."""
MOST_FILES = 10_000
"""Most files of a folder that are looked at."""
N_KEPT = 256
"""Most answers that are kept."""

Stamp = tuple[tuple[str, int, int, int, int], ...]
_answers: "OrderedDict[tuple[str, str], tuple[Stamp, Any]]" = OrderedDict()
_lock = threading.Lock()


def contained(function: Callable[[Path], T]) -> Callable[[Path], T]:
    """Let a function of a path run in a child, unless the path is our own model.

    Its result must be a JSON value or a dataclass of such values.
    """
    name = f"{function.__module__}:{function.__qualname__}"

    @wraps(function)
    def look(path: Path) -> T:
        if Role.is_child or path == BUILT_IN:
            return function(path)
        answer = _kept(name, path)
        if isinstance(answer, AutolearnError):
            raise type(answer)(str(answer))
        hint = get_type_hints(function)["return"]
        is_record = is_dataclass(hint) and answer is not None
        value: T = codec.decode(hint, answer) if is_record else answer
        return value

    return look


def answer(function: str, path: str) -> Any:
    """Return what a marked function says, in the child."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(Path(path))


def _kept(function: str, path: Path) -> Any:
    """Return the answer of a child, or the error, asked anew if the files changed."""
    stamp, key = _stamp(path), (function, str(path))
    with _lock:
        record = _answers.get(key)
    if record is None or record[0] != stamp:
        record = stamp, _ask(function, path, sum(entry[2] for entry in stamp))
        with _lock:
            _answers[key] = record
            while len(_answers) > N_KEPT:
                _answers.popitem(last=False)
    return record[1]


def _ask(function: str, path: Path, n_bytes: int) -> Any:
    limits = Limits.for_bytes(n_bytes, seconds=SECONDS, seconds_per_mib=SECONDS_PER_MIB)
    try:
        return run("autolearn.models.foreign:answer", function, path, limits=limits)
    except ChildFailed as error:
        return BackendError(f"{path} {error}; choose another model.")
    except AutolearnError as error:
        return error


def _stamp(path: Path) -> Stamp:
    """Return what changes when a file, or one in a folder, changes."""
    try:
        with os.scandir(path) as entries:
            paths = sorted(entry.path for entry in islice(entries, MOST_FILES))
    except OSError:
        paths = [str(path)]
    return tuple(_entry(name) for name in paths)


def _entry(path: str) -> tuple[str, int, int, int, int]:
    try:
        status = os.stat(path)
    except OSError:  # a broken link, or it is gone
        return path, 0, 0, 0, 0
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return path, status.st_mode, size, status.st_mtime_ns, status.st_ctime_ns
