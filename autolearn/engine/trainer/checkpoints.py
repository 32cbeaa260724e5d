"""Store the state of a round on disk, completely or not at all.

No random state is stored: the order of items and the learning rate follow from the
step, and nothing else is random.
"""

import shutil
from pathlib import Path
from typing import Any

import torch

from autolearn.core.atomic import atomic_folder
from autolearn.core.errors import TrainingError

State = dict[str, Any]

_KEPT = 2
_BEST, _STATE = "best", "state.pt"


class Checkpoints:
    """The checkpoints of one round in a folder: the newest two and the best."""

    def __init__(self, folder: Path, work: str):
        """Open ``folder``; only checkpoints with the same ``work`` can be resumed."""
        self._folder = folder
        self._work = work

    def save(self, step: int, state: State) -> None:
        """Store the state after ``step`` steps, and drop all but the newest two."""
        # The new checkpoint is complete before an old one is removed.
        self._write(f"step-{step}", step, state)
        for folder in self._newest_first()[_KEPT:]:
            shutil.rmtree(folder)

    def save_best(self, step: int, state: State) -> None:
        """Store the state with the best validation."""
        self._write(_BEST, step, state)

    def newest(self) -> State | None:
        """Return the newest state with its step; None if there is none.

        Raises:
            TrainingError: The checkpoint belongs to other items, settings or model.
        """
        for folder in self._newest_first():
            return self._read(folder)
        return None

    def best(self) -> State:
        """Return the state with the best validation, with its step."""
        return self._read(self._folder / _BEST)

    def clear(self) -> None:
        """Remove all checkpoints, since the round is finished."""
        # By name, so that files of others in this folder stay.
        for folder in (*self._newest_first(), *self._folder.glob(_BEST)):
            shutil.rmtree(folder)

    def _write(self, name: str, step: int, state: State) -> None:
        with atomic_folder(self._folder / name) as draft:
            torch.save({**state, "step": step, "work": self._work}, draft / _STATE)

    def _read(self, folder: Path) -> State:
        # weights_only: tensors and plain values, so a checkpoint cannot run code.
        state: State = torch.load(
            folder / _STATE, map_location="cpu", weights_only=True
        )
        # Resuming with other items would silently train something else.
        if state["work"] != self._work:
            raise TrainingError(
                "The checkpoint belongs to other items, settings or another model; "
                "remove it to begin this round anew."
            )
        return state

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("step-*"), key=_step, reverse=True)


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))
