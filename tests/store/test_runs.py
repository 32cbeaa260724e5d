import time

import pytest

from autolearn.core.errors import JobError
from autolearn.core.records import Metric
from autolearn.store.runs import Pace

A_DAY = 86400


def test_runs_are_claimed_oldest_first_and_only_once(store):
    first, second = (store.runs.create("study", {"n": n}) for n in range(2))
    runs = [store.runs.claim(42, ["study"]) for _ in range(3)]
    assert [run and run.id for run in runs] == [first.id, second.id, None]
    assert (runs[0].state, runs[0].pid) == ("running", 42)


def test_a_queued_run_is_cancelled_at_once_and_a_finished_one_never(store):
    waiting = store.runs.create("study", {})
    assert store.runs.request_cancel(waiting.id)
    assert store.runs.get(waiting.id).state == "cancelled"
    finish = store.runs.create("quiz", {})
    store.runs.claim(1, ["study", "quiz"])
    store.runs.finish(finish.id, "done", result={"right": 3})
    assert not store.runs.request_cancel(finish.id)
    assert not store.runs.requeue(finish.id)
    assert store.runs.get(finish.id).result == {"right": 3}


def test_an_interrupted_run_goes_back_into_the_queue(store):
    run = store.runs.create("study", {})
    store.runs.claim(1, ["study", "quiz"])
    assert store.runs.interrupt_running(["import"]) == 0
    assert store.runs.interrupt_running(["study"]) == 1
    assert store.runs.get(run.id).state == "interrupted"
    assert store.runs.requeue(run.id)
    assert store.runs.claim(2, ["study"]).id == run.id


def test_runs_are_listed_newest_first_a_page_at_a_time(store):
    ids = [store.runs.create("study", {}).id for _ in range(5)]
    page = store.runs.newest(limit=2)
    rest = store.runs.newest(limit=9, before_id=page[-1].id)
    assert [run.id for run in page + rest] == ids[::-1]


def test_metrics_of_a_repeated_step_replace_the_old_ones(store):
    run = store.runs.create("train", {})
    store.runs.add_metrics(run.id, [Metric(1, "loss", 2.0), Metric(2, "loss", 1.5)])
    store.runs.add_metrics(run.id, [Metric(2, "loss", 1.4), Metric(2, "rate", 0.1)])
    assert store.runs.metrics(run.id, "loss") == [
        Metric(1, "loss", 2.0),
        Metric(2, "loss", 1.4),
    ]


def test_the_time_left_falls_while_nothing_is_reported(store):
    run = store.runs.create("train", {})
    store.runs.claim(1, ["train"])
    store.runs.beat(run.id)
    assert store.runs.get(run.id).eta_seconds is None
    store.runs.save_progress(run.id, Pace("training", 1, 9, 1.0, 8.0))
    time.sleep(0.05)
    store.runs.beat(run.id)
    assert store.runs.get(run.id).eta_seconds < 8.0
    store.runs.save_progress(run.id, Pace("training", 2, 9, 1.0, 0.01))
    time.sleep(0.05)
    store.runs.beat(run.id)
    assert store.runs.get(run.id).eta_seconds == 0.0


def test_a_resumed_run_took_the_time_that_was_worked_on_it(store):
    run = store.runs.create("study", {})
    begun = store.runs.claim(1, ["study"])
    store.db.write("UPDATE runs SET worked_seconds = 30")
    store.runs.beat(run.id)
    store.runs.interrupt_running(["study"])
    # It is resumed a day later.
    before = "strftime('%Y-%m-%dT%H:%M:%fZ', {}, '-1 day')"
    times = ("started_at", "heartbeat_at", "finished_at")
    changes = ", ".join(f"{name} = {before.format(name)}" for name in times)
    store.db.write(f"UPDATE runs SET {changes}")
    assert 30 <= store.runs.get(run.id).seconds < A_DAY
    store.runs.requeue(run.id)
    assert 30 <= store.runs.get(run.id).seconds < A_DAY
    resumed = store.runs.claim(2, ["study"])
    assert resumed.started_at < begun.started_at
    time.sleep(0.05)
    store.runs.beat(run.id)
    done = store.runs.finish(run.id, "done")
    assert 30 < done.seconds < A_DAY


def test_a_missing_run_raises_an_error(store):
    with pytest.raises(JobError, match="There is no run 9"):
        store.runs.get(9)
