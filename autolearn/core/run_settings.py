"""The settings of each kind of run, as they are stored with it.

``RunSettings.of(run)`` is the only way to read them; see ``core.codec`` for how rows of
earlier versions are read.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from autolearn.core.codec import EXTRA, JsonRecord, stored_as
from autolearn.core.gold import MetaExample
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.quiz_records import QuizMode
from autolearn.core.reading import ReadingChoices
from autolearn.core.records import Round, Run, RunKind, Split
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings

Phase = Literal["study", "quiz", "train"]


@dataclass(frozen=True)
class RunSettings(JsonRecord):
    """The settings of a run."""

    kind: ClassVar[RunKind | None] = None
    """The kind of runs that have these settings; None: of several."""

    @classmethod
    def of(cls, run: Run | Round) -> Self:
        """Return the settings of a run, or of the run that trained a round.

        Raises:
            TypeError: It is a run of another kind.
            InputError: A stored value is invalid in this version.
        """
        if isinstance(run, Run) and cls.kind not in (None, run.kind):
            raise TypeError(f"A run of kind {run.kind} has no {cls.__name__}.")
        return cls.from_dict(run.settings)


@dataclass(frozen=True)
class PipelinePlan(JsonRecord):
    """The runs of a whole round that are still to come; each run carries the rest."""

    phases: tuple[Phase, ...]
    model: ModelSettings
    study: StudySettings
    trains: tuple[TrainSettings, ...]
    """The settings of each training that is still to come."""
    round_id: int | None = None
    """The round trained last."""
    documents: tuple[int, ...] | None = field(default=None, metadata=EXTRA)
    """The documents that are studied; None: all."""


@dataclass(frozen=True)
class PipelineLink:
    """The place of a run in a whole round."""

    plan: PipelinePlan
    after: int | None = None
    """The run before it; None for the first."""


@dataclass(frozen=True)
class PromptSettings(RunSettings):
    """The prompts of a run as they were when it was queued."""

    prompts: dict[str, str] | None = field(default=None, metadata=EXTRA)
    """The digests of all prompts by name."""
    changed_prompts: dict[str, str] | None = field(default=None, metadata=EXTRA)
    """The texts of the changed ones by name; None: those of the workspace."""


@dataclass(frozen=True)
class _OfModel(RunSettings):
    model: ModelSettings = field(default_factory=ModelSettings)
    model_digest: str = ""
    """Of the files of the model when the run was queued."""


@dataclass(frozen=True)
class ModelRunSettings(PromptSettings, _OfModel):
    """The model of a run, and its prompts."""


@dataclass(frozen=True)
class PipelineRunSettings(ModelRunSettings):
    """A run that may be part of a whole round."""

    plan: PipelinePlan | None = field(default=None, metadata=EXTRA)
    after: int | None = field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class StudyRunSettings(PipelineRunSettings):
    """A study of passages and of instructions."""

    kind: ClassVar[RunKind | None] = "study"
    study: StudySettings = field(default_factory=StudySettings)
    documents: tuple[int, ...] | None = None
    """None: all."""
    instructions: bool = False
    new_instructions: int | None = field(default=None, metadata=EXTRA)
    """Instructions that the model writes itself first; only these are then studied."""


@dataclass(frozen=True)
class SampleScope(JsonRecord):
    """Which of the approved samples a round learns from; None: whatever they have."""

    model_digest: str | None = None
    """The model whose answers showed the gaps: another one has its own gaps."""
    documents: tuple[int, ...] | None = None
    studies: tuple[int, ...] | None = None
    """The ids of the runs that made the samples."""


@dataclass(frozen=True)
class TrainRunSettings(PipelineRunSettings):
    """The training of a round."""

    kind: ClassVar[RunKind | None] = "train"
    train: TrainSettings = field(default_factory=TrainSettings)
    parent: int | None = None
    """The round to begin from; None: the base model."""
    corpus_examples: tuple[MetaExample, ...] = field(
        default=(), metadata=stored_as("corpus")
    )
    """Examples that are not kept in the library."""
    corpus_ids: tuple[int, ...] = field(default=(), metadata=stored_as("corpora"))
    """The ids of the corpora of the library that it is taught from."""
    samples: tuple[int, ...] | None = field(default=None, metadata=EXTRA)
    """The ids of the samples that it learns, in an experiment; None: what is approved
    when it begins."""
    documents: tuple[int, ...] | None = field(default=None, metadata=EXTRA)
    """The documents whose passages it reads as raw text; None: those of its samples."""
    scope: SampleScope | None = field(default=None, metadata=EXTRA)
    """Which approved samples it learns from; None: all."""
    study: StudySettings | None = field(default=None, metadata=EXTRA)
    """Limits and protocol of its replay; None: those of the last study."""


@dataclass(frozen=True)
class QuizRunSettings(PipelineRunSettings):
    """A quiz of a model."""

    kind: ClassVar[RunKind | None] = "quiz"
    parts: tuple[tuple[Split, QuizMode], ...] = ()
    votes: int | None = field(default=None, metadata=EXTRA)
    """Sampled answers per question whose majority counts, for self-consistency."""
    study: StudySettings | None = field(default=None, metadata=EXTRA)
    """Limits and protocol of the answers; None: the defaults."""
    version: int | None = field(default=None, metadata=EXTRA)
    """The version of the quiz; None: of an autolearn without versions."""
    searched: str | None = field(default=None, metadata=EXTRA)
    """The digest of the passages that retrieval chooses from, in an experiment."""
    documents: tuple[int, ...] | None = field(default=None, metadata=EXTRA)
    """The quiz asks about these, and about no document; None: about all."""

    def asks(self, mode: QuizMode) -> bool:
        """Return whether anything is asked in this mode."""
        return any(mode == part_mode for _, part_mode in self.parts)


@dataclass(frozen=True)
class SkillRunSettings(ModelRunSettings):
    """A skill check of a model."""

    kind: ClassVar[RunKind | None] = "skills"


@dataclass(frozen=True)
class ChatRunSettings(ModelRunSettings):
    """One answer of a chat."""

    kind: ClassVar[RunKind | None] = "chat"
    messages: tuple[Message, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    refine: bool = False
    conversation: int | None = field(default=None, metadata=EXTRA)
    """The conversation on the page that it belongs to, and its place there."""
    turn: int | None = field(default=None, metadata=EXTRA)
    column: str | None = field(default=None, metadata=EXTRA)
    passages: tuple[int, ...] | None = field(default=None, metadata=EXTRA)
    """The ids of the passages that the question is answered from."""
    system: str | None = field(default=None, metadata=EXTRA)
    """The system prompt of answers from memory; None: that of the prompt."""


@dataclass(frozen=True)
class ExportRunSettings(PromptSettings):
    """An export of approved samples, or of a round; weights are loaded with a model."""

    kind: ClassVar[RunKind | None] = "export"
    what: str = ""
    target: str = ""
    round_id: int | None = None
    converter: str | None = field(default=None, metadata=EXTRA)
    """The path of llama.cpp's converter, for GGUF."""
    scope: SampleScope | None = field(default=None, metadata=EXTRA)
    """Which approved samples, where no round is exported; None: all."""
    train: TrainRunSettings | None = field(default=None, metadata=EXTRA)
    """The round that is handed over to another trainer before it is trained."""
    model: ModelSettings | None = field(default=None, metadata=EXTRA)
    model_digest: str | None = field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class ImportSource:
    """A file to be read."""

    path: str | None
    """Relative to the workspace, or absolute; None: the invented world."""
    name: str


@dataclass(frozen=True)
class ImportRunSettings(RunSettings):
    """The reading of texts, or of one corpus."""

    kind: ClassVar[RunKind | None] = "import"
    sources: tuple[ImportSource, ...] = ()
    upload_folder: str | None = None
    """A folder with uploads, relative to the workspace (absolute in rows of earlier
    versions); it is deleted once they are read."""
    model: str = ModelSettings.model
    """Its tokens measure the passages."""
    passage_tokens: int = StudySettings.passage_tokens
    choices: ReadingChoices | None = field(default=None, metadata=EXTRA)
    """How the files are read; None: as is chosen automatically."""
    skipped: tuple[str, ...] = field(default=(), metadata=EXTRA)
    """Which files in the given folders are not read, a sentence for each folder."""
    document_id: int | None = field(default=None, metadata=EXTRA)
    """The document that is read again; None: the sources are read."""
    corpus_source: ImportSource | None = field(
        default=None, metadata=EXTRA | stored_as("corpus")
    )
    licence: str | None = field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class DownloadRunSettings(RunSettings):
    """The download of a model."""

    kind: ClassVar[RunKind | None] = "download"
    name: str = ""
    bytes: int = 0
    commit: str = ""
    licence: str | None = field(default=None, metadata=EXTRA)
    """What the hub stated; the files of the model may not say it."""


@dataclass(frozen=True)
class ConvertRunSettings(RunSettings):
    """The conversion of a GGUF file."""

    kind: ClassVar[RunKind | None] = "convert"
    file: str = ""
    use: ModelSettings | None = None
    """How the model is chosen once it is converted; None: it is not chosen."""
    in_place_of: ModelSettings | None = field(default=None, metadata=EXTRA)
    """The model in use when this was queued; one that was chosen since stays in use.
    None: an earlier version did not store it."""
