"""Read a foreign model's files in a child.

Whoever made the files may have made them to block, to fill the memory or to crash what
reads them. Functions that read them are marked with ``contained``: for the built-in
model they run here, for all others in a child. Answers are cached until the files
change.
"""

import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from autolearn.containment import Limits, Role, run
from autolearn.core import codec, digests
from autolearn.core.errors import AutolearnError, BackendError, ChildFailed

T = TypeVar("T")

BUILT_IN = Path(__file__).resolve().parents[2] / "assets" / "demo-model"
SECONDS = 20.0
"""Computing time for reading small files and headers."""
SECONDS_PER_MIB = 0.05
"""Further time for each MiB of files, which ``digest`` may read."""
MOST_FILES = 10_000
"""Most files of a folder that are checked."""
N_KEPT = 256
"""Most answers that are kept."""

Stamps = tuple[digests.Stamp, ...]
_answers: "OrderedDict[tuple[str, str], tuple[Stamps, Any]]" = OrderedDict()
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
        answer = _cached_answer(name, path)
        if isinstance(answer, AutolearnError):
            raise type(answer)(str(answer))
        hint = get_type_hints(function)["return"]
        is_record = is_dataclass(hint) and answer is not None
        value: T = codec.decode(hint, answer) if is_record else answer
        return value

    return look


def answer(function: str, path: str) -> Any:
    """Return the result of a marked function, in the child."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(Path(path))


def _cached_answer(function: str, path: Path) -> Any:
    """Return the answer of a child, or the error; asked again if the files changed."""
    stamps, key = _stamps(path), (function, str(path))
    with _lock:
        record = _answers.get(key)
    if record is None or record[0] != stamps:
        record = stamps, _ask(function, path, sum(stamp.n_bytes for stamp in stamps))
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


def _stamps(path: Path) -> Stamps:
    """Return what changes when a file, or one in a folder, changes."""
    try:
        with os.scandir(path) as entries:
            paths = sorted(entry.path for entry in islice(entries, MOST_FILES))
    except OSError:
        paths = [str(path)]
    return tuple(map(digests.stamp_of, paths))
