"""Starts worker processes for waiting runs, replaces dead ones, and stops them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from autolearn.containment import child_environment
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.runs.queues import MODEL_QUEUE, QUEUES, WorkerQueue, queue_of
from autolearn.runs.waiting import awaited_runs
from autolearn.runs.worker_locks import worker_alive
from autolearn.store import RunFilter, Store, layout

RESTART_SECONDS = 5.0
"""How long after a worker was started another may take its place if it has died."""

STOP_SECONDS = 10.0
"""How long a worker may take to end when it is asked to."""

_LAST_BYTES = 500
"""Of a log file, within which its last line is looked for."""

WORKER_COMMAND = (sys.executable, "-m", "autolearn.runs.worker")
"""The command of a worker, to which its queue and the workspace are added."""

_processes: dict[tuple[Path, WorkerQueue], list[subprocess.Popen[bytes]]] = {}
"""The workers that this process has started and not yet seen end, in any thread."""

_start_times: dict[tuple[Path, WorkerQueue], float] = {}
"""When this process last started a worker, or saw one alive, by ``time.monotonic``."""

_errors: dict[tuple[Path, WorkerQueue], str] = {}
"""How a worker ended while a run waited for it, until another one does a run."""


def ensure_workers(store: Store) -> None:
    """Start a worker wherever a run waits for one."""
    for queue in {queue_of(run.kind) for run in store.runs.in_state("queued")}:
        ensure_worker(store.folder, queue=queue)


def start_worker_for(store: Store, run: Run) -> None:
    """Start the worker that does a run, unless there is one."""
    ensure_worker(store.folder, queue=queue_of(run.kind))


def replace_dead_workers(store: Store) -> None:
    """Start a worker if a run waits and the one that was started has died.

    Cheap enough to be called whenever a queued run is checked. A worker that dies at
    once is replaced every ``RESTART_SECONDS``.
    """
    for queue in {queue_of(run.kind) for run in store.runs.in_state("queued")}:
        last = _start_times.get((store.folder, queue), 0.0)
        if time.monotonic() - last > RESTART_SECONDS:
            started = _started(store.folder, queue)
            ensure_worker(store.folder, queue=queue)
            for process in started:
                if process.returncode:
                    error = _error(store.folder, queue, process.returncode)
                    _errors[store.folder, queue] = error


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
    if worker_alive(folder, queue) or is_starting(folder, queue):
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
    _processes.setdefault((folder, queue), []).append(process)
    return process


def is_starting(folder: Path, queue: WorkerQueue) -> bool:
    """Return whether a process that this one started is alive and has not begun.

    A worker notes its process once it has its lock; one that ends leaves the note.
    """
    _reap(folder, queue)
    try:
        last_pid = (folder / queue.pid_file).read_text()
    except OSError:
        last_pid = ""
    return any(str(process.pid) != last_pid for process in _started(folder, queue))


def _started(folder: Path, queue: WorkerQueue) -> list[subprocess.Popen[bytes]]:
    """Return the workers of a queue; a copy, as other threads start and reap some."""
    return list(_processes.get((folder, queue), ()))


def _reap(folder: Path, queue: WorkerQueue, timeout: float = 0.0) -> None:
    """Reap exited workers that this process started, so that none stays a zombie."""
    for process in _started(folder, queue):
        # ValueError: another thread has reaped it first.
        with suppress(subprocess.TimeoutExpired, ValueError):
            process.wait(timeout)
            _processes[folder, queue].remove(process)


def why_ended(store: Store, queue: WorkerQueue) -> str:
    """Return with which error a worker ended while a run waited; empty: with none.

    It no longer counts once another worker does a run.
    """
    if store.runs.find(RunFilter(queue.kinds, ("running",)), limit=1):
        _errors.pop((store.folder, queue), None)
    return _errors.get((store.folder, queue), "")


def _error(folder: Path, queue: WorkerQueue, code: int) -> str:
    """Return the signal that ended a worker, or the last line of its log."""
    if code < 0:
        return f"signal {-code} ({signal.strsignal(-code)})"
    log_file = layout.worker_log(folder, queue.name)
    lines: list[str] = []
    with suppress(OSError), log_file.open("rb") as log:
        log.seek(max(0, log_file.stat().st_size - _LAST_BYTES))
        lines = log.read().decode(errors="replace").splitlines()
    return next(filter(None, map(str.strip, reversed(lines))), f"exit code {code}")


def stop_unawaited(store: Store) -> list[Run]:
    """Stop the workers, unless another process waits for the current run.

    A process that waits for a run further back in the queue starts another worker.

    Returns:
        The runs in progress.
    """
    if store.read_only:
        return []  # it has no workers
    runs = []
    for queue in QUEUES.values():
        run = _present_run(store, queue)
        if run and not awaited_runs(store).isdisjoint((run.id, run.after_id)):
            runs.append(run)
        else:
            stop_worker(store.folder, queue=queue)
    return runs


def _present_run(store: Store, queue: WorkerQueue) -> Run | None:
    """Return the run that a worker does, or is about to do."""
    active = [
        run for run in store.runs.in_state(*ACTIVE_STATES) if run.kind in queue.kinds
    ]
    return min(active, key=lambda run: run.state == "queued", default=None)


def stop_worker(folder: Path, queue: WorkerQueue = MODEL_QUEUE) -> bool:
    """Ask a worker to end after its present token or step; its run can be resumed.

    Returns:
        Whether it has ended; another one may have been started since.
    """
    deadline = time.monotonic() + STOP_SECONDS
    pid = 0
    while worker_alive(folder, queue):
        if time.monotonic() > deadline:
            return False
        with suppress(OSError, ValueError):  # it has just begun, or just ended
            newest_pid = int((folder / queue.pid_file).read_text())
            if pid and newest_pid != pid:
                break
            if not pid:
                os.kill(newest_pid, signal.SIGTERM)
                pid = newest_pid
        time.sleep(0.05)
    _reap(folder, queue, STOP_SECONDS)
    return True
