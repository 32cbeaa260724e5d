"""Experiments: ways of learning from the same texts, or several rounds in a row.

An experiment is stored with its settings. Its work is done by runs of the queue; each
has a *task*, whose name says what the run is for.
"""

from dataclasses import dataclass
from typing import Literal

from autolearn.core.codec import JsonRecord
from autolearn.core.errors import InputError
from autolearn.core.settings import (
    Evolution,
    ModelSettings,
    StudySettings,
    TrainSettings,
)

ExperimentKind = Literal["compare", "evolve"]
Arm = Literal[
    "base",
    "passage",
    "retrieval",
    "cpt",
    "sft",
    "pairs",
    "al1",
    "al12",
    "refined_sft",
    "placebo",
]

ARMS: dict[Arm, str] = {
    "base": "no learning",
    "passage": "the passage in the prompt",
    "retrieval": "retrieval (BM25)",
    "cpt": "continued pre-training",
    "sft": "SFT on unfiltered pairs",
    "pairs": "SFT on people's pairs",
    "al1": "AL, stage 1",
    "al12": "AL, stages 1 and 2",
    "refined_sft": "both papers joined",
    "placebo": "other documents",
}
"""The arms of a comparison, with their titles."""
UNTRAINED: tuple[Arm, ...] = ("base", "passage", "retrieval")
"""The arms that ask the base model, whatever the seed."""
WITH_SOURCES: tuple[Arm, ...] = ("pairs", "placebo")
"""The arms that learn from something else, which has to be named."""


@dataclass(frozen=True)
class CompareSettings(JsonRecord):
    """A comparison of arms on the same documents and questions."""

    model: ModelSettings
    study: StudySettings
    train: TrainSettings
    """What all trained arms share; an arm changes its method and seed."""
    documents: tuple[int, ...]
    placebo: tuple[int, ...] = ()
    """Other documents, for the arm that learns something else."""
    arms: tuple[Arm, ...] = tuple(arm for arm in ARMS if arm not in WITH_SOURCES)
    seeds: tuple[int, ...] = (0, 1, 2)
    rule: str = "default"
    """Which samples the filtered arms learn, beside those that a person approved."""
    steps: int = 0
    """Optimiser steps of each trained arm; 0: as many as refined_sft takes."""
    corpora: tuple[int, ...] = ()
    """Questions and answers by people, for the arm that learns those."""

    def __post_init__(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            InputError: No seed, no trained arm, an arm without what it learns, or a
                placebo that is no other document.
        """
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError("Name at least one seed, and each only once.")
        for arm in self.arms:
            if arm not in ARMS:
                raise InputError(
                    f"There is no arm {arm!r}; choose from {', '.join(ARMS)}."
                )
        if not self.trained_arms:
            raise InputError("Choose at least one arm that trains, such as cpt.")
        if "placebo" in self.arms and not self.placebo:
            raise InputError(
                "The arm placebo learns from other documents; add some to the library "
                "and name them, or leave the arm out."
            )
        if "pairs" in self.arms and not self.corpora:
            raise InputError(
                "The arm pairs learns questions and answers by people; add some to the "
                "library as a corpus and name it, or leave the arm out."
            )
        if set(self.placebo) & set(self.documents):
            raise InputError("A placebo document must not be one of the documents.")

    @property
    def trained_arms(self) -> tuple[Arm, ...]:
        """Return the arms that train a round."""
        return tuple(arm for arm in self.arms if arm not in UNTRAINED)


@dataclass(frozen=True)
class EvolveSettings(JsonRecord):
    """Rounds of self-evolution on instructions (SELF, arXiv 2310.00533)."""

    model: ModelSettings
    study: StudySettings
    train: TrainSettings
    rounds: int = 3
    evolution: Evolution = "restart"
    new_instructions: int = 0
    """Instructions that the model writes before each later round; 0: as many as were
    given."""
    meta: bool = False
    """Whether a meta-skill round comes first, from the corpora of the library."""
    votes: int = 5
    """Sampled answers for self-consistency, 0 (not asked) or 2..40."""
    margin: float = 0.02
    """By how much the control may fall for a round to be kept, 0..1."""
    stop_early: bool = False
    """Whether the rounds end where the gate proposes to roll back."""

    def __post_init__(self) -> None:
        """Refuse nonsense.

        Raises:
            InputError: A value is out of its range.
        """
        if not 1 <= self.rounds <= 20:
            raise InputError(f"rounds must be from 1 to 20, not {self.rounds}.")
        if self.votes != 0 and not 2 <= self.votes <= 40:
            raise InputError(f"votes must be 0 or from 2 to 40, not {self.votes}.")
        if not 0 <= self.margin <= 1:
            raise InputError(f"margin must be from 0 to 1, not {self.margin}.")
        if not 0 <= self.new_instructions <= 100_000:
            raise InputError("new_instructions must be from 0 to 100000.")


@dataclass(frozen=True)
class Experiment:
    """A stored experiment."""

    kind: ExperimentKind
    settings: dict[str, object]
    """As they are stored; ``CompareSettings`` or ``EvolveSettings`` reads them."""
    created_at: str = ""
    id: int = 0


@dataclass(frozen=True)
class ExperimentRun:
    """A run of an experiment."""

    experiment_id: int
    task: str
    """What it is for, such as ``train refined_sft, seed 1``."""
    run_id: int
    reused: bool = False
    """Whether it had been done before, for something else."""
    id: int = 0
