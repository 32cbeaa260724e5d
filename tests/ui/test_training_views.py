"""The train tab: the time and the memory of a training, and how it goes."""

from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest

from autolearn.core.errors import InputError
from autolearn.core.gold import Corpus, GoldExample, MetaExample
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Metric, Round
from autolearn.core.run_settings import SampleScope, TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.models import compute, hardware, memory_calibration
from autolearn.models import files as model_files
from autolearn.models.memory import Device, Memory
from autolearn.rounds.sources import approved_examples
from autolearn.services import actions
from autolearn.services.estimates import durations, memory_needs
from autolearn.services.estimates.durations import TrainingEstimate
from autolearn.services.estimates.memory_needs import MemoryFit, MemoryPeak
from autolearn.services.estimates.round_contents import round_contents
from autolearn.store.layout import checkpoints
from autolearn.training import replay
from autolearn.ui import html
from autolearn.ui.session import Session
from autolearn.ui.tabs import training_progress
from autolearn.ui.views import curve, labels, memory, status
from autolearn.ui.views import train as views
from tests.support.trainings import HOSTILE, ORDER, SETTINGS, count, samples, training


def test_time_follows_the_pace_of_the_last_round(store):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, count)
    model = ModelSettings(HOSTILE)
    effort = durations.effort(SETTINGS, contents, durations.pace(store, model))
    assert (effort.steps, effort.seconds) == (SETTINGS.least_steps, None)
    markup = views.estimate(effort, MemoryFit(Memory(weights=1), 2, None))
    assert "known after the first round" in markup
    assert "estimated" not in markup, "nothing is estimated yet"
    assert "write the replay" not in markup
    waits = replace(effort, seconds_before=150.0)
    markup = views.estimate(waits, MemoryFit(Memory(weights=1), 2, None))
    assert "to write the replay" in markup
    assert "Time in all" not in markup, "the time of the steps is not known"
    assert "2 min" in markup
    training(store)
    speed = durations.pace(store, model)
    assert speed == 200.0
    effort = durations.effort(SETTINGS, contents, speed)
    in_steps = (SETTINGS.least_steps + 1) * effort.tokens_per_step / 200
    probe = replay.N_PROBE * contents.instruction.tokens / 200
    replay_seconds = 3 * contents.instruction.tokens / 2 / 200
    read = sum(item.tokens for item in contents.other_replay) / 2 / 200
    assert effort.seconds == pytest.approx(in_steps + probe + replay_seconds + read)
    for other in (ModelSettings("another"), replace(model, quantization="none")):
        assert durations.pace(store, other) is None


def test_before_any_round_time_follows_the_speed_of_this_computer(store, monkeypatch):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, count)
    cpu = Device("cpu", half=False, size=64 << 30)
    monkeypatch.setattr(hardware, "device", lambda: cpu)
    monkeypatch.setattr(compute, "speed", lambda: 1e10)

    def pace(**model):
        return durations.first_pace(ModelSettings(**model), SETTINGS, contents)

    slow = pace()
    assert 100 < slow < 10_000
    monkeypatch.setattr(compute, "speed", lambda: 3e10)
    assert pace() == pytest.approx(3 * slow)
    effort = durations.effort(SETTINGS, contents, slow)
    first = replace(effort, is_first=True)
    markup = views.estimate(first, MemoryFit(Memory(weights=1), 2, None))
    assert "from the speed of this computer" in markup
    # In 16 bit, nothing was told of a model that is kept unpacked.
    monkeypatch.setattr(hardware, "device", lambda: replace(cpu, half=True))
    assert pace() == pytest.approx(3 * slow)
    for other in (replace(cpu, kind="cuda"), Device("cpu", False)):
        monkeypatch.setattr(hardware, "device", lambda other=other: other)
        assert pace() is None


def test_the_time_in_all_comes_before_that_of_its_parts():
    """Two lines had to be added up."""
    fit = MemoryFit(Memory(weights=1), 2, None)
    markup = views.estimate(TrainingEstimate(9, 90, 600.0, 150.0), fit)
    names = "Time in all", "write the replay", "the steps<"
    places = [markup.index(name) for name in names]
    assert places == sorted(places)
    assert html.duration(750.0) in markup
    shipped = views.estimate(TrainingEstimate(9, 90, 600.0, 0.0), fit)
    assert "Time in all" in shipped
    assert "Time of the steps" not in shipped


def test_memory_follows_rank_and_the_models_sizes(store):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, count)

    def fit(rank):
        settings = replace(SETTINGS, rank=rank)
        return memory_needs.of_training(store, ModelSettings(), settings, contents)

    first, second = fit(32).need, fit(64).need
    weights = (model_files.BUILT_IN / "model.safetensors").stat().st_size
    assert weights / 4 < first.weights <= weights * 2
    assert second.adapter == 2 * first.adapter
    assert first.total > first.weights + first.adapter + first.moments
    markup = views.estimate(TrainingEstimate(1, 2, 3.0), fit(32))
    assert "optimizer state" in markup
    assert "rough until a run has been measured" in markup


def test_a_measured_round_corrects_the_next_estimate(store):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, count)
    model = ModelSettings()
    before = memory_needs.of_training(store, model, SETTINGS, contents)
    run = store.runs.create("train", {"model": model.as_dict(), "train": {}})
    more = before.need.n_loaded + (100 << 20)
    numbers = memory_calibration.numbers(
        before.need, more, before.need.total + (100 << 20)
    )
    rows = [Metric(0, name, value) for name, value in numbers.items()]
    store.runs.add_metrics(run.id, rows)
    after = memory_needs.of_training(store, model, SETTINGS, contents)
    assert (before.calibration_run, after.calibration_run) == (None, run.id)
    assert after.need.total == before.need.total + (100 << 20)
    assert f"calibrated with run {run.id}" in views.estimate(
        TrainingEstimate(1, 2, 3.0), after
    )
    other = ModelSettings(quantization="none")
    assert (
        memory_needs.of_training(store, other, SETTINGS, contents).calibration_run
        is None
    )


def test_a_run_shows_the_estimate_that_its_form_showed(store):
    """The form said 2.1 GiB and the run 1.4: only one of them was calibrated."""
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, count)
    model, more = ModelSettings(), 100 << 20
    need = memory_needs.of_training(store, model, SETTINGS, contents).need
    peak = need.total + more + need.at_work
    numbers = memory_calibration.numbers(need, need.n_loaded + more, peak)
    rows = [Metric(0, name, value) for name, value in numbers.items()]
    for _ in range(2):
        shown = memory_needs.of_training(store, model, SETTINGS, contents).need
        run = store.runs.create("train", {"model": model.as_dict(), "train": {}})
        assert memory_needs.peak_of(store, run) is None
        store.runs.add_metrics(run.id, rows)
        told = memory_needs.peak_of(store, run)
        assert told is not None
        assert told.measured == peak
        assert told.estimated == pytest.approx(shown.total, abs=10)


def test_the_memory_of_a_training_says_what_was_measured():
    """It read as the peak of the whole process, for which the sidebar shows more."""
    markup = memory.peak(MemoryPeak(3 << 30, 2 << 30))
    assert "3.0 GiB (largest step), estimated 2.0 GiB" in markup
    assert "The sidebar shows the whole worker process" in markup


def test_a_run_that_lacked_memory_offers_what_would_fit(store):
    run = replace(
        training(store), state="failed", result={"advice": {"max_tokens": 256}}
    )
    assert views.advice(run) == "“Max. tokens per item” 256"
    assert "retry it with “Max. tokens per item” 256" in views.live(store, run)
    assert views.advice(replace(run, result={})) == ""


def test_a_run_that_lacked_memory_is_tried_again_with_less(store):
    samples(store, 3, gaps=3)
    session = Session(store.folder)
    first = actions.train(store, ModelSettings(), replace(SETTINGS, epochs=2))
    assert training_progress._live(session, 0)[1].visible is False
    advice: dict[str, Any] = {"max_tokens": 256}
    store.runs.finish(first.id, "failed", "too little", {"advice": advice})
    _, button, *_, shown = training_progress._live(session, 0)
    label = "Retry with “Max. tokens per item” 256"
    assert (button.visible, button.value) == (True, label)
    # A newer training that began since then is not the one that is retried.
    store.runs.create("train", TrainRunSettings.of(first).as_dict())
    training_progress._retry(session, shown)
    again = store.runs.newest(1)[0]
    settings = TrainRunSettings.of(first).train
    assert TrainRunSettings.of(again).train == replace(settings, **advice)


def test_a_round_like_another_one_has_the_same_sources(store):
    corpus = Corpus("towns.json", "d1", "squad", n_examples=1, n_texts=1, n_refused=0)
    example = GoldExample("Avel has 300 inhabitants.", "How many live in Avel?", "300")
    corpus = store.corpora.add(corpus, [example])
    request = TrainRunSettings(
        train=SETTINGS,
        corpus_examples=(MetaExample("p", "r", "f", "rr"),),
        corpus_ids=(corpus.id,),
        samples=(1, 2),
        documents=(7,),
        scope=SampleScope(studies=(1,)),
    )
    first = store.runs.create("train", request.as_dict())
    store.runs.finish(first.id, "failed", "x", {"advice": {"max_tokens": 256}})
    digest = model_files.digest(model_files.BUILT_IN)
    base = ModelIdentity("built-in", digest, "nf4", "", "")
    adapter = "adapters/round-1"
    store.rounds.create(Round("refined_sft", first.id, {}, base, adapter=adapter), [])
    session = Session(store.folder)
    training_progress._retry(session, first.id)
    training_progress._continue(session, first.id, 2)
    more, again = (TrainRunSettings.of(run) for run in store.runs.newest(2))
    sources = attrgetter(
        "corpus_examples", "corpus_ids", "samples", "documents", "scope"
    )
    assert sources(again) == sources(more) == sources(request)
    assert (again.parent, again.train.max_tokens) == (None, 256)
    assert (more.parent, more.train.epochs) == (1, 2)
    store.corpora.remove(corpus.id)
    with pytest.raises(InputError, match="may have been removed"):
        training_progress._retry(session, first.id)


@pytest.mark.parametrize(
    ("method", "evolution", "named", "is_offered"),
    [
        ("al1", "restart", None, True),
        ("al2", "restart", (1, 2), False),
        ("self", "restart", None, True),
        ("self", "continual", None, True),
        ("self", "continual-new", None, False),
        ("self", "continual-new", (1, 2), True),
    ],
)
def test_more_epochs_are_offered_where_they_can_be_trained_on_the_same_samples(
    store, method, evolution, named, is_offered
):
    """After a round of SELF from the base model or of stage 2 they were refused."""
    samples(store, 3, gaps=3)
    settings = replace(SETTINGS, method=method, evolution=evolution)
    request = TrainRunSettings(train=settings, samples=named)
    first = store.runs.create("train", request.as_dict())
    store.runs.finish(first.id, "done")
    digest = model_files.digest(model_files.BUILT_IN)
    base = ModelIdentity("built-in", digest, "nf4", "", "")
    adapter = "adapters/round-1"
    store.rounds.create(Round(method, first.id, {}, base, adapter=adapter), [])
    session = Session(store.folder)
    markup, _, more, go_on, *_, shown = training_progress._live(session, 0)
    says_so = "You can train more epochs" in markup
    assert (says_so, more.visible, go_on.visible) == (is_offered,) * 3
    if is_offered:
        training_progress._continue(session, shown, 2)
        (run,) = store.runs.newest(1)
        order = TrainRunSettings.of(run)
        assert (order.parent, order.train.epochs) == (1, 2)
        assert approved_examples(store, order) == approved_examples(store, request)


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("queued", {"stop"}),
        ("running", {"stop"}),
        ("interrupted", {"resume"}),
        ("failed", {"resume"}),
        ("done", {"more epochs"}),
    ],
)
def test_only_the_buttons_that_can_do_something_are_enabled(store, state, enabled):
    run = training(store)
    if state != "queued":
        store.runs.claim(1, ["train"])
    if state not in ("queued", "running"):
        store.runs.finish(run.id, state)
    *_, go_on, stop, again, _ = training_progress._live(Session(store.folder), 0)
    can = {"more epochs": go_on.visible, "stop": stop.interactive}
    can["resume"] = again.interactive
    assert {name for name, is_so in can.items() if is_so} == enabled


def test_the_disk_space_of_a_round_is_shown(store):
    run = training(store)
    base = ModelIdentity("built-in", "abc", "nf4", "", "")
    mine = store.rounds.create(Round("refined_sft", run.id, {}, base), [])
    state = checkpoints(store.folder, mine.id) / "step-7"
    state.mkdir(parents=True)
    (state / "state.pt").write_bytes(bytes(3 << 20))
    assert "1 checkpoint, 3 MiB" in views.live(store, run)
    adapter = store.folder / "adapters" / "round-1"
    adapter.mkdir(parents=True)
    (adapter / "weights").write_bytes(bytes(2 << 20))
    store.rounds.finish(mine.id, "adapters/round-1", "", 7)
    assert "adapter, 2 MiB" in views.live(store, run)


def test_a_training_shows_its_curves_and_its_own_settings(store):
    markup = views.live(store, training(store, epochs=77))
    assert markup.count("<svg") == 1
    assert "77" in markup
    assert "<strong>77</strong>" in markup
    for name in TrainSettings().as_dict():  # as the form has them
        assert f"<dt>{labels.TRAIN_SETTINGS[name]}<" in markup
    assert "1,000 of 2,000" in markup
    assert "200" in markup
    assert "<img" not in markup
    assert "${" not in markup
    assert "{{" not in markup


def test_a_place_without_a_training_says_what_to_do(store):
    assert "Approve samples" in views.live(store, None)


@pytest.mark.parametrize("state", ["done", "cancelled", "failed", "queued"])
def test_a_run_says_what_can_be_done_with_it(store, state):
    run = replace(training(store), state=state, error=HOSTILE)
    markup = views.live(store, run)
    assert ("It is finished" in markup) == (state == "done")
    assert ("resume it where it stopped" in markup) == (
        state in ("cancelled", "failed")
    )
    assert "<img" not in markup


def test_a_run_that_stops_does_not_wait_for_the_time_of_a_checkpoint(store):
    run = replace(training(store), state="running", cancel_requested=True)
    assert "stops after this step at the latest" in views.live(store, run)
    for markup in (views.live(store, run), status._running(store, run)):
        assert "checkpoint." not in markup
        assert "next checkpoint" not in markup


@pytest.mark.parametrize(("method", "is_said"), [("meta", True), ("al1", False)])
def test_a_round_of_skills_says_how_it_is_used(store, method, is_said):
    run = replace(training(store, method=method), state="done")
    said = "To study with it, choose it as adapter under Model."
    assert (said in views.live(store, run)) == is_said


def test_the_time_left_of_a_preparation_is_not_that_of_the_training(store):
    run = training(store)
    preparing = replace(run, stage="answers checked")
    assert "Time left of this stage" in views.live(store, preparing)
    assert "of this stage" not in views.live(store, replace(run, stage="training"))


def test_a_long_curve_is_thinned_and_keeps_its_end():
    numbers = [Metric(i, "loss", float(i)) for i in range(1, 4002)]
    points = curve.thinned(numbers)
    assert len(points) <= curve.MOST_POINTS
    assert points[-1].step == 4001
    markup = curve.draw(HOSTILE, "nats", {HOSTILE: numbers})
    assert "<img" not in markup
    assert "at step 4001" in markup


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [-1.0, 2.0]])
def test_flat_short_and_negative_curves_are_drawn(values):
    numbers = [Metric(i, "x", v) for i, v in enumerate(values)]
    markup = curve.draw("x", "u", {"": numbers})
    assert "nan" not in markup
    assert "polyline" in markup
    assert curve.draw("x", "u", {"": []}) == ""


def test_the_number_of_a_smoothed_curve_is_the_end_of_its_thick_line():
    """The heading named the end of the thin line, and neither was explained."""
    numbers = [Metric(i, "loss", 0.5) for i in range(1, 100)]
    numbers.append(Metric(100, "loss", 0.1))
    markup = curve.draw("Loss", "nats", {"": numbers}, smoothing=10)
    assert "0.46 nats (thick line: smoothed; thin: not smoothed)" in markup
    assert "0.1 nats<" in curve.draw("Loss", "nats", {"": numbers})
    few = curve.draw("Loss", "nats", {"": numbers[-20:]}, smoothing=10)
    assert "smoothed" not in few


def test_items_that_are_too_long_take_no_steps(store):
    """One step more was announced than the training took."""
    samples(store, 9, gaps=9)
    contents = round_contents(store, ORDER, count)
    n = len(contents.dataset.items)
    settings = replace(SETTINGS, epochs=1, batch_size=1, least_steps=0)
    tokens = (settings.max_tokens + 1, *[10] * (n - 1))
    effort = durations.effort(settings, replace(contents, tokens=tokens), None)
    assert effort.steps == n - 1


def test_the_minimum_of_steps_says_when_it_applies():
    """It stood beside a smaller number of steps that a person had set."""
    assert labels.TRAIN_SETTINGS["least_steps"].endswith("(if from epochs)")
    about = TrainSettings.help()["least_steps"]
    assert "not for DPO, nor where the number of steps is set" in about
