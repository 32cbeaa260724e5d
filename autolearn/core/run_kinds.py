"""The kinds of runs: what each is called, and which queue it waits in."""

from dataclasses import dataclass
from typing import Literal

from autolearn.core.records import RunKind

TRAINING_STAGE = "training"
"""The stage of a training that takes the optimiser steps; others prepare it."""

QueueName = Literal["worker", "reader", "downloader"]


@dataclass(frozen=True)
class RunKindTraits:
    """How a kind of run differs from the others.

    Its settings and its result are the subclasses of ``RunSettings`` and ``RunResult``
    whose ``kind`` is its name.
    """

    title: str
    """Shown in lists."""
    queue: QueueName = "worker"


RUN_KINDS: dict[RunKind, RunKindTraits] = {
    "study": RunKindTraits("Study"),
    "train": RunKindTraits("Training"),
    "quiz": RunKindTraits("Quiz"),
    "chat": RunKindTraits("Chat"),
    "export": RunKindTraits("Export"),
    "import": RunKindTraits("Reading texts", "reader"),
    "download": RunKindTraits("Download", "downloader"),
    "convert": RunKindTraits("Conversion of a GGUF file"),
    "skills": RunKindTraits("Skill check"),
}
