"""Store the state of a round on disk, completely or not at all.

No random state is stored: the order of items and the learning rate follow from the
step, and nothing else is random. A digest with each state shows if it is damaged.
"""

import logging
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from autolearn.core.atomic import atomic_folder, remove_folder
from autolearn.core.digests import CHECKPOINT_DIGEST, CHECKPOINT_STATE, of_file
from autolearn.core.errors import TrainingError
from autolearn.engine.disk import write_errors

State = dict[str, Any]

_N_NEWEST = 2
_BEST, _STATE, _DIGEST = "best", CHECKPOINT_STATE, CHECKPOINT_DIGEST

log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of one round in a folder: the newest two and the best."""

    def __init__(self, folder: Path, work: str, *, writes: bool = True):
        """Open ``folder``; only checkpoints with the same ``work`` can be resumed.

        Of several processes that train together, only one ``writes``.
        """
        self._folder = folder
        self._work = work
        self._writes = writes
        self.notes: list[str] = []
        """Sentences on the checkpoints that could not be used."""

    def save(self, step: int, state: State) -> None:
        """Store the state after ``step`` steps, and drop all but the newest two.

        Raises:
            OSError: It cannot be written; the older ones stay.
        """
        if not self._writes:
            return
        # The new checkpoint is complete before an old one is removed.
        self._write(f"step-{step}", step, state)
        for folder in self._newest_first()[_N_NEWEST:]:
            remove_folder(folder)

    def save_best(self, step: int, state: State) -> None:
        """Store the state with the best validation, and drop the one before.

        Raises:
            OSError: It cannot be written; the one before stays.
        """
        if not self._writes:
            return
        name = f"{_BEST}-{step}"
        self._write(name, step, state)
        for folder in self._folder.glob(f"{_BEST}*"):
            if folder.name != name:
                remove_folder(folder)

    def newest(self) -> State | None:
        """Return the newest state with its step that can be read; None: there is none.

        Raises:
            TrainingError: The checkpoint belongs to other items, settings or model.
        """
        return self._first(self._newest_first(), "The training continues from an older")

    def best(self) -> State | None:
        """Return the state with the best validation, with its step, if there is one."""
        folders = sorted(self._folder.glob(f"{_BEST}*"), key=_step, reverse=True)
        return self._first(folders, "The adapter is that of the last")

    def _first(self, folders: Iterable[Path], otherwise: str) -> State | None:
        """Return the first state that is sound; note each that is not."""
        for folder in folders:
            state = self._read(folder)
            if state is not None:
                return state
            note = f"The checkpoint {folder.name} is damaged. {otherwise} state."
            log.warning("%s (%s)", note, folder)
            self.notes.append(note)
        return None

    def _write(self, name: str, step: int, state: State) -> None:
        with atomic_folder(self._folder / name) as draft:
            with write_errors(draft / _STATE):
                torch.save({**state, "step": step, "work": self._work}, draft / _STATE)
            digest = of_file(draft / _STATE)
            (draft / _DIGEST).write_text(digest, encoding="utf-8")

    def _read(self, folder: Path) -> State | None:
        """Return a state; None if it is damaged."""
        file, digest = folder / _STATE, folder / _DIGEST
        try:
            # Those of earlier versions have no digest.
            if digest.exists() and digest.read_text("utf-8") != of_file(file):
                return None
            # weights_only: tensors and plain values, so a checkpoint cannot run code.
            state: State = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError):
            return None
        # Resuming with other items would silently train something else.
        if state["work"] != self._work:
            raise TrainingError(
                "The checkpoint belongs to other items, settings or another model; "
                "remove it to start this round again."
            )
        return state

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("step-*"), key=_step, reverse=True)


def _step(folder: Path) -> int:
    """Return the step in the name of a checkpoint; 0 if an old version gave none."""
    return int(folder.name.partition("-")[2] or 0)
