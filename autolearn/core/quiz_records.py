"""Versions of the quiz, and the results of quizzes and skill checks."""

from dataclasses import dataclass
from typing import Literal

from autolearn.core.model_calls import Generation

Scorer = Literal["contains", "exact", "f1", "number", "choice", "none"]
QuizMode = Literal["closed_book", "open_book", "retrieval", "refined", "consistent"]
QuizPart = Literal["gold", "self_made", "control"]
"""The sets of questions that are counted apart: the quiz by its origin, and control."""


@dataclass(frozen=True)
class FrozenQuestion:
    """How a version of the quiz scores a question of quiz or control."""

    id: int
    gold_answer: str
    gold_value: str
    scorer: Scorer
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class QuizVersion:
    """Quiz and control as they were frozen: a change gives a new version."""

    version: int
    digest: str
    questions: tuple[FrozenQuestion, ...]
    locked: bool = False
    """Whether later studies and imports leave its set of questions as it is."""
    id: int = 0


@dataclass(frozen=True)
class QuizResult:
    """One answer to one quiz or control question, scored."""

    question_id: int
    mode: QuizMode
    text: str
    right: bool
    """By the scorer of the question."""
    exact: bool
    f1: float
    round_id: int | None = None
    """None: the base model."""
    truncated: bool = False
    """Whether the answer was cut off at its length limit, or its prompt does not fit
    the context of the model."""
    generation: Generation | None = None
    id: int = 0


@dataclass(frozen=True)
class SkillResult:
    """One thing that a skill check has asked of the model, and how it went."""

    skill: str
    """Such as ``open_book``; see ``evaluation.skills``."""
    item: int
    """Which of the texts or questions of the check it was, from 0."""
    right: bool
    probability: float | None = None
    """P(correct) that a verdict gave, 0..1; None: no verdict, or none could be read."""
    text: str = ""
    """The text parsed from the generation; empty if nothing could be parsed."""
    generation: Generation | None = None
    id: int = 0
