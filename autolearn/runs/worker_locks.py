"""The lock of each queue, which tells whether its worker is alive.

Each queue has a lock file. The process that holds it is the worker; the system releases
it when the process dies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from autolearn.core.errors import WorkerBusy
from autolearn.runs.queues import MODEL_QUEUE, QUEUES, WorkerQueue
from autolearn.store import Store


@contextmanager
def worker_lock(
    folder: Path, timeout: float = 0.0, queue: WorkerQueue = MODEL_QUEUE
) -> Iterator[None]:
    """Be the only worker of a workspace's queue for as long as the block lasts.

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
