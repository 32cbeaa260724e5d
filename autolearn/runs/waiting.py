"""Which runs a process waits for, so that a page does not stop them when it ends.

Each waiting process holds its own lock file, which the system releases when the process
dies.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from autolearn.store import Store

FOLDER = "waiting"
"""The folder of the lock files, whose names are run, process and thread."""


@contextmanager
def waiting_for(store: Store, run_id: int) -> Iterator[None]:
    """Let others see, for as long as the block lasts, that this process waits."""
    if store.read_only:
        yield  # no lock can be taken
        return
    folder = store.folder / FOLDER
    folder.mkdir(exist_ok=True)
    name = f"{run_id}-{os.getpid()}-{threading.get_ident()}.lock"
    try:
        with FileLock(folder / name):
            yield
    finally:
        (folder / name).unlink(missing_ok=True)


def awaited_runs(store: Store) -> set[int]:
    """Return the runs that other processes wait for; files of dead ones are removed."""
    runs = set()
    for file in (store.folder / FOLDER).glob("*.lock"):
        run_id, pid, _ = map(int, file.stem.split("-"))
        if pid == os.getpid():
            continue
        try:
            with FileLock(file, timeout=0):
                pass
            file.unlink(missing_ok=True)
        except Timeout:
            runs.add(run_id)
    return runs
