"""A tracker is refused before anything is queued if its package is missing."""

import importlib.util
from types import SimpleNamespace

import pytest

from autolearn.cli.main import main, parser
from autolearn.core.errors import JobError
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.services import actions, pipeline
from tests.support.rounds import approve
from tests.support.texts import put_passages

MODEL = ModelSettings()


@pytest.fixture
def no_trackers(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_a_training_is_refused(store, no_trackers):
    approve(store)
    n_runs = len(store.runs.newest())
    with pytest.raises(JobError, match="pip install tensorboard"):
        actions.train(store, MODEL, TrainSettings(tracker="tensorboard"))
    assert len(store.runs.newest()) == n_runs
    assert actions.train(store, MODEL, TrainSettings())


def test_a_whole_round_is_refused_before_its_study(store, no_trackers):
    put_passages(store, "a.txt", ["Ada leads Avel."])
    with pytest.raises(JobError, match="pip install wandb"):
        pipeline.begin(store, MODEL, StudySettings(), TrainSettings(tracker="wandb"))
    assert store.runs.newest() == []


def test_the_choice_is_stored_with_the_run(store, monkeypatch):
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: SimpleNamespace(origin="a")
    )
    approve(store)
    run = actions.train(store, MODEL, TrainSettings(tracker="trackio"))
    assert TrainRunSettings.of(store.runs.get(run.id)).train.tracker == "trackio"
    untracked = actions.train(store, MODEL, TrainSettings())
    assert TrainRunSettings.of(untracked).train.tracker is None


def test_the_command_line_takes_a_tracker(workspace, store, no_trackers, capsys):
    approve(store)
    command = ["train", "--tracker", "trackio", "--workspace", str(workspace)]
    assert main(command) == 1
    assert "pip install trackio" in capsys.readouterr().err
    options = parser().parse_args(["run", "a.md", "--tracker", "wandb"])
    assert options.tracker == "wandb"
    assert parser().parse_args(["run", "a.md"]).tracker is None
    assert parser().parse_args(["train"]).tracker is None
