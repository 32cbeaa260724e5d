"""Runs as the page and the command line handle them: submit, wait, cancel, resume.

The work itself is done by the worker, another process, which is started from here.
Both sides meet in the database and in one lock: who holds it is the worker, and a
worker that dies in whatever way lets go of it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from autolearn.errors import JobError, WorkerBusy, WorkerLost
from autolearn.records import Run, RunKind
from autolearn.store import Store

POLL_SECONDS = 0.2
"""How often a waiting caller looks at its run."""

START_SECONDS = 30.0
"""How long a queued run may wait for a worker to take the lock."""

WORKER = (sys.executable, "-m", "autolearn.worker")
"""The command of the worker, to which the workspace is added."""

ENDED = ("done", "failed", "cancelled", "interrupted")


# --- the lock -----------------------------------------------------------------


@contextmanager
def workers_place(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Be the one worker of a workspace for as long as the block lasts.

    Raises:
        WorkerBusy: Another process is, and did not end within ``patience`` seconds.
    """
    lock = FileLock(folder / "worker.lock")
    try:
        lock.acquire(timeout=patience, poll_interval=0.02)
    except Timeout:
        raise WorkerBusy(
            f"Another worker is already at work in {folder}; one is enough."
        ) from None
    try:
        yield
    finally:
        lock.release()


def worker_alive(folder: Path) -> bool:
    """Return whether a worker owns this workspace; if none does, tidy up after it.

    What a dead worker left running is marked as interrupted. That is done in its
    place, with the lock held, so no new worker can have begun meanwhile.
    """
    with FileLock(folder / "probe.lock"):  # or two who look would see one another
        try:
            with workers_place(folder), Store.open(folder) as store:
                store.runs.interrupt_running()
        except WorkerBusy:
            return True
    return False
