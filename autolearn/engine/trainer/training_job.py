"""The inputs of a training, and how they are passed to other processes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from autolearn.core.codec import JsonRecord
from autolearn.core.records import TrainItem
from autolearn.core.settings import ModelSettings, TrainSettings

_FILE = "job.json"


@dataclass(frozen=True)
class TrainingJob:
    """The items and settings of a training, and its folders."""

    items: tuple[TrainItem, ...]
    settings: TrainSettings
    start: Path | None
    """The adapter to begin with; None: a new one."""
    checkpoints: Path
    output: Path


@dataclass(frozen=True)
class SentJob(JsonRecord):
    """A training with its model, as several processes read it from a folder."""

    model: ModelSettings
    model_folder: Path
    job: TrainingJob

    def write(self, folder: Path) -> None:
        """Write it into the folder.

        Raises:
            OSError: It cannot be written.
        """
        (folder / _FILE).write_text(json.dumps(self.as_dict()), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from the folder."""
        return cls.from_dict(json.loads((folder / _FILE).read_text("utf-8")))
