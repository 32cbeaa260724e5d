"""A training by real processes: what they learn, and how they end.

This file is also the program of these processes, and one that starts them.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from autolearn.containment.child import child_environment
from autolearn.core import errors
from autolearn.core.errors import OutOfMemory, ProcessLost
from autolearn.core.ports import Cancelled
from autolearn.core.settings import ModelSettings
from autolearn.engine import load
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.engine.trainer import joint_training, member
from autolearn.engine.trainer.training_job import TrainingJob
from tests.support.tiny import Watch, build_model, facts, training

COMMAND = (sys.executable, __file__)
SETTINGS = training(max_steps=7, batch_size=3, checkpoint_seconds=0.0, devices=2)
ITEMS = (*facts(n=7), *facts("dpo", n=2, rejected="pink"), *facts("replay", n=3))
SECONDS = 60.0


def in_float32(device):
    """In 16 bit, results depend on what is computed together."""
    return torch.float32


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return build_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def train(model, tmp_path, monkeypatch):
    """Train in two processes, or in this one alone."""
    monkeypatch.setattr(load, "compute_dtype", in_float32)
    torch.set_num_threads(1)
    settings = ModelSettings(model=str(model), quantization="none")

    def train(watch, name="together", n=2, command=COMMAND):
        places = (None, tmp_path / name / "states", tmp_path / name / "adapter")
        job = TrainingJob(ITEMS, SETTINGS, *places)
        if n == 1:
            return HuggingFaceBackend.load(settings, model).train_here(job, watch)
        return joint_training.train(settings, model, job, watch, command)

    return train


def members(pid=None):
    """Return the processes of a training that a process has started."""
    return [
        child
        for child in psutil.Process(pid).children()
        if child.status() != psutil.STATUS_ZOMBIE and __file__ in child.cmdline()
    ]


class Kill(Watch):
    """Kills the second process after some steps."""

    def on_step(self, step, total, metrics):
        super().on_step(step, total, metrics)
        if len(self.seen) == 2:
            os.kill(members()[1].pid, signal.SIGKILL)


def test_stopped_and_killed_trainings_continue_with_the_same_curve(train, tmp_path):
    whole, first, second, third = Watch(), Watch(2), Kill(), Watch()
    train(whole, "whole", n=1)
    assert not train(first).finished
    with pytest.raises(
        ProcessLost, match=r"Process 2 of 2 .*signal 9, SIGKILL.*resume"
    ):
        train(second)
    assert members() == []
    states = tmp_path / "together" / "states"
    n_done = max(int(path.name.partition("-")[2]) for path in states.glob("step-*"))
    assert sorted(path.name for path in states.iterdir())[0].startswith("step-")
    assert train(third, n=1).n_steps == 7
    seen = [*first.seen, *second.seen][:n_done] + third.seen
    assert len(seen) == len(whole.seen) == 7
    for here, there in zip(seen, whole.seen, strict=True):
        for name in ("loss", "replay_kl", "reward_margin", "grad_norm"):
            assert here.get(name) == pytest.approx(there.get(name), abs=1e-4), name


def test_processes_end_when_their_starter_is_killed(model, tmp_path):
    arguments = ("start", str(model), str(tmp_path))
    starter = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        env=child_environment(),
    )
    assert starter.stdout
    assert starter.stdout.readline() == b"step 1\n"
    alive = members(starter.pid)
    assert len(alive) == 2
    sockets = [c for p in alive for c in p.net_connections() if c.status == "LISTEN"]
    assert {c.laddr.ip for c in sockets} == {"127.0.0.1"}
    starter.kill()
    starter.wait()
    starter.stdout.close()
    _, left = psutil.wait_procs(alive, timeout=30)
    assert left == []


# Programs in place of a process

OUTCOME = '{"outcome": {"n_steps": 3, "finished": true}}'
REFUSAL = '{"error": {"kind": "%s", "message": "too much", "advice": {"rank": 8}}}'
FULL = '{"error": {"kind": "OSError", "values": [28, "No space left", "a/b"]}}'
WAIT = "import sys; sys.stdin.read()"


def program(first, second=WAIT):
    """Return the command of processes that do no more than this."""
    return (
        sys.executable,
        "-c",
        f"import sys\nif sys.argv[2] == '0':\n {first}\nelse:\n {second}\n",
    )


def test_the_outcome_of_the_first_process_ends_the_others(train):
    outcome = train(Watch(), command=program(f"print('{OUTCOME}')"))
    assert (outcome.n_steps, outcome.finished) == (3, True)


@pytest.mark.parametrize("kind", ["TrainingError", "BackendError", "OutOfMemory"])
def test_a_refusal_is_raised_whoever_is_seen_to_end_first(train, kind, monkeypatch):
    monkeypatch.setattr(joint_training, "GRACE_SECONDS", SECONDS)
    command = program(
        "sys.exit(1)", f"import time; time.sleep(0.5); print('{REFUSAL % kind}')"
    )
    with pytest.raises(getattr(errors, kind), match="too much") as error:
        train(Watch(), command=command)
    if isinstance(error.value, OutOfMemory):
        assert error.value.advice == {"rank": 8}


def test_a_full_disk_is_raised_as_such(train, monkeypatch):
    monkeypatch.setattr(joint_training, "GRACE_SECONDS", 0.5)
    with pytest.raises(OSError, match="No space left") as error:
        train(Watch(), command=program(f"print('{FULL}', flush=True); {WAIT}"))
    assert error.value.filename == "a/b"


@pytest.mark.parametrize(
    "end", ["sys.exit(0)", "sys.exit(3)", "print('{\"out', end='')", "1 / 0"]
)
def test_an_end_without_an_outcome_is_a_loss(train, end, monkeypatch):
    monkeypatch.setattr(joint_training, "GRACE_SECONDS", 0.5)
    with pytest.raises(ProcessLost, match=r"Process 1 of 2 .*exit code \d"):
        train(Watch(), command=program(end))


class Tired(Watch):
    def stop(self):
        return True


def test_processes_that_do_not_stop_are_ended(train, monkeypatch):
    monkeypatch.setattr(joint_training, "STOP_SECONDS", 0.5)
    with pytest.raises(Cancelled):
        train(Tired(), command=program(WAIT))


def test_a_wish_to_stop_is_passed_on(train):
    answer = f"print('{OUTCOME}') if sys.stdin.readline() == 'stop\\n' else sys.exit(5)"
    assert train(Tired(), command=program(answer)).n_steps == 3


class Say(Watch):
    """Says each step, and takes long for each."""

    def on_step(self, step, total, metrics):
        print(f"step {step}", flush=True)  # noqa: T201
        time.sleep(SECONDS)


def start(model, folder):
    settings = ModelSettings(model=str(model), quantization="none")
    job = TrainingJob(ITEMS, SETTINGS, None, folder / "states", folder / "adapter")
    joint_training.train(settings, model, job, Say(), COMMAND)


if __name__ == "__main__":
    if sys.argv[1] == "start":
        start(Path(sys.argv[2]), Path(sys.argv[3]))
    load.compute_dtype = in_float32
    member.main()
