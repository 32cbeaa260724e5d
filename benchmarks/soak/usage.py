"""What the app and its worker take at one moment, and how that grows."""

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import psutil

from autolearn.runs import queues
from autolearn.store.layout import DATABASE

MIB = 1 << 20
EVERY_SECONDS = 30.0
"""How often usage is recorded."""
WARM_SECONDS = 600.0
"""Models, caches and thread pools are loaded after this time; the start is then."""
AT_ONCE = 5
"""Samples whose median is a start, a middle or an end."""
TEMPORARY = ("temporary", "incoming", "parsed", "system")
"""The folders of temporary files: three of the workspace, and that of the system."""


@dataclass(frozen=True)
class Usage:
    """What is taken at one moment; a process that does not run takes nothing."""

    seconds: float
    """Since the start."""
    app_mib: float
    """Resident memory of the page's process."""
    app_files: int
    """Its open file descriptors."""
    worker_mib: float
    worker_files: int
    reader_mib: float
    temporary_files: int
    temporary_mib: float
    wal_mib: float
    database_mib: float
    processor_seconds: float
    """Of app, worker and reader, without the children that have ended."""


class Recorder:
    """Records usage in a thread until it is ended."""

    def __init__(self, workspace: Path, system: Path, app: int) -> None:
        """Take the workspace, the system's temporary folder and the app's process."""
        self.samples: list[Usage] = []
        self._workspace = workspace
        self._folders = [workspace / name for name in TEMPORARY[:-1]] + [system]
        self._app = psutil.Process(app)
        self._began = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._record)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *of_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _record(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self.samples.append(self.usage())

    def usage(self) -> Usage:
        """Return what is taken now."""
        worker = _process(self._workspace, queues.MODEL_QUEUE)
        reader = _process(self._workspace, queues.IMPORT_QUEUE)
        sizes = [size for folder in self._folders for size in _sizes(folder)]
        database = self._workspace / DATABASE
        return Usage(
            seconds=time.monotonic() - self._began,
            app_mib=_memory(self._app),
            app_files=_open_files(self._app),
            worker_mib=_memory(worker),
            worker_files=_open_files(worker),
            reader_mib=_memory(reader),
            temporary_files=len(sizes),
            temporary_mib=sum(sizes) / MIB,
            wal_mib=_size(database.with_name(f"{DATABASE}-wal")) / MIB,
            database_mib=_size(database) / MIB,
            processor_seconds=sum(map(_computed, (self._app, worker, reader))),
        )


def _process(workspace: Path, queue: queues.WorkerQueue) -> psutil.Process | None:
    """Return the worker of a queue, None if there is none."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((workspace / queue.pid_file).read_text()))
        if str(workspace.resolve()) in process.cmdline():
            return process
    return None


def _memory(process: psutil.Process | None) -> float:
    with suppress(psutil.Error):
        return process.memory_info().rss / MIB if process else 0.0
    return 0.0


def _open_files(process: psutil.Process | None) -> int:
    with suppress(psutil.Error):
        return process.num_fds() if process else 0
    return 0


def _computed(process: psutil.Process | None) -> float:
    with suppress(psutil.Error):
        return sum(process.cpu_times()[:2]) if process else 0.0
    return 0.0


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _sizes(folder: Path) -> Iterator[int]:
    """Yield the sizes of all files of a folder, some of which may be going."""
    with suppress(OSError):
        for path in folder.rglob("*"):
            if path.is_file():
                yield _size(path)


@dataclass(frozen=True)
class Growth:
    """How one quantity went."""

    name: str
    start: float
    """Once everything is loaded."""
    middle: float
    end: float
    most: float
    per_hour: float | None
    """The slope of the second half; None where the process did not always run."""


def growth(samples: Sequence[Usage]) -> list[Growth]:
    """Return how each quantity went, from the end of the warm-up on."""
    warm = [s for s in samples if s.seconds >= WARM_SECONDS]
    warm = warm if len(warm) >= 2 * AT_ONCE else list(samples)
    half = warm[len(warm) // 2 :]
    names = [field.name for field in fields(Usage) if field.name != "seconds"]
    rows = []
    for name in names:
        values = [float(getattr(s, name)) for s in warm]
        middle = (len(values) - AT_ONCE) // 2
        rows.append(
            Growth(
                name,
                statistics.median(values[:AT_ONCE]),
                statistics.median(values[max(0, middle) :][:AT_ONCE]),
                statistics.median(values[-AT_ONCE:]),
                max(getattr(s, name) for s in samples),
                _slope([(s.seconds, float(getattr(s, name))) for s in half]),
            )
        )
    return rows


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    if len(points) < 2 or any(name == 0.0 for _, name in points):
        is_still = len({value for _, value in points}) == 1
        return 0.0 if is_still else None
    times, values = zip(*points, strict=True)
    return statistics.linear_regression(times, values).slope * 3600


def as_rows(samples: Sequence[Usage]) -> list[dict[str, float]]:
    """Return samples for JSON."""
    return [
        {name: round(value, 2) for name, value in asdict(sample).items()}
        for sample in samples
    ]
