"""Approved samples, and a training whose numbers are known."""

from dataclasses import replace

from autolearn.core.records import (
    Decision,
    Metric,
    Question,
    Sample,
)
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.store.runs import Pace

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
SETTINGS = TrainSettings()
ORDER = TrainRunSettings(train=SETTINGS)


def order(**settings):
    return TrainRunSettings(train=replace(SETTINGS, **settings))


def count(text):
    return len(text.split())


def samples(store, n, gaps, passage_id=None):
    run = store.runs.create("study", {"model": ModelSettings().as_dict(), "study": {}})
    questions = store.library.add_questions(
        [Question(f"Who leads town number {i}?", "study", "model") for i in range(n)]
    )
    new_samples = store.journal(run.id).step(
        "s",
        lambda: [
            Sample(q.id, q.text, "Ada does.", "Bo does.", i < gaps, 0.9, passage_id)
            for i, q in enumerate(questions)
        ],
    )
    store.decisions.decide([Decision(s.id, "approve", "person") for s in new_samples])


def training(store, **settings):
    values = replace(SETTINGS, **settings).as_dict()
    model = ModelSettings(HOSTILE).as_dict()
    run = store.runs.create("train", {"train": values, "model": model, "parent": None})
    numbers = [Metric(i, "loss", 3.0 / i) for i in range(1, 1001)]
    numbers += [Metric(i, "tokens_per_second", 200.0) for i in range(1, 1001)]
    store.runs.add_metrics(run.id, numbers)
    store.runs.save_progress(run.id, Pace("training", 1000, 2000, 1.0, 90.0))
    return store.runs.get(run.id)
