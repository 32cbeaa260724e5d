import pytest

from autolearn.runs import context
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
    assert meter.read("answer", 10, 100, now=50.0).eta_seconds == pytest.approx(450)


def test_no_time_left_is_told_before_a_share_of_the_work_is_done():
    """A check of six minutes began with a quarter of an hour, by its first batch."""
    meter = RateMeter()
    meter.read("ask", 0, 1000, now=0.0)
    assert meter.read("ask", 300, 1000, now=19.0).eta_seconds is None
    assert meter.read("ask", 320, 1000, now=20.0).eta_seconds == pytest.approx(42.5)
    slow = RateMeter()
    slow.read("training", 900, 1000, now=0.0)  # resumed
    assert slow.read("training", 904, 1000, now=60.0).eta_seconds is None
    assert slow.read("training", 905, 1000, now=75.0).eta_seconds == pytest.approx(1425)
    hours = RateMeter()
    hours.read("ask", 0, 10_000, now=0.0)
    assert hours.read("ask", 9, 10_000, now=119.0).eta_seconds is None
    assert hours.read("ask", 10, 10_000, now=120.0).eta_seconds is not None


def test_the_time_left_of_a_training_is_told_after_a_few_steps():
    """Of 40 steps in half a minute, 24 were done when it was told first."""
    meter = RateMeter()
    meter.read("preparing the first step", 0, 0, now=0.0)
    meter.read("training", 1, 40, now=9.0)
    assert meter.read("training", 5, 40, now=12.2).eta_seconds is None
    assert meter.read("training", 6, 40, now=13.0).eta_seconds == pytest.approx(27.2)


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


def test_a_batch_that_is_counted_at_once_is_not_the_rate_of_what_follows():
    """Nine of eighty came at once; then one took minutes, and five hours were shown."""
    meter = RateMeter()
    meter.read("questions", 0, 80, now=0.0)
    meter.read("questions", 9, 80, now=100.0)
    pace = meter.read("questions", 10, 80, now=400.0)
    assert pace.eta_seconds == pytest.approx(70 * 40)


def test_progress_is_written_seldom_but_its_end_always(store, monkeypatch):
    monkeypatch.setattr(context, "REPORT_SECONDS", 600.0)
    run = store.runs.create("study", {})
    report = Reporter(store, run.id)
    report("ask", 1, 10)
    report("ask", 2, 10)
    assert store.runs.get(run.id).done == 1
    report("ask", 10, 10)
    assert store.runs.get(run.id).done == 10
    report("answer", 0, 10)
    assert store.runs.get(run.id).stage == "answer"
