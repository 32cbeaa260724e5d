"""The result of each kind of run, and the scores of a round, as they are stored.

A run that has not ended has no result yet, a failed one has at most advice. All
fields therefore have a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar, Literal, Self, get_args

from autolearn.core.codec import EXTRA, JsonRecord, encode, stored_as
from autolearn.core.quiz_records import QuizMode, QuizPart
from autolearn.core.records import Round, Run, RunKind


@dataclass(frozen=True)
class RunResult(JsonRecord):
    """The result of a run."""

    kind: ClassVar[RunKind | None] = None
    """The kind of runs that have this result; None: of several."""

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the result of a run, as far as there is one.

        Raises:
            TypeError: It is a run of another kind.
        """
        if cls.kind not in (None, run.kind):
            raise TypeError(f"A run of kind {run.kind} has no {cls.__name__}.")
        return cls.from_dict(run.result)


@dataclass(frozen=True)
class FailedResult(RunResult):
    """Result of a run that ran out of memory."""

    advice: dict[str, Any] = field(default_factory=dict)
    """The settings with which it would have fit."""


@dataclass(frozen=True)
class StudyResult(RunResult):
    """The result of a study: what it made, and what gave nothing."""

    kind: ClassVar[RunKind | None] = "study"
    questions: int = 0
    duplicates: int = 0
    paraphrases: int = 0
    instructions: int = 0
    """Samples that rest on no text."""
    samples: int = 0
    gaps: int = 0
    approvable: int | None = field(default=None, metadata=EXTRA)
    """Samples that the default rule would approve; None: an old version did not say."""
    flags: dict[str, int] = field(default_factory=dict)
    """How many samples have each flag, the most frequent first."""
    passages_without_question: int = 0
    skipped: int = 0
    passages: int = 0
    notes: tuple[str, ...] = field(default=(), metadata=EXTRA)
    """Sentences on what a person should know of how it was measured."""


@dataclass(frozen=True)
class Score:
    """How one set of questions was answered: shares in 0..1 of ``n`` questions."""

    n: int = 0
    right: float = 0.0
    exact: float = 0.0
    f1: float = 0.0

    def rounded(self) -> "Score":
        """Return the score with shares rounded to four places."""
        shares = (round(share, 4) for share in (self.right, self.exact, self.f1))
        return Score(self.n, *shares)


ScoredPart = QuizPart | Literal["quiz"]
"""``quiz``: gold and self-made questions together, as earlier versions counted them."""

Scores = dict[tuple[ScoredPart, QuizMode], Score]
"""By the set of questions and the mode in which they were asked."""

_PART_TITLES: dict[ScoredPart, str] = {
    "gold": "gold quiz",
    "self_made": "self-made quiz",
    "quiz": "quiz",
    "control": "control",
}


@dataclass(frozen=True)
class QuizScores(JsonRecord):
    """How each set of questions was answered in each mode in which it was asked.

    As JSON, each score has its own key, such as ``gold_closed_book``, next to the other
    fields: a later quiz of a round replaces the scores of what it asked, and no others.
    """

    by_part_and_mode: Scores = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        values = super().as_dict()
        del values["by_part_and_mode"]
        return values | {
            f"{part}_{mode}": encode(score)
            for (part, mode), score in self.by_part_and_mode.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build one from JSON values, of whatever version."""
        scores = {
            (part, mode): score
            for part, mode in product(_PART_TITLES, get_args(QuizMode))
            if (score := values.get(f"{part}_{mode}"))
        }
        return super().from_dict({**values, "by_part_and_mode": scores})

    def right(self, part: ScoredPart) -> float | None:
        """Return the share of right closed-book answers of a set; None: not asked."""
        score = self.by_part_and_mode.get((part, "closed_book"))
        return score.right if score else None

    def closed_book(self) -> dict[str, Score]:
        """Return the closed-book scores under the titles of the sets of questions."""
        return {
            title: score
            for part, title in _PART_TITLES.items()
            if (score := self.by_part_and_mode.get((part, "closed_book")))
        }


@dataclass(frozen=True)
class QuizRunResult(QuizScores, RunResult):
    """The result of a quiz."""

    quiz_version: int | None = field(default=None, metadata=EXTRA)
    truncated: int | None = field(default=None, metadata=EXTRA)
    """Answers that were cut off at their length limit, or do not fit the context."""
    notes: tuple[str, ...] | None = field(default=None, metadata=EXTRA)
    """Notes for the user, such as why its scores were not tracked."""
    kind: ClassVar[RunKind | None] = "quiz"


@dataclass(frozen=True)
class TrainCounts(RunResult):
    """The numbers of items, steps and seconds of a training."""

    kind: ClassVar[RunKind | None] = "train"
    round: int = 0
    items: int = 0
    """Those that teach."""
    replay: int = 0
    samples: int = 0
    dropped: int = 0
    kept_out_for_the_quiz: int = 0
    kept_out_for_validation: int = 0
    steps: int = 0


@dataclass(frozen=True)
class TrainScores:
    """The measurements of the trainer; None: not possible."""

    scale: float | None = None
    validation: float | None = None
    forgetting_kl: float | None = None
    scales: tuple[dict[str, Any], ...] = ()
    """The measurements at each scale of the adapter that was tried."""
    best_at: int | None = field(default=None, metadata=EXTRA)
    """The step that the adapter is of, where later ones were worse."""


@dataclass(frozen=True)
class TrainResult(TrainScores, TrainCounts):
    """The result of the training of a round."""

    notes: tuple[str, ...] = ()
    """Notes for the user, for instance on a damaged checkpoint."""


@dataclass(frozen=True)
class RoundScores(QuizScores, TrainScores):
    """All that was measured of a round."""

    leaked: int = 0
    """Items that were left out because the quiz asks the same."""

    @classmethod
    def of(cls, round_: Round) -> Self:
        """Return the scores of a round."""
        return cls.from_dict(round_.scores)


@dataclass(frozen=True)
class ChatResult(RunResult):
    """The answer, complete or written so far; None: not begun, or not asked for."""

    kind: ClassVar[RunKind | None] = "chat"
    truncated: bool | None = field(default=None, metadata=EXTRA)
    """True if a part was cut off at the limit of its length."""
    repeats: bool | None = field(default=None, metadata=EXTRA)
    """True if a part repeats itself; it was stopped, unless it was cut off."""
    answer: str | None = field(default=None, metadata=EXTRA)
    evidence: str | None = field(default=None, metadata=EXTRA)
    feedback: str | None = field(default=None, metadata=EXTRA)
    refined: str | None = field(default=None, metadata=EXTRA)

    @property
    def n_parts(self) -> int:
        """Return how many parts are written: answer, feedback, refined answer."""
        parts = (self.answer, self.feedback, self.refined)
        return sum(part is not None for part in parts)

    @property
    def final(self) -> str:
        """Return the answer that counts."""
        return self.refined or self.answer or ""


@dataclass(frozen=True)
class ExportResult(RunResult):
    """The written files, and how exported weights answered afterwards."""

    kind: ClassVar[RunKind | None] = "export"
    path: str | None = field(default=None, metadata=EXTRA)
    samples: int | None = field(default=None, metadata=EXTRA)
    """Lines that were written; None: weights."""
    card: str | None = field(default=None, metadata=EXTRA)
    n_questions: int | None = field(default=None, metadata=EXTRA)
    """Quiz questions that the exported weights were asked."""
    n_same_answers: int | None = field(default=None, metadata=EXTRA)
    """Of these, questions with the same answer, word for word, as before the export."""
    digest: str | None = field(default=None, metadata=EXTRA)
    """SHA-256 of the exported folder of weights, with the names of its files."""


@dataclass(frozen=True)
class OtherRows:
    """A file with rows that are not texts, such as chats."""

    name: str
    original: str
    """The name of its copy in the folder ``originals``."""
    kind: str
    """See ``ingest.row_kinds``."""


@dataclass(frozen=True)
class ImportResult(RunResult):
    """The result of an import; ``corpus_id`` and later fields only for a corpus."""

    kind: ClassVar[RunKind | None] = "import"
    documents: int = 0
    refusals: tuple[str, ...] = ()
    """Why files or rows were refused, a sentence for each."""
    repeats: int = 0
    others: tuple[OtherRows, ...] = ()
    """Files that can be added as something else than texts."""
    document_id: int | None = field(default=None, metadata=EXTRA)
    """The document that was read again."""
    corpus_id: int | None = field(default=None, metadata=EXTRA | stored_as("corpus"))
    """The id of the corpus."""
    examples: int | None = field(default=None, metadata=EXTRA)
    texts: int | None = field(default=None, metadata=EXTRA)
    n_refused: int | None = field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class DownloadResult(RunResult):
    """Where a downloaded model is."""

    kind: ClassVar[RunKind | None] = "download"
    model: str = ""
    path: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class ConvertResult(RunResult):
    """Where a converted model is, and what its second rounding changed."""

    kind: ClassVar[RunKind | None] = "convert"
    model: str = ""
    source: str = ""
    rounding: dict[str, Any] = field(default_factory=dict)
