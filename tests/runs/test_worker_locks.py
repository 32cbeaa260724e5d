import os
import sqlite3
from contextlib import closing

import pytest

from autolearn.core.errors import WorkerBusy
from autolearn.runs import queues, worker_locks


def test_only_one_can_be_in_the_workers_place(store):
    assert not worker_locks.worker_alive(store.folder)
    with worker_locks.worker_lock(store.folder):
        assert worker_locks.worker_alive(store.folder)
        with (
            pytest.raises(WorkerBusy, match="Another worker is already at work"),
            worker_locks.worker_lock(store.folder),
        ):
            pytest.fail("two workers")
    assert not worker_locks.worker_alive(store.folder)


def test_what_a_dead_worker_left_is_interrupted(store):
    run = store.runs.create("study", {"seed": 1})
    store.runs.claim(os.getpid(), ["study"])
    with worker_locks.worker_lock(store.folder):
        assert worker_locks.recover(store) == (queues.MODEL_QUEUE,)
        assert store.runs.get(run.id).state == "running"
    assert worker_locks.recover(store) == ()
    assert store.runs.get(run.id).state == "interrupted"


def test_a_look_at_the_workers_does_not_wait_while_another_process_writes(store):
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert worker_locks.recover(store) == ()
