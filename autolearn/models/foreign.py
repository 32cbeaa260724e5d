"""Read a foreign model's files in a child.

Whoever made the files may have made them to block, to fill the memory or to crash what
reads them. Functions that read them are marked with ``contained``: for the built-in
model they run here, for all others in a child. Answers are cached until the files
change, failures of the child for a minute.
"""

import importlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

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
FAILURE_SECONDS = 60.0
"""How long a failure of the child is kept. It may be due to a busy computer, so it is
not final; but a page that is drawn again must not wait for it each time."""

Stamps = tuple[digests.Stamp, ...]


class _Record(NamedTuple):
    """An answer, or an error, about files with these stamps."""

    stamps: Stamps
    answer: Any
    until: float = inf
    """On the monotonic clock, in seconds."""


_answers: "OrderedDict[tuple[str, str], _Record]" = OrderedDict()
_lock = threading.Lock()


def is_contained(path: Path) -> bool:
    """Return whether a model is read in a child: all but our own, unless this is it."""
    return path != BUILT_IN and not Role.is_child


def contained(function: Callable[[Path], T]) -> Callable[[Path], T]:
    """Let a function of a path run in a child, unless the path is our own model.

    Its result must be a JSON value or a dataclass of such values.
    """
    name = f"{function.__module__}:{function.__qualname__}"

    @wraps(function)
    def look(path: Path) -> T:
        if not is_contained(path):
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
    if record is None or record.stamps != stamps or record.until <= time.monotonic():
        record = _ask(function, path, stamps)
        with _lock:
            _answers[key] = record
            while len(_answers) > N_KEPT:
                _answers.popitem(last=False)
    return record.answer


def _ask(function: str, path: Path, stamps: Stamps) -> _Record:
    n_bytes = sum(stamp.n_bytes for stamp in stamps)
    limits = Limits.for_bytes(n_bytes, seconds=SECONDS, seconds_per_mib=SECONDS_PER_MIB)
    try:
        value = run("autolearn.models.foreign:answer", function, path, limits=limits)
    except ChildFailed as error:
        failure = BackendError(f"{path} {error}; choose another model.")
        return _Record(stamps, failure, time.monotonic() + FAILURE_SECONDS)
    except AutolearnError as error:
        return _Record(stamps, error)
    return _Record(stamps, value)


def _stamps(path: Path) -> Stamps:
    """Return what changes when a file, or one in a folder, changes."""
    try:
        with os.scandir(path) as entries:
            paths = sorted(entry.path for entry in islice(entries, MOST_FILES))
    except OSError:
        paths = [str(path)]
    return tuple(map(digests.stamp_of, paths))
