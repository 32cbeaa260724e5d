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
    counts: Literal["items", "kilobytes", "share"] = "share"
    """What the numbers of its progress are to a person: steps or questions, a size, or
    only a share of the whole, such as passages times stages."""


RUN_KINDS: dict[RunKind, RunKindTraits] = {
    "study": RunKindTraits("Study"),
    "train": RunKindTraits("Training", counts="items"),
    "quiz": RunKindTraits("Quiz", counts="items"),
    "chat": RunKindTraits("Chat"),
    "export": RunKindTraits("Export"),
    "import": RunKindTraits("Reading texts", "reader"),
    "download": RunKindTraits("Download", "downloader", "kilobytes"),
    "convert": RunKindTraits("Conversion of a GGUF file"),
    "skills": RunKindTraits("Skill check"),
}
