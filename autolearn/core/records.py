"""The records of autolearn: what is read, asked, answered and decided.

Values only: nothing here knows where it is kept. ``id`` is 0 until the store has
given one. Texts of models are kept as they came; nothing is escaped here.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from autolearn.core.flags import Flag
from autolearn.core.methods import METHODS, TrainingMethod, method_name
from autolearn.core.model_calls import Chat, Generation, ModelIdentity
from autolearn.core.quiz_records import QuizResult, Scorer, SkillResult
from autolearn.core.reading import Reading

Split = Literal["study", "quiz", "control"]
Origin = Literal["model", "paraphrase", "gold", "person"]
AnswerKind = Literal["closed_book", "open_book", "refined", "human"]
Verdict = Literal["correct", "incorrect", "unclear"]
Purpose = Literal["critique", "check"]
Action = Literal["approve", "reject", "edit", "undo"]
SampleState = Literal["pending", "approved", "rejected"]
RunKind = Literal[
    "study",
    "train",
    "quiz",
    "chat",
    "export",
    "import",
    "download",
    "convert",
    "skills",
]
RunState = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
ACTIVE_STATES: tuple[RunState, ...] = ("queued", "running")
END_STATES: tuple[RunState, ...] = ("done", "failed", "cancelled", "interrupted")
OPEN_STATES: tuple[RunState, ...] = (
    "queued",
    "running",
    "interrupted",
    "cancelled",
    "failed",
)
"""All but done: runs that can be resumed, or are in progress."""
ItemKind = Literal["sft", "dpo", "replay", "text", "drift_probe", "validation"]
DRIFT_PROBE: ItemKind = "drift_probe"
"""The kind of the items of the drift probe."""
NOT_LEARNED: tuple[ItemKind, ...] = ("replay", DRIFT_PROBE, "validation")
"""Items that a round uses without learning them; all others teach it something."""
RoundState = Literal["training", "trained", "failed", "kept", "rolled_back"]


@dataclass(frozen=True)
class Document:
    """A text as it was given, which is the concatenation of its passages."""

    name: str
    digest: str
    n_characters: int
    media_type: str = "text/plain"
    note: str = ""
    """Notes for the user on how it was read, one a line."""
    run_id: int | None = None
    """The import that brought it; and which of its sources it is."""
    source: int | None = None
    original: str = ""
    """The name of its file in the folder ``originals``; empty if none is kept."""
    reading: Reading = field(default_factory=Reading)
    """How the file was read, and how else it can be read."""
    id: int = 0

    @property
    def notes(self) -> list[str]:
        """Return the notes as sentences, without the name of the document."""
        return note_sentences(self.note)


def note_sentences(note: str) -> list[str]:
    """Return the notes on a document, which are one a line, as sentences."""
    lines = filter(None, note.split("\n"))
    return [line if line[-1] in ".”" else f"{line}." for line in lines]


@dataclass(frozen=True)
class NewDocument:
    """A document that an import has added, without how its file was read."""

    id: int
    name: str
    note: str
    source: int | None
    """Which source of the import it is."""

    @property
    def notes(self) -> list[str]:
        """Return the notes on how it was read, as sentences."""
        return note_sentences(self.note)


@dataclass(frozen=True)
class Exclusion:
    """A part of a file that does not belong to its text, such as a running head."""

    document_id: int
    at: int
    """The character of the text before which it was found."""
    text: str
    reason: str
    place: str = ""
    """Where it was in the file, such as "page 3"; empty if unknown."""
    id: int = 0


@dataclass(frozen=True)
class Passage:
    """A stretch of a document, ``start`` to ``end``; its text never changes."""

    document_id: int
    position: int
    """From 0; negative for a passage of an earlier reading, kept for its samples."""
    start: int
    end: int
    text: str
    n_tokens: int
    heading: str = ""
    excluded: bool = False
    repeats_id: int | None = None
    """An earlier passage that says the same, nearly or word for word."""
    exclusion_id: int | None = None
    """The exclusion that a person has taken in as this passage."""
    id: int = 0

    @classmethod
    def alone(cls, text: str, heading: str = "") -> Self:
        """Return a text that is in no document, or apart from it, as a passage."""
        return cls(0, 0, 0, len(text), text, 0, heading)

    @property
    def label(self) -> str:
        """Return the name of the passage within its document."""
        is_placed = self.position >= 0
        return f"passage {self.position + 1}" if is_placed else "an earlier reading"


@dataclass(frozen=True)
class GeneratedInstruction:
    """An instruction that a base model wrote (Self-Instruct), with its own answer.

    Rounds replay it, so that the model keeps its behaviour.
    """

    draw: int
    """Which of the draws gave the instruction, from 0; each has its own seed."""
    text: str
    """The instruction as it was written; the generation shows how it was asked."""
    generation: Generation | None = None
    """The answer."""
    id: int = 0


@dataclass(frozen=True)
class Question:
    """A question; its ``split`` is decided when it is made and never changes."""

    text: str
    split: Split
    origin: Origin
    passage_id: int | None = None
    parent_id: int | None = None
    """The question that this one says in other words."""
    gold_answer: str | None = None
    gold_value: str | None = None
    """The short value that a right answer must contain."""
    scorer: Scorer = "contains"
    """How answers are scored; see ``evaluation.scoring``."""
    aliases: tuple[str, ...] = ()
    """Other right answers, imported or accepted by a person."""
    choices: tuple[str, ...] = ()
    """The options of a multiple-choice question, in their order."""
    short_answer: str = ""
    """The words of its sentence that the question was made for."""
    start: int | None = None
    """Where that sentence begins in the document, and where it ends."""
    end: int | None = None
    flags: tuple[Flag, ...] = ()
    excluded: bool = False
    """Taken out of quiz or control; no round learns it all the same."""
    generation: Generation | None = None
    id: int = 0


@dataclass(frozen=True)
class Answer:
    """An answer; ``start`` and ``end`` place its evidence in the document."""

    question_id: int
    kind: AnswerKind
    text: str
    evidence: str = ""
    evidence_score: float | None = None
    """Similarity of the quote to the source, 0..1; None: no quote was asked for."""
    start: int | None = None
    end: int | None = None
    sample_index: int = 0
    """0 is the greedy answer, 1.. are further samples."""
    flags: tuple[Flag, ...] = ()
    generation: Generation | None = None
    id: int = 0


@dataclass(frozen=True)
class Feedback:
    """A critique of one answer against another, its verdict and how sure it is."""

    answer_id: int
    purpose: Purpose
    text: str
    verdict: Verdict
    probability: float | None
    """P(correct), read where the verdict is written, 0..1."""
    reference_id: int | None = None
    generation: Generation | None = None
    id: int = 0


@dataclass(frozen=True)
class Sample:
    """A prompt with a chosen and a rejected answer, which may be learned."""

    question_id: int
    prompt: str
    chosen: str
    rejected: str
    gap: bool
    gap_probability: float
    """How sure it is that closed-book and open-book answers disagree, 0..1."""
    passage_id: int | None = None
    open_answer_id: int | None = None
    closed_answer_id: int | None = None
    critique_id: int | None = None
    refined_answer_id: int | None = None
    check_id: int | None = None
    flags: tuple[Flag, ...] = ()
    state: SampleState = "pending"
    id: int = 0


@dataclass(frozen=True)
class Skip:
    """Work that gave nothing, and why: shown and counted, never silently lost."""

    stage: str
    reason: str
    passage_id: int | None = None
    question_id: int | None = None
    generation: Generation | None = None
    id: int = 0


@dataclass(frozen=True)
class Decision:
    """One approve, edit, reject or undo, by a person or by a named rule."""

    sample_id: int
    action: Action
    author: str
    """``person``, ``rule:NAME``, or ``program`` (over HTTP or MCP)."""
    reason: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    undoes_id: int | None = None
    known_version: int | None = None
    """The id of the newest decision when the sample was shown, 0 for none. A later
    decision on the same sample refuses this one. None: it is not checked."""
    id: int = 0


@dataclass(frozen=True)
class TrainItem:
    """One thing a round trains on or is measured by, frozen with the round."""

    kind: ItemKind
    """``replay`` holds the round near the base model, ``DRIFT_PROBE`` measures how near
    it stayed, ``validation`` whether it learned; all others teach."""
    chat: Chat
    """What precedes the answer; empty for raw text. If the last turn is the
    assistant's, it is the beginning of the answer, which is given and not learned."""
    chosen: str
    """The whole answer."""
    rejected: str | None = None
    weight: float = 1.0
    sample_id: int | None = None

    @property
    def teaches(self) -> bool:
        """Return whether the round learns this item."""
        return self.kind not in NOT_LEARNED


@dataclass(frozen=True)
class Round:
    """One training: method, settings, frozen items, adapter, scores."""

    method: str
    run_id: int
    settings: dict[str, object]
    """Those of its run as they are stored; ``core.run_settings`` reads them."""
    model: ModelIdentity
    parent_id: int | None = None
    state: RoundState = "training"
    adapter: str | None = None
    """Folder of the adapter, relative to the workspace."""
    adapter_digest: str | None = None
    n_steps: int = 0
    scores: dict[str, object] = field(default_factory=dict)
    """As they are stored; ``core.run_results.RoundScores`` reads them."""
    id: int = 0

    def __post_init__(self) -> None:
        """Read methods of earlier versions by their present names."""
        object.__setattr__(self, "method", method_name(self.method))

    @property
    def traits(self) -> TrainingMethod:
        """Return how the method of the round differs from the others."""
        return METHODS[self.method]

    @property
    def is_usable(self) -> bool:
        """Return whether the round is finished and was not rolled back."""
        return self.state in ("trained", "kept")


@dataclass(frozen=True)
class Run:
    """A piece of work that one of the worker processes does."""

    kind: RunKind
    settings: dict[str, object]
    """As they are stored; ``core.run_settings`` reads them."""
    state: RunState = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    """Units of the stage a second."""
    eta_seconds: float | None = None
    error: str | None = None
    result: dict[str, object] = field(default_factory=dict)
    """As it is stored; ``core.run_results`` reads it."""
    versions: dict[str, str] = field(default_factory=dict)
    cancel_requested: bool = False
    pid: int | None = None
    created_at: str = ""
    started_at: str | None = None
    """When it was begun first; a resumption leaves it."""
    worked_seconds: float = 0.0
    """How long a worker worked on it, in all its parts; 0 before it has begun."""
    heartbeat_at: str | None = None
    finished_at: str | None = None
    after_id: int | None = None
    """The run before it in a whole round. This and the following fields are generated
    columns; None if the settings lack the key."""
    model: str | None = None
    quantization: str | None = None
    model_digest: str | None = None
    round_id: int | None = None
    """The round whose adapter its model has; None also for the base model."""
    id: int = 0

    @property
    def seconds(self) -> float | None:
        """Return how long it took, or takes so far; None if it has not begun."""
        return self.worked_seconds if self.started_at else None


@dataclass(frozen=True)
class Metric:
    """One number of a run at a step."""

    step: int
    name: str
    value: float


Record = (
    Question
    | Answer
    | Feedback
    | Sample
    | Skip
    | QuizResult
    | GeneratedInstruction
    | SkillResult
)
"""The records that a step of a run may produce; the journal stores them."""
