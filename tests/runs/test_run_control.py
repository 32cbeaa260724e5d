import os
import sys

import pytest

from autolearn.core.errors import JobError, WorkerLost
from autolearn.core.records import Run
from autolearn.runs import run_control, worker_locks, worker_processes


def test_waiting_for_a_dead_worker_raises_an_error_with_what_to_do(store):
    run = store.runs.create("study", {})
    store.runs.claim(os.getpid(), ["study"])
    with pytest.raises(WorkerLost, match="during run 1; resume it") as refusal:
        run_control.wait(store, run.id)
    assert refusal.value.command == "resume 1"


def test_waiting_for_a_worker_that_never_starts_raises_an_error(store, monkeypatch):
    monkeypatch.setattr(run_control, "START_SECONDS", 0.0)
    run = store.runs.create("study", {})
    with pytest.raises(
        WorkerLost, match=r"No worker takes run 1; .*worker\.log.*resume it"
    ):
        run_control.wait(store, run.id)


def test_a_worker_that_is_slow_to_begin_is_waited_for(store, monkeypatch):
    monkeypatch.setattr(run_control, "START_SECONDS", 0.1)
    slow = [sys.executable, "-c", "import time; time.sleep(1)"]
    monkeypatch.setattr(worker_processes, "RESTART_SECONDS", 60.0)
    process = worker_processes.ensure_worker(store.folder, slow)
    assert process
    run = store.runs.create("study", {})
    with pytest.raises(WorkerLost, match="No worker takes run 1"):
        run_control.wait(store, run.id)
    assert process.poll() == 0, "it was given up while it was starting"


def test_waiting_for_an_ended_run_returns_it(store):
    run = store.runs.create("study", {})
    states: list[Run] = []
    assert run_control.cancel(store, run.id).state == "cancelled"
    assert run_control.wait(store, run.id, states.append) == states[0]


def test_the_run_in_progress_is_stopped_before_an_older_one_that_waits(
    store, monkeypatch
):
    monkeypatch.setattr(run_control, "recover", lambda store: [])
    waiting, running = (store.runs.create("study", {}) for _ in range(2))
    for _ in range(2):
        store.runs.claim(os.getpid(), ["study"])
    store.runs.finish(waiting.id, "failed")
    store.runs.requeue(waiting.id)
    assert run_control.cancel(store).id == running.id
    assert store.runs.get(running.id).cancel_requested
    store.runs.finish(running.id, "cancelled")
    assert run_control.cancel(store).id == waiting.id
    with pytest.raises(JobError, match="Nothing is running"):
        run_control.cancel(store)


def test_a_study_is_stopped_before_a_download_that_began_earlier(store):
    download, reading, study = (
        store.runs.create(kind, {}) for kind in ("download", "import", "study")
    )
    for run in (download, study):
        store.runs.claim(os.getpid(), [run.kind])
    assert run_control.current(store) == store.runs.get(study.id)
    store.runs.finish(study.id, "done")
    assert run_control.current(store) == store.runs.get(download.id)
    store.runs.finish(download.id, "done")
    assert run_control.current(store) == store.runs.get(reading.id)


def test_an_ended_run_cannot_be_cancelled(store):
    run = store.runs.create("study", {})
    run_control.cancel(store, run.id)
    with pytest.raises(JobError, match="Run 1 is cancelled; there is nothing to stop"):
        run_control.cancel(store, run.id)


def test_a_run_in_any_state_is_resumed_or_says_what_to_do(store):
    run = store.runs.create("study", {})
    assert run_control.resume(store, run.id).state == "queued", (
        "its worker may have died"
    )
    run_control.cancel(store, run.id)
    again = run_control.resume(store, run.id)
    assert (again.state, again.cancel_requested) == ("queued", False)
    store.runs.claim(os.getpid(), ["study"])
    with (
        worker_locks.worker_lock(store.folder),
        pytest.raises(JobError, match="running; wait for it, or stop it first"),
    ):
        run_control.resume(store, run.id)
    assert run_control.resume(store, run.id).state == "queued", "its worker is dead"
    store.runs.finish(run.id, "failed", "no")
    assert run_control.resume(store, run.id).state == "queued"
    store.runs.finish(run.id, "done")
    with pytest.raises(JobError, match="Run 1 is done; there is nothing to resume"):
        run_control.resume(store, run.id)


def test_a_worker_that_died_before_it_took_a_run_is_replaced(store, monkeypatch):
    """A kill between start and claim left the run queued forever."""
    run, starts = store.runs.create("study", {}), []
    monkeypatch.setattr(worker_processes, "RESTART_SECONDS", 0.0)

    def start(folder, queue):
        starts.append(queue.name)
        if len(starts) == 2:  # the first one dies
            store.runs.claim(os.getpid(), ["study"])
            store.runs.finish(run.id, "done")

    monkeypatch.setattr(worker_processes, "ensure_worker", start)
    assert run_control.wait(store, run.id).state == "done"
    assert starts == ["worker", "worker"]
