"""Experiments: ways of learning from the same texts, or several rounds in a row.

An experiment is stored with its settings. Its work is done by runs of the queue; each
has a *task*, whose name says what the run is for.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from autolearn.core.codec import JsonRecord
from autolearn.core.errors import InputError
from autolearn.core.methods import Method
from autolearn.core.quiz_records import QuizMode
from autolearn.core.setting_fields import Range, Settings, check, setting
from autolearn.core.settings import (
    EVOLUTION_MEANING,
    MANY,
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

ArmSource = Literal["placebo", "corpora"]


@dataclass(frozen=True)
class ArmTraits:
    """The title of an arm, and how it differs from the others."""

    title: str
    method: Method | None = None
    """Trains its rounds; None: it asks the base model, whatever the seed."""
    mode: QuizMode = "closed_book"
    """How the quiz is asked."""
    source: ArmSource | None = None
    """The field of ``CompareSettings`` that names what it learns from; None: it learns
    from the documents."""
    is_filtered: bool = True
    """Whether it learns approved samples with a gap only."""

    @property
    def is_trained(self) -> bool:
        """Return whether the arm trains a round."""
        return self.method is not None


ARMS: dict[Arm, ArmTraits] = {
    "base": ArmTraits("no learning"),
    "passage": ArmTraits("the passage in the prompt", mode="open_book"),
    "retrieval": ArmTraits("retrieval (BM25)", mode="retrieval"),
    "cpt": ArmTraits("continued pre-training", "cpt"),
    "sft": ArmTraits("SFT on unfiltered pairs", "unrefined", is_filtered=False),
    "pairs": ArmTraits("SFT on people's pairs", "pairs", source="corpora"),
    "al1": ArmTraits("AL, stage 1", "al1"),
    "al12": ArmTraits("AL, stages 1 and 2", "al2"),
    "refined_sft": ArmTraits("both papers combined", "refined_sft"),
    "placebo": ArmTraits("other documents", "refined_sft", source="placebo"),
}
"""The arms of a comparison."""
_MISSING_SOURCES: dict[ArmSource, str] = {
    "placebo": "other documents; add some to the library and name them",
    "corpora": "questions and answers by people; add some to the library as a corpus "
    "and name it",
}


MOST_SEEDS = 100


def first_seeds(n: int) -> tuple[int, ...]:
    """Return ``n`` seeds, from 0 on.

    Raises:
        InputError: There is none, or so many that one of them must be meant.
    """
    if not 1 <= n <= MOST_SEEDS:
        raise InputError(f"Give the number of seeds, from 1 to {MOST_SEEDS}, not {n}.")
    return tuple(range(n))


@dataclass(frozen=True)
class CompareSettings(JsonRecord):
    """A comparison of arms on the same documents and questions."""

    model: ModelSettings
    study: StudySettings
    train: TrainSettings
    """The settings of all trained arms; an arm changes method and seed."""
    documents: tuple[int, ...]
    placebo: tuple[int, ...] = ()
    """Other documents, for the arm that learns something else."""
    arms: tuple[Arm, ...] = tuple(arm for arm in ARMS if not ARMS[arm].source)
    seeds: tuple[int, ...] = (0, 1, 2)
    rule: str = "default"
    """Which samples the filtered arms learn, besides those that a person approved."""
    steps: int = 0
    """Optimiser steps of each trained arm; 0: as many as refined_sft takes."""
    corpora: tuple[int, ...] = ()
    """Questions and answers by people, for the arm that learns those."""
    instructions: bool = False
    """Also study the instructions of the library, which the arms ``sft`` and
    ``refined_sft`` learn."""

    def __post_init__(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            InputError: No seed, no trained arm, an arm twice, an arm without what it
                learns, a placebo that is one of the documents, or a negative number of
                steps.
        """
        check("steps", self.steps, Range(0, MANY))
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError("Name at least one seed, and each only once.")
        for arm in self.arms:
            if arm not in ARMS:
                raise InputError(
                    f"There is no arm {arm!r}; choose from {', '.join(ARMS)}."
                )
        if len(set(self.arms)) < len(self.arms):
            raise InputError("Name each arm only once.")
        if not self.trained_arms:
            raise InputError("Choose at least one arm that trains, such as cpt.")
        for arm in self.arms:
            source = ARMS[arm].source
            if source and not getattr(self, source):
                raise InputError(
                    f"The arm {arm} learns from {_MISSING_SOURCES[source]}, or leave "
                    "the arm out."
                )
        if set(self.placebo) & set(self.documents):
            raise InputError("A placebo document must not be one of the documents.")

    @property
    def trained_arms(self) -> tuple[Arm, ...]:
        """Return the arms that train a round."""
        return tuple(arm for arm in self.arms if ARMS[arm].is_trained)


@dataclass(frozen=True)
class EvolveSettings(Settings):
    """Rounds of self-evolution on instructions (SELF, arXiv 2310.00533)."""

    model: ModelSettings
    study: StudySettings
    train: TrainSettings
    rounds: int = setting(
        3,
        "Rounds. More shows how far it gets by itself; each is a study, a training and "
        "a quiz",
        Range(1, 20),
    )
    evolution: Evolution = setting("restart", EVOLUTION_MEANING, get_args(Evolution))
    new_instructions: int = setting(
        0,
        "Instructions that the model writes before each later round; 0: as many as the "
        "library has. More gives a round more to learn from and takes longer",
        Range(0, 100_000),
    )
    meta: bool = setting(
        False,
        "Begin with a meta-skill round, from the corpora of the library; for a model "
        "whose answers fail its own check",
    )
    votes: int = setting(
        5,
        "Sampled answers per quiz question for self-consistency, 2 or more; 0: not "
        "asked. More takes longer",
        Range(0, 40),
    )
    margin: float = setting(
        0.02,
        "How far the control score may fall for a round to be kept. More tolerates "
        "more forgetting",
        Range(0, 1),
    )
    stop_early: bool = setting(
        False,
        "Stop after a round that is not to be kept: the quiz has not improved, or the "
        "control score has fallen by more than the margin",
    )

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: A value is not allowed.
        """
        super().__post_init__()
        if self.votes == 1:
            raise InputError(f"votes must be 0 or from 2 to 40, not {self.votes}.")


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
    """Its task, such as ``train refined_sft, seed 1``."""
    run_id: int
    reused: bool = False
    """Whether it had been done before, for something else."""
    id: int = 0
