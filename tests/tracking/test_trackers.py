"""The real trackers, where they are installed; nothing leaves the computer."""

import importlib
import importlib.util
import json
import os
import subprocess
import sys

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.settings import TrainSettings
from autolearn.tracking import trackers
from autolearn.tracking.trackers import TrackedRun

ATTEMPTS = """
import json, os, signal, sys
from pathlib import Path
from autolearn.tracking.trackers import OPEN, TrackedRun

name, folder, steps, ending = sys.argv[1:]
run = OPEN[name](TrackedRun(Path(folder), "run-7-2026", {"rank": 8}))
print(json.dumps({"last_step": run.last_step}), flush=True)
for step in json.loads(steps):
    run.log(step, {"train/loss": 1.0 / step, "train/learning_rate": 0.001})
if ending == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
run.close()
"""


def needs(tracker):
    if importlib.util.find_spec(tracker) is None:
        pytest.skip(f"{tracker} is not installed")


def attempt(tracker, folder, steps, ending="close"):
    """Log steps in a process of its own, as a worker does; return what it had."""
    blocked = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-c", ATTEMPTS, tracker, str(folder)]
    result = subprocess.run(
        [*command, json.dumps(steps), ending],
        env={**os.environ, **blocked, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=ending == "close",
    )
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("{"))
    return json.loads(line)["last_step"]


@pytest.mark.parametrize("tracker", trackers.OPEN)
def test_a_second_attempt_knows_the_steps_of_the_first(tracker, tmp_path):
    needs(tracker)
    assert attempt(tracker, tmp_path, [1, 2, 3]) == -1
    assert attempt(tracker, tmp_path, [4, 5]) == 3
    assert attempt(tracker, tmp_path, []) == 5
    (only,) = (tmp_path / trackers.FOLDER).iterdir()
    assert only.name == tracker


def test_tensorboard_has_what_was_logged_before_a_kill(tmp_path):
    needs("tensorboard")
    attempt("tensorboard", tmp_path, [1, 2, 3], "kill")
    assert attempt("tensorboard", tmp_path, []) == 3


def test_tensorboard_has_each_step_once(tmp_path):
    needs("tensorboard")
    attempt("tensorboard", tmp_path, [1, 2, 3])
    attempt("tensorboard", tmp_path, [4, 5])
    name = "tensorboard.backend.event_processing.event_accumulator"
    folder = tmp_path / "tracking/tensorboard/run-7-2026"
    events = importlib.import_module(name).EventAccumulator(str(folder))
    events.Reload()
    losses = [(e.step, round(e.value, 3)) for e in events.Scalars("train/loss")]
    assert losses == [(1, 1.0), (2, 0.5), (3, 0.333), (4, 0.25), (5, 0.2)]


def test_trackio_has_each_step_once(tmp_path):
    needs("trackio")
    attempt("trackio", tmp_path, [1, 2, 3])
    attempt("trackio", tmp_path, [4, 5])
    script = (
        "import json, sys\n"
        "from trackio.sqlite_storage import SQLiteStorage as S\n"
        "print(json.dumps([r['step'] for r in S.get_logs('autolearn', 'run-7-2026')]))"
    )
    environment = {**os.environ, "TRACKIO_DIR": str(tmp_path / "tracking/trackio")}
    output = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert json.loads(output.splitlines()[-1]) == [1, 2, 3, 4, 5]


def test_weights_and_biases_writes_files_offline(tmp_path):
    needs("wandb")
    attempt("wandb", tmp_path, [1, 2])
    assert list((tmp_path / "tracking/wandb").rglob("offline-run-*"))


def test_weights_and_biases_has_no_step_twice_after_a_kill(tmp_path):
    needs("wandb")
    attempt("wandb", tmp_path, [1, 2])
    attempt("wandb", tmp_path, [3, 4, 5], "kill")
    assert attempt("wandb", tmp_path, [3, 4, 5, 6]) == 2
    assert attempt("wandb", tmp_path, []) == 6
    folders = list((tmp_path / "tracking/wandb").rglob("offline-run-*"))
    assert len(folders) == 3, "the one of the killed attempt is removed"


def test_trackio_sends_nothing_to_a_space_of_the_environment(tmp_path, monkeypatch):
    needs("trackio")
    monkeypatch.setenv("TRACKIO_SPACE_ID", "somebody/space")
    assert attempt("trackio", tmp_path, [1]) == -1
    assert list((tmp_path / "tracking/trackio").glob("*.db"))


def test_the_person_may_set_weights_and_biases_online(tmp_path, monkeypatch):
    modes = []

    class Package:
        Settings = dict

        @staticmethod
        def init(**options):
            modes.append(os.environ["WANDB_MODE"])

    monkeypatch.setattr(importlib, "import_module", lambda name: Package)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "true")
    trackers.WandbRun(TrackedRun(tmp_path, "a", {}))
    monkeypatch.setenv("WANDB_MODE", "online")
    trackers.WandbRun(TrackedRun(tmp_path, "a", {}))
    assert modes == ["offline", "online"]


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    trackers.check_installed(None)
    for tracker in trackers.OPEN:
        with pytest.raises(JobError, match=f"pip install {tracker}, or choose no"):
            trackers.check_installed(tracker)


def test_a_folder_of_the_same_name_is_no_package(tmp_path, monkeypatch):
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    importlib.invalidate_caches()
    assert importlib.util.find_spec("wandb") is not None
    with pytest.raises(JobError, match="pip install wandb"):
        trackers.check_installed("wandb")


def test_an_unknown_tracker_is_refused_and_none_is_no_setting():
    with pytest.raises(InputError, match="tracker must be one of trackio, tensorb"):
        TrainSettings.from_dict({"tracker": "mlflow"})
    assert TrainSettings.from_dict({"tracker": ""}).tracker is None
    assert "tracker" not in TrainSettings().as_dict()
    stored = TrainSettings(tracker="wandb").as_dict()
    assert TrainSettings.from_dict(stored).tracker == "wandb"
