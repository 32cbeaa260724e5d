"""A round on several devices: what is refused, estimated, and resumed."""

from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import hardware
from autolearn.services import actions, pipeline
from autolearn.services.estimates import durations, memory_needs
from autolearn.services.estimates.round_contents import round_contents
from autolearn.store import RunFilter
from autolearn.ui.views import memory
from tests.support.texts import put_text
from tests.support.trainings import ORDER, SETTINGS, samples, training

MODEL = ModelSettings()
GIB = 1 << 30


@pytest.fixture
def cards(monkeypatch):
    """Let this computer have GPUs with so much free memory."""

    def have(*free):
        gpus = tuple(hardware.Gpu("a card", 24 * GIB - n, 24 * GIB) for n in free)
        monkeypatch.setattr(hardware, "gpus", lambda: gpus)

    return have


@pytest.mark.parametrize(
    ("free", "n", "sentence"),
    [
        ((GIB, GIB), 3, r"has 2 GPUs for training; train on 2 or fewer \(--devices\)"),
        ((GIB,), 2, r"has 1 GPU for training; train on 1 \(--devices\)"),
        ((), 33, r"has 32 processor cores .* on 32 or fewer"),
    ],
)
def test_more_devices_than_there_are_are_refused(
    store, cards, monkeypatch, free, n, sentence
):
    monkeypatch.setattr("os.cpu_count", lambda: 32)
    cards(*free)
    samples(store, 3, gaps=3)
    put_text(store, "a.md", "Avel was founded in 1711.")
    n_runs = len(store.runs.find(RunFilter()))
    settings = replace(SETTINGS, devices=n)
    with pytest.raises(JobError, match=sentence):
        actions.train(store, MODEL, settings)
    with pytest.raises(JobError, match=sentence):
        pipeline.begin(store, MODEL, train=settings)
    assert len(store.runs.find(RunFilter())) == n_runs
    fewer = actions.train(store, MODEL, replace(SETTINGS, devices=n - 1))
    assert TrainRunSettings.of(fewer).train.devices == n - 1


def test_a_training_is_resumed_on_another_number_of_devices(store, cards):
    cards(GIB, GIB)
    run = training(store, devices=2)
    store.runs.claim(1, ("train",))
    store.runs.finish(run.id, "interrupted")
    cards(GIB)
    with pytest.raises(JobError, match="has 1 GPU"):
        actions.resume(store, run.id, 2)
    assert store.runs.get(run.id).state == "interrupted"
    resumed = actions.resume(store, run.id, 1)
    assert resumed.state == "queued"
    settings = TrainRunSettings.of(resumed)
    assert settings == replace(
        TrainRunSettings.of(run), train=replace(SETTINGS, devices=1)
    )
    study = store.runs.create("study", {})
    with pytest.raises(InputError, match="trains nothing"):
        actions.resume(store, study.id, 1)


def test_memory_is_estimated_for_each_device(store, cards):
    cards(20 * GIB, 6 * GIB, 2 * GIB)
    samples(store, 30, gaps=30)
    contents = round_contents(store, ORDER, lambda text: 400)

    def fit(n, **more):
        settings = replace(SETTINGS, devices=n, batch_size=4, **more)
        return memory_needs.of_training(store, MODEL, settings, contents)

    one, two, three = fit(1), fit(2), fit(3)
    assert [f.free for f in (one, two, three)] == [20 * GIB, 6 * GIB, 2 * GIB]
    # Each device has the whole model and its share of a step.
    assert two.need.weights == one.need.weights
    assert two.need.adapter == one.need.adapter
    assert two.need.activations < 0.7 * one.need.activations
    markup = str(memory.fit(two))
    assert "Memory of each device, at the peak" in markup
    assert "Devices" in markup
    assert "each device" not in str(memory.fit(one))


def test_the_pace_is_that_of_rounds_on_as_many_devices(store):
    training(store, devices=2)
    model = TrainRunSettings.of(store.runs.find(RunFilter())[0]).model
    assert durations.pace(store, model, 2) == 200.0
    assert durations.pace(store, model) is None
