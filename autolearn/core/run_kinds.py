"""The kinds of runs: what each is called, and which queue it waits in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from autolearn.core.records import Run, RunKind

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
    stages: Mapping[str, str] = field(default_factory=dict)
    """Titles of its stages, where their names say too little."""


RUN_KINDS: dict[RunKind, RunKindTraits] = {
    "study": RunKindTraits(
        "Study",
        stages={"generated instructions": "the model writes new instructions"},
    ),
    "train": RunKindTraits(
        "Training",
        counts="items",
        stages={
            "statements": "the model writes statements about the texts",
            "generated instructions": "replay: instructions that the model writes",
            "similar questions": "replay: questions like those of the round",
            "texts read again": "replay: questions and answers on the texts",
            "answers checked": "replay: the model checks its own answers",
        },
    ),
    "quiz": RunKindTraits("Quiz", counts="items"),
    "chat": RunKindTraits("Chat"),
    "export": RunKindTraits("Export"),
    "import": RunKindTraits("Reading texts", "reader"),
    "download": RunKindTraits("Download", "downloader", "kilobytes"),
    "convert": RunKindTraits("Conversion of a GGUF file"),
    "skills": RunKindTraits(
        "Skill check",
        stages={
            "questions": "asking questions",
            "answers": "answering with the text in view",
            "verdicts": "judging right and wrong answers",
            "refinements": "refining wrong answers",
        },
    ),
}


def stage_title(run: Run) -> str:
    """Return what the stage of a run is called; empty: it reports none yet.

    The part that a stage is about, such as some of the texts, follows a comma.
    """
    name, comma, part = run.stage.partition(", ")
    return RUN_KINDS[run.kind].stages.get(name, name) + comma + part


def is_preparing(run: Run) -> bool:
    """Return whether a training prepares its round; its progress is of one stage."""
    return run.kind == "train" and run.stage not in ("", TRAINING_STAGE)
