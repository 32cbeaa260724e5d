"""The results that other programs get: plain values that JSON can express."""

from dataclasses import dataclass
from typing import Any, Self

from autolearn.core.records import Document, Round, Run, Sample
from autolearn.core.run_results import RoundScores


@dataclass(frozen=True)
class GoldPair:
    """A question with its right answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class RunInfo:
    """A run: work that is queued, in progress or ended."""

    id: int
    kind: str
    state: str
    """queued, running, done, failed, cancelled or interrupted."""
    stage: str
    n_done: int
    """Units of the stage that are done, of ``total``."""
    total: int
    eta_seconds: float | None
    error: str | None
    """Why it failed, in a sentence that says what to do."""
    result: dict[str, Any]

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the view of a run."""
        return cls(
            run.id,
            run.kind,
            run.state,
            run.stage,
            run.done,
            run.total,
            run.eta_seconds,
            run.error,
            dict(run.result),
        )


@dataclass(frozen=True)
class DocumentInfo:
    """A text of the library."""

    id: int
    name: str
    characters: int
    notes: list[str]
    """Notes for the user on how it was read."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """Return the view of a document."""
        return cls(document.id, document.name, document.n_characters, document.notes)


@dataclass(frozen=True)
class SampleInfo:
    """A sample: a question with the answer that may be learned."""

    id: int
    state: str
    question: str
    chosen: str
    """The answer that is learned."""
    rejected: str
    """The answer from memory."""
    gap_probability: float
    """How sure it is that the model does not know it, 0..1."""
    flags: list[str]

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """Return the view of a sample."""
        return cls(
            sample.id,
            sample.state,
            sample.prompt,
            sample.chosen,
            sample.rejected,
            sample.gap_probability,
            list(sample.flags),
        )


@dataclass(frozen=True)
class RoundInfo:
    """A trained round, with its shares of right answers."""

    id: int
    method: str
    state: str
    parent: int | None
    model: str
    steps: int
    gold: float | None
    """Share of the gold questions that it answers, 0..1; None: not asked."""
    self_made: float | None
    """The same for the questions that the model made."""
    control: float | None
    """The same for the control set, which the round should not forget."""
    forgetting_kl: float | None
    """Drift from the base model, in nats per token."""

    @classmethod
    def of(cls, round_: Round, state: str) -> Self:
        """Return the view of a round that is in this state."""
        scores = RoundScores.of(round_)
        return cls(
            round_.id,
            round_.method,
            state,
            round_.parent_id,
            round_.model.name,
            round_.n_steps,
            scores.right("gold"),
            scores.right("self_made"),
            scores.right("control"),
            scores.forgetting_kl,
        )


@dataclass(frozen=True)
class ModelInfo:
    """The model that is used, and the round on top of it."""

    model: str
    quantization: str
    round: int | None


@dataclass(frozen=True)
class WorkspaceInfo:
    """The content of a workspace."""

    folder: str
    model: ModelInfo
    documents: int
    passages: int
    samples: dict[str, int]
    """How many are pending, approved and rejected."""
    rounds: int
    active: list[RunInfo]
    """Runs that are queued or in progress."""
