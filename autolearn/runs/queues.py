"""Runs as the page and the command line handle them: submit, wait, cancel, resume.

The work itself is done by other processes, which are started from here: the worker,
which owns the model, the reader, which takes texts in meanwhile, and the downloader,
which downloads models. Each queue has a lock file. The process that holds it is the
worker; the system releases it when the process dies.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from autolearn.containment import child_environment
from autolearn.core.errors import JobError, WorkerBusy, WorkerLost
from autolearn.core.records import END_STATES, Run, RunKind
from autolearn.core.run_kinds import RUN_KINDS, QueueName
from autolearn.core.run_settings import RunSettings
from autolearn.runs.versions import versions
from autolearn.store import Store, layout

POLL_SECONDS = 0.2
"""How often a waiting caller looks at its run."""

START_SECONDS = 30.0
"""How long a queued run may wait for a worker to take the lock."""

RESTART_SECONDS = 5.0
"""How long after a worker was started another may take its place if it has died."""

WORKER_COMMAND = (sys.executable, "-m", "autolearn.runs.worker")
"""The command of a worker, to which its queue and the workspace are added."""


@dataclass(frozen=True)
class WorkerQueue:
    """Runs that are done one after the other, by a process of their own."""

    name: QueueName
    """What its process is called; also the name of its lock, log and pid file."""
    handlers: str
    """The module whose ``HANDLERS`` do them."""
    environment: Mapping[str, str] = field(hash=False)
    """Environment variables of its worker, unless the person has set them."""
    follow_up: str = ""
    """The module whose ``queue_next(store, run, result)`` queues what comes after a run
    that ended well; empty: nothing does. Named, not imported: a worker knows neither
    the pipeline nor the demo library."""

    @property
    def kinds(self) -> tuple[RunKind, ...]:
        """The kinds of runs that wait in it."""
        return tuple(k for k, traits in RUN_KINDS.items() if traits.queue == self.name)

    @property
    def pid_file(self) -> str:
        """Where the process says which one it is."""
        return f"{self.name}.pid"


_OFFLINE = {
    # Threads that wait spin only briefly: for long, they starve whoever shares the
    # cores; not at all, and every small operation waits for them to wake up.
    "GOMP_SPINCOUNT": "5000",
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",  # bars would only fill the log
    "TOKENIZERS_PARALLELISM": "false",
}
MODEL_QUEUE = WorkerQueue(
    "worker",
    "autolearn.handlers.model_runs",
    _OFFLINE,
    follow_up="autolearn.services.pipeline",
)
IMPORT_QUEUE = WorkerQueue("reader", "autolearn.ingest.importer", _OFFLINE)
DOWNLOAD_QUEUE = WorkerQueue("downloader", "autolearn.handlers.download", {})
QUEUES: dict[QueueName, WorkerQueue] = {
    queue.name: queue for queue in (MODEL_QUEUE, IMPORT_QUEUE, DOWNLOAD_QUEUE)
}

_processes: dict[subprocess.Popen[bytes], tuple[Path, WorkerQueue]] = {}
"""The workers that this process has started and not yet seen end."""

_start_times: dict[tuple[Path, WorkerQueue], float] = {}
"""When this process last started a worker, or saw one alive, by ``time.monotonic``."""


# --- the lock -----------------------------------------------------------------


def queue_of(kind: RunKind) -> WorkerQueue:
    """Return where runs of a kind are done."""
    return QUEUES[RUN_KINDS[kind].queue]


@contextmanager
def worker_lock(
    folder: Path, timeout: float = 0.0, queue: WorkerQueue = MODEL_QUEUE
) -> Iterator[None]:
    """Be the one worker of a workspace's queue for as long as the block lasts.

    Raises:
        WorkerBusy: Another process is, and did not end within ``timeout`` seconds.
    """
    lock = FileLock(folder / f"{queue.name}.lock")
    try:
        lock.acquire(timeout=timeout, poll_interval=0.02)
    except Timeout:
        raise WorkerBusy(
            f"Another {queue.name} is already at work in {folder}; one is enough."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _probe(folder: Path, queue: WorkerQueue) -> Iterator[bool]:
    """Yield whether there is no worker; while there is none, none can begin."""
    # Without it, concurrent probes would mistake each other for a worker.
    with FileLock(folder / "probe.lock"):
        try:
            with worker_lock(folder, queue=queue):
                yield True
        except WorkerBusy:
            yield False


def worker_alive(folder: Path, queue: WorkerQueue = MODEL_QUEUE) -> bool:
    """Return whether a worker is at work in this queue."""
    with _probe(folder, queue) as vacant:
        return not vacant


def recover(store: Store) -> tuple[WorkerQueue, ...]:
    """Mark what dead workers left running as interrupted.

    Returns:
        The queues whose worker is alive, so that there was nothing to mark.
    """
    if store.read_only:
        return ()  # nothing can be marked, and no lock can be taken
    alive = []
    for queue in QUEUES.values():
        with _probe(store.folder, queue) as vacant:
            if vacant:
                store.runs.interrupt_running(queue.kinds)
            else:
                alive.append(queue)
    return tuple(alive)


def ensure_workers(store: Store) -> None:
    """Start a worker wherever a run waits for one."""
    for queue in {queue_of(run.kind) for run in store.runs.in_state("queued")}:
        ensure_worker(store.folder, queue=queue)


def start_worker_for(store: Store, run: Run) -> None:
    """Start the worker that does a run, unless there is one."""
    ensure_worker(store.folder, queue=queue_of(run.kind))


def replace_dead_workers(store: Store) -> None:
    """Start a worker where a run waits and the one that was started has died.

    Cheap enough to be called at each look at a queued run. A worker that dies at once
    is replaced every ``RESTART_SECONDS``.
    """
    for queue in {queue_of(run.kind) for run in store.runs.in_state("queued")}:
        last = _start_times.get((store.folder, queue), 0.0)
        if time.monotonic() - last > RESTART_SECONDS:
            ensure_worker(store.folder, queue=queue)


def ensure_worker(
    folder: Path,
    command: Sequence[str] = WORKER_COMMAND,
    queue: WorkerQueue = MODEL_QUEUE,
) -> subprocess.Popen[bytes] | None:
    """Start a worker unless there is one; it outlives this process.

    If this process has started a worker that has no lock yet, no second one is started:
    on a busy computer a start takes many seconds, and each further one prolongs it.

    Two processes may start a worker at the same time: the second worker sees the lock
    and ends. A worker about to end reads the queue once more after it has released the
    lock, so it does a run that was submitted before this call.
    """
    _start_times[folder, queue] = time.monotonic()
    if worker_alive(folder, queue) or _is_starting(folder, queue):
        return None
    log_file = layout.worker_log(folder, queue.name)
    log_file.parent.mkdir(exist_ok=True)
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [*command, "--queue", queue.name, "--workspace", str(folder.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**queue.environment, **child_environment()},
            start_new_session=True,
        )
    _processes[process] = folder, queue
    return process


def _is_starting(folder: Path, queue: WorkerQueue) -> bool:
    """Return whether a process is alive that this one started and that has not begun.

    A worker notes its process once it has its lock; one that ends leaves the note.
    """
    _reap(folder, queue)
    try:
        last_pid = (folder / queue.pid_file).read_text()
    except OSError:
        last_pid = ""
    return any(
        place == (folder, queue) and str(process.pid) != last_pid
        for process, place in _processes.items()
    )


def _reap(folder: Path, queue: WorkerQueue, timeout: float = 0.0) -> None:
    """Reap exited workers that this process started, so that none stays a zombie."""
    for process in [
        child for child, place in _processes.items() if place == (folder, queue)
    ]:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
            _processes.pop(process, None)


def stop_worker(
    folder: Path, timeout: float = 10.0, queue: WorkerQueue = MODEL_QUEUE
) -> bool:
    """Ask a worker to end at its next checkpoint; its run can be resumed.

    Returns:
        Whether no worker is left.
    """
    deadline = time.monotonic() + timeout
    is_asked = False
    while worker_alive(folder, queue):
        if time.monotonic() > deadline:
            return False
        if not is_asked:
            with suppress(OSError, ValueError):  # it has just begun, or just ended
                os.kill(int((folder / queue.pid_file).read_text()), signal.SIGTERM)
                is_asked = True
        time.sleep(0.05)
    _reap(folder, queue, timeout)
    return True


# --- runs ---------------------------------------------------------------------


def submit(store: Store, settings: RunSettings) -> Run:
    """Put a run with these settings into the queue; a worker will take it."""
    assert settings.kind is not None
    return store.runs.create(settings.kind, settings.as_dict(), versions())


def wait(
    store: Store,
    run_id: int,
    on_progress: Callable[[Run], None] | None = None,
    seconds: float | None = None,
) -> Run:
    """Wait until a run has ended, or for some seconds, showing it as it goes on.

    Raises:
        WorkerLost: The worker ended in the middle of it, or none began.
    """
    began = seen_alive = time.monotonic()
    while True:
        run = store.runs.get(run_id)
        if on_progress:
            on_progress(run)
        is_late = seconds is not None and time.monotonic() - began >= seconds
        if run.state in END_STATES or is_late:
            return run
        queue = queue_of(run.kind)
        if queue in recover(store):
            seen_alive = time.monotonic()
        elif run.state == "running":
            _refuse_interrupted(store.runs.get(run_id))
        elif time.monotonic() - seen_alive > START_SECONDS and not _is_starting(
            store.folder, queue
        ):
            raise WorkerLost(
                f"No worker takes run {run_id}; the reason is in "
                f"{layout.worker_log(store.folder, queue.name)}. The run stays queued: "
                f"mend that, then start it with python -m autolearn resume {run_id}."
            )
        else:
            replace_dead_workers(store)
        time.sleep(POLL_SECONDS)


def cancel(store: Store, run_id: int) -> Run:
    """Ask a run to stop; one that is still queued is cancelled at once.

    Raises:
        JobError: It has already ended.
    """
    recover(store)
    is_requested = store.runs.request_cancel(run_id)
    run = store.runs.get(run_id)
    if not is_requested:
        raise JobError(f"Run {run_id} is {run.state}; there is nothing to stop.")
    return run


def resume(store: Store, run_id: int) -> Run:
    """Put a run that did not finish back into the queue, to go on where it ended.

    One that is queued already stays so; its worker may have died before it began.

    Raises:
        JobError: It is done, or a worker is at it.
    """
    recover(store)
    store.runs.requeue(run_id)
    run = store.runs.get(run_id)
    if run.state == "running":
        raise JobError(
            f"Run {run_id} is running; wait for it, or stop it first with "
            f"python -m autolearn cancel {run_id}."
        )
    if run.state == "done":
        raise JobError(f"Run {run_id} is done; there is nothing to resume.")
    return run


def _refuse_interrupted(run: Run) -> None:
    if run.state == "interrupted":
        raise WorkerLost(
            f"The worker ended during run {run.id}; resume it under History, or with"
            f" python -m autolearn resume {run.id}."
        )
