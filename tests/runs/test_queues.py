import os
import sys

import pytest

from autolearn.core.errors import JobError, WorkerBusy, WorkerLost
from autolearn.core.records import Run
from autolearn.runs import queues
from autolearn.runs.context import RateMeter, Reporter


def test_the_rate_is_that_of_the_last_seconds():
    meter = RateMeter()
    assert meter.read("ask", 0, 100, now=0.0).eta_seconds is None
    assert meter.read("ask", 50, 100, now=0.1).rate == pytest.approx(500)
    for second in range(1, 91):
        pace = meter.read("ask", 50 + second // 2, 100, now=float(second))
    assert (pace.stage, pace.done, pace.total) == ("ask", 95, 100)
    assert pace.rate == pytest.approx(0.5, rel=0.1)
    assert pace.eta_seconds == pytest.approx(10, rel=0.1)


def test_stages_of_one_total_are_measured_as_one():
    meter = RateMeter()
    meter.read("ask", 0, 100, now=0.0)
    assert meter.read("answer", 10, 100, now=5.0).eta_seconds == pytest.approx(45)


def test_a_new_total_begins_a_new_measurement():
    meter = RateMeter()
    meter.read("ask", 0, 9, now=0.0)
    meter.read("ask", 9, 9, now=1.0)
    assert meter.read("answer", 0, 5, now=2.0).rate == 0.0
    assert meter.read("answer", 1, 5, now=3.0).rate == pytest.approx(1.0)


def test_units_that_take_longer_than_the_window_still_have_a_rate():
    """A large model on a slow machine: most reports tell the same count again."""
    meter = RateMeter()
    for second in range(0, 301):
        pace = meter.read("answers", second // 100, 10, now=float(second))
    assert pace.rate == pytest.approx(0.01)
    assert pace.eta_seconds == pytest.approx(700)
    slower = meter.read("answers", 3, 10, now=400.0)
    assert 0 < slower.rate < pace.rate


def test_progress_is_written_seldom_but_its_end_always(store):
    run = store.runs.create("study", {})
    report = Reporter(store, run.id)
    report("ask", 1, 10)
    report("ask", 2, 10)
    assert store.runs.get(run.id).done == 1
    report("ask", 10, 10)
    assert store.runs.get(run.id).done == 10
    report("answer", 0, 10)
    assert store.runs.get(run.id).stage == "answer"


def test_only_one_can_be_in_the_workers_place(store):
    assert not queues.worker_alive(store.folder)
    with queues.worker_lock(store.folder):
        assert queues.worker_alive(store.folder)
        with (
            pytest.raises(WorkerBusy, match="Another worker is already at work"),
            queues.worker_lock(store.folder),
        ):
            pytest.fail("two workers")
    assert not queues.worker_alive(store.folder)


def test_no_worker_is_started_beside_another(store):
    with queues.worker_lock(store.folder):
        assert queues.ensure_worker(store.folder, ["never", "started"]) is None


def test_a_worker_that_ends_while_the_next_begins_is_reaped_too(store):
    ending = (sys.executable, "-c", "import time; time.sleep(0.3)")
    first = queues.ensure_worker(store.folder, ending)
    assert first
    (store.folder / queues.MODEL_QUEUE.pid_file).write_text(str(first.pid))
    second = queues.ensure_worker(store.folder, ending)
    assert queues.stop_worker(store.folder)
    assert second
    assert (first.returncode, second.returncode) == (0, 0)


def test_no_worker_is_started_beside_one_that_is_slow_to_begin(store, monkeypatch):
    """On a busy computer, one more every five seconds made it ever slower."""
    monkeypatch.setattr(queues, "RESTART_SECONDS", 0.0)
    slow = (sys.executable, "-c", "import time; time.sleep(60)")
    store.runs.create("study", {})
    first = queues.ensure_worker(store.folder, slow)
    assert first
    for _ in range(5):
        assert queues.ensure_worker(store.folder, slow) is None
        queues.replace_dead_workers(store)
    first.kill()
    first.wait()
    second = queues.ensure_worker(store.folder, ["true"])
    assert second
    second.wait()
    assert queues.stop_worker(store.folder)


def test_what_a_dead_worker_left_is_interrupted(store):
    run = store.runs.create("study", {"seed": 1})
    store.runs.claim(os.getpid(), ["study"])
    with queues.worker_lock(store.folder):
        assert queues.recover(store) == (queues.MODEL_QUEUE,)
        assert store.runs.get(run.id).state == "running"
    assert queues.recover(store) == ()
    assert store.runs.get(run.id).state == "interrupted"


def test_waiting_for_a_dead_worker_raises_an_error_with_what_to_do(store):
    run = store.runs.create("study", {})
    store.runs.claim(os.getpid(), ["study"])
    with pytest.raises(WorkerLost, match="python -m autolearn resume 1"):
        queues.wait(store, run.id)


def test_waiting_for_a_worker_that_never_starts_raises_an_error(store, monkeypatch):
    monkeypatch.setattr(queues, "START_SECONDS", 0.0)
    run = store.runs.create("study", {})
    with pytest.raises(
        WorkerLost, match=r"No worker takes run 1; .*worker\.log.*resume 1"
    ):
        queues.wait(store, run.id)


def test_a_worker_that_is_slow_to_begin_is_waited_for(store, monkeypatch):
    monkeypatch.setattr(queues, "START_SECONDS", 0.1)
    slow = [sys.executable, "-c", "import time; time.sleep(1)"]
    monkeypatch.setattr(queues, "RESTART_SECONDS", 60.0)
    process = queues.ensure_worker(store.folder, slow)
    assert process
    run = store.runs.create("study", {})
    with pytest.raises(WorkerLost, match="No worker takes run 1"):
        queues.wait(store, run.id)
    assert process.poll() == 0, "it was given up while it was starting"


def test_waiting_for_an_ended_run_returns_it(store):
    run = store.runs.create("study", {})
    states: list[Run] = []
    assert queues.cancel(store, run.id).state == "cancelled"
    assert queues.wait(store, run.id, states.append) == states[0]


def test_an_ended_run_cannot_be_cancelled(store):
    run = store.runs.create("study", {})
    queues.cancel(store, run.id)
    with pytest.raises(JobError, match="Run 1 is cancelled; there is nothing to stop"):
        queues.cancel(store, run.id)


def test_a_run_in_any_state_is_resumed_or_says_what_to_do(store):
    run = store.runs.create("study", {})
    assert queues.resume(store, run.id).state == "queued", "its worker may have died"
    queues.cancel(store, run.id)
    again = queues.resume(store, run.id)
    assert (again.state, again.cancel_requested) == ("queued", False)
    store.runs.claim(os.getpid(), ["study"])
    with (
        queues.worker_lock(store.folder),
        pytest.raises(JobError, match=r"running; wait for it, or .* cancel 1"),
    ):
        queues.resume(store, run.id)
    assert queues.resume(store, run.id).state == "queued", "its worker is dead"
    store.runs.finish(run.id, "failed", "no")
    assert queues.resume(store, run.id).state == "queued"
    store.runs.finish(run.id, "done")
    with pytest.raises(JobError, match="Run 1 is done; there is nothing to resume"):
        queues.resume(store, run.id)


def test_a_worker_that_died_before_it_took_a_run_is_replaced(store, monkeypatch):
    """A kill between start and claim left the run queued for ever."""
    run, starts = store.runs.create("study", {}), []
    monkeypatch.setattr(queues, "RESTART_SECONDS", 0.0)

    def start(folder, queue):
        starts.append(queue.name)
        if len(starts) == 2:  # the first one dies
            store.runs.claim(os.getpid(), ["study"])
            store.runs.finish(run.id, "done")

    monkeypatch.setattr(queues, "ensure_worker", start)
    assert queues.wait(store, run.id).state == "done"
    assert starts == ["worker", "worker"]
