"""Checkpoints that were damaged, and disks that are full."""

import errno
import os
import resource

import pytest
import torch

from autolearn.engine.trainer.checkpoints import Checkpoints
from tests.support.tiny import Watch, facts, training


def state(step):
    return {"adapter": {"a": torch.full((64,), float(step))}, "learned_at": None}


def damage(file, how):
    content = file.read_bytes()
    if how == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        at = len(content) // 2
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    elif how == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "gone"])
def test_a_damaged_checkpoint_gives_way_to_the_older_one_and_says_so(tmp_path, how):
    checkpoints = Checkpoints(tmp_path, "work")
    for step in (3, 4):
        checkpoints.save(step, state(step))
    damage(tmp_path / "step-4" / "state.pt", how)
    checkpoint = checkpoints.newest()
    assert checkpoint
    assert checkpoint["step"] == 3
    assert checkpoints.notes == [
        "The checkpoint step-4 is damaged. The training continues from an older state."
    ]
    damage(tmp_path / "step-3" / "state.pt", how)
    assert checkpoints.newest() is None


def test_the_best_is_replaced_whole_and_missed_if_it_is_damaged(tmp_path):
    checkpoints = Checkpoints(tmp_path, "work")
    for step in (2, 12):
        checkpoints.save_best(step, state(step))
    checkpoint = checkpoints.best()
    assert checkpoint
    assert checkpoint["step"] == 12
    assert [path.name for path in tmp_path.iterdir()] == ["best-12"]
    damage(tmp_path / "best-12" / "state.pt", "flipped")
    assert checkpoints.best() is None
    assert "best-12 is damaged" in checkpoints.notes[0]


def test_a_checkpoint_of_an_earlier_version_has_no_digest_and_is_read(tmp_path):
    checkpoints = Checkpoints(tmp_path, "work")
    checkpoints.save(3, state(3))
    (tmp_path / "step-3" / "state.sha256").unlink()
    checkpoint = checkpoints.newest()
    assert checkpoint
    assert checkpoint["step"] == 3


def test_a_round_tells_that_it_went_on_from_an_older_state(backend, places):
    settings = training(checkpoint_seconds=0.0)
    backend.train(facts(), settings, Watch(4), **places)
    damage(places["checkpoints"] / "step-4" / "state.pt", "cut")
    watch = Watch()
    outcome = backend.train(facts(), settings, watch, **places)
    assert outcome.finished
    assert len(watch.seen) == 3, "steps 4, 5 and 6"
    assert "step-4 is damaged" in outcome.notes[0]


def test_a_full_disk_at_a_checkpoint_keeps_the_older_ones(tmp_path):
    """A limit on the size of files stands for the disk: writing fails alike."""
    checkpoints = Checkpoints(tmp_path, "work")
    checkpoints.save(1, state(1))
    large = {"adapter": {"a": torch.zeros(1 << 20)}}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EIO)) as error:
            checkpoints.save(2, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.filename.endswith("state.pt")
    checkpoint = checkpoints.newest()
    assert checkpoint
    assert checkpoint["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["step-1"]
