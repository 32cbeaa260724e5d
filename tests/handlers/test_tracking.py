"""What a tracker gets of a training and its quizzes: each step once, and no harm."""

import pytest

from autolearn.core.ports import Cancelled
from autolearn.core.run_results import Score, Scores
from autolearn.core.settings import ModelSettings
from autolearn.handlers.tracking import track_quiz
from autolearn.runs.context import RunContext
from autolearn.tracking import trackers
from tests.support.rounds import Learner, queue_round, train


class Recorder:
    """A tracker that keeps what it gets, also over several attempts."""

    def __init__(self):
        self.steps = {}
        self.names = []
        self.doubled_steps = []
        self.n_closed = 0
        self.lost = 0
        """Steps at the end that a kill has cost."""

    def open(self, run):
        self.names.append(run.name)
        for step in sorted(self.steps)[len(self.steps) - self.lost :]:
            del self.steps[step]
        self.lost = 0
        self.last_step = max(self.steps, default=-1)
        return self

    def log(self, step, numbers):
        if step in self.steps:
            self.doubled_steps.append(step)
        self.steps[step] = dict(numbers)

    def close(self):
        self.n_closed += 1


class Trainee(Learner):
    """Takes steps from ``first`` to ``last`` of six."""

    def __init__(self, first=1, last=6):
        super().__init__(finishes=last == 6)
        self.first, self.last = first, last

    def train(self, items, settings, watcher, **places):
        watcher.on_probe(self.first - 1, {"memory": 5.0})
        for step in range(self.first, self.last + 1):
            watcher.on_step(step, 6, {"loss": 1.0 / step, "replay_kl": 0.5})
        outcome = super().train(items, settings, watcher, **places)
        outcome.n_steps = self.last
        return outcome


@pytest.fixture
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setitem(trackers.OPEN, "trackio", recorder.open)
    return recorder


def test_nothing_is_tracked_unless_a_person_asks(
    store, approved_samples, recorder, monkeypatch
):
    for tracker in trackers.OPEN:
        monkeypatch.setitem(trackers.OPEN, tracker, recorder.open)
    train(store, queue_round(store), Trainee())
    assert recorder.names == []
    assert not (store.folder / trackers.FOLDER).exists()


def test_the_tracker_gets_what_the_database_gets_and_the_end(
    store, approved_samples, recorder
):
    run = queue_round(store, tracker="trackio")
    result = train(store, run, Trainee())
    assert sorted(recorder.steps) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert recorder.steps[2] == {"train/loss": 0.5, "train/replay_kl": 0.5}
    assert recorder.steps[7] == {
        "end/scale": 0.85,
        "end/validation": 1.0,
        "end/forgetting_kl": 0.25,
    }
    assert (result.notes, recorder.n_closed) == ((), 1)
    losses = store.runs.metrics(run.id, "loss")
    loss_by_step = {m.step: m.value for m in losses}
    assert loss_by_step == {n: recorder.steps[n]["train/loss"] for n in range(1, 7)}


@pytest.mark.parametrize("lost", [0, 2], ids=["stopped", "killed"])
def test_a_resumed_training_continues_without_doubled_or_missing_steps(
    store, approved_samples, recorder, lost
):
    run = queue_round(store, tracker="trackio")
    with pytest.raises(Cancelled):
        train(store, run, Trainee(last=4))
    assert sorted(recorder.steps) == [0, 1, 2, 3, 4]
    recorder.lost = lost
    # The newest checkpoint is that of step 2, so two steps are taken again.
    train(store, run, Trainee(first=3))
    assert sorted(recorder.steps) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert recorder.doubled_steps == []
    assert len(set(recorder.names)) == 1


class Failing(Recorder):
    """Fails at one of its methods."""

    def __init__(self, method):
        super().__init__()
        self.n_failures = 0

        def fail(*arguments):
            self.n_failures += 1
            raise RuntimeError("disk full.\nTraceback")

        setattr(self, method, fail)


@pytest.mark.parametrize("method", ["open", "log", "close"])
def test_a_tracker_that_fails_never_fails_a_training(
    store, approved_samples, monkeypatch, method
):
    failing = Failing(method)
    monkeypatch.setitem(trackers.OPEN, "wandb", failing.open)
    run = queue_round(store, tracker="wandb")
    result = train(store, run, Trainee())
    assert result.steps == 6
    assert result.notes == ("Nothing more was sent to wandb: disk full.",)
    assert failing.n_failures == 1
    assert len(store.runs.metrics(run.id, "loss")) == 6


def quiz_of(store, round_id):
    model = ModelSettings(round_id=round_id).as_dict()
    run = store.runs.create("quiz", {"model": model, "parts": []})
    return RunContext(store, run, lambda: False, lambda stage, n_done, total: None)


SCORES: Scores = {
    ("gold", "closed_book"): Score(10, 0.5, 0.25, 0.75),
    ("control", "closed_book"): Score(0),
}


def test_quizzes_of_a_round_follow_its_steps(store, approved_samples, recorder):
    result = train(store, queue_round(store, tracker="trackio"), Trainee())
    first, second = quiz_of(store, result.round), quiz_of(store, result.round)
    for context in (first, second, first):  # the first is done again after a kill
        assert track_quiz(context, result.round, SCORES) is None
    assert recorder.steps[8] == recorder.steps[9] == {"quiz/gold_closed_book": 0.5}
    assert sorted(recorder.steps) == list(range(10))
    assert recorder.doubled_steps == []
    assert len(set(recorder.names)) == 1


def test_a_quiz_whose_tracker_fails_says_so(store, approved_samples, monkeypatch):
    failing = Failing("open")
    monkeypatch.setitem(trackers.OPEN, "wandb", failing.open)
    result = train(store, queue_round(store, tracker="wandb"), Trainee())
    notes = track_quiz(quiz_of(store, result.round), result.round, SCORES)
    assert notes == ("Nothing more was sent to wandb: disk full.",)
