"""What the worker does for each kind of run.

The only module above the engine that loads a model; the page and the command line
never import it. Each handler returns the result that is kept with its run.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from autolearn.core import server_addresses
from autolearn.core.errors import BackendError
from autolearn.core.ports import Backend
from autolearn.core.quiz_records import QuizMode
from autolearn.core.records import Question, RunKind, Split
from autolearn.core.run_results import (
    ChatResult,
    ConvertResult,
    ExportResult,
    QuizRunResult,
    Score,
    StudyResult,
    TrainResult,
)
from autolearn.core.run_settings import (
    ModelRunSettings,
    QuizRunSettings,
    StudyRunSettings,
)
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.endpoints import detection
from autolearn.endpoints.backend import ServerBackend
from autolearn.endpoints.client import RetryPolicy
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.evaluation import paired_quizzes, quiz, quiz_sets, quiz_versions, skills
from autolearn.evaluation.quiz_modes import QuizRequest
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.evaluation.skill_report import (
    Guidance,
    SkillReport,
    SkillRunResult,
    guidance,
)
from autolearn.handlers import chat, export, gguf_conversion, round_training
from autolearn.handlers.asked_before import AskedBefore
from autolearn.handlers.tracking import track_quiz
from autolearn.models import files as model_files
from autolearn.rounds import adapters
from autolearn.runs.context import Handler, RunContext
from autolearn.runs.model_choice import check_unchanged
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter
from autolearn.study import bits_per_byte, rules
from autolearn.study.generation import Generator
from autolearn.study.instructions import write_instructions
from autolearn.study.loop import Study


class RunHandlers:
    """Keeps the model of the last run in memory for the next one."""

    def __init__(self) -> None:
        self._key: tuple[Path, str] | None = None
        self._backend: HuggingFaceBackend | None = None

    def handlers(self) -> Mapping[RunKind, Handler]:
        """Return what to do for each kind of run."""
        return {
            "study": self.study,
            "train": self.train,
            "quiz": self.quiz,
            "chat": self.chat,
            "export": self.export,
            "convert": self.convert,
            "skills": self.skills,
        }

    def backend(self, context: RunContext) -> HuggingFaceBackend | ServerBackend:
        """Return the model that the run asks for, on this computer or on a server."""
        settings = ModelRunSettings.of(context.run).model
        if not is_server(settings.model):
            return self.local_backend(context)
        self.unload()  # the memory may be needed by a server on this computer
        context.progress("contacting the server", 0, 1)
        return _server_backend(context, settings)

    def local_backend(self, context: RunContext) -> HuggingFaceBackend:
        """Return the model that the run asks for, its adapter attached.

        Raises:
            BackendError: The model is on a server, or cannot be used.
        """
        run_settings = ModelRunSettings.of(context.run)
        settings = run_settings.model
        folder = model_files.locate(settings.model)
        key = (folder, settings.quantization)
        if self._backend is None or self._key != key:
            context.progress("loading the model", 0, 1)
            self._backend = None  # free the old weights before loading new ones
            self._backend = HuggingFaceBackend.load(settings, folder)
            self._key = key
        digest = self._backend.identity.digest
        check_unchanged(settings.model, digest, run_settings.model_digest)
        self._attach(context, self._backend, settings.round_id)
        return self._backend

    def _attach(
        self, context: RunContext, backend: HuggingFaceBackend, round_id: int | None
    ) -> None:
        if round_id is None:
            backend.use_adapter(None)
            return
        round_ = context.store.rounds.get(round_id)
        folder = adapters.folder_of(context.store, round_)
        backend.use_adapter(folder, round_id, round_.adapter_digest)

    def study(self, context: RunContext) -> StudyResult:
        """Study the documents of the run, or all, and the instructions if asked to."""
        run_settings = StudyRunSettings.of(context.run)
        settings = run_settings.study
        version = context.store.quizzes.newest()
        if version and version.locked:  # it takes no further question
            settings = replace(settings, quiz_share=0.0)
        passages = context.store.library.passages(run_settings.documents)
        backend = self.backend(context)
        journal = context.journal
        study = Study(backend, journal, settings, context.stop, context.progress)
        advice = _guidance(context, backend, settings)
        study.uses_verdicts = advice.uses_verdicts
        study.verdict_threshold = advice.verdict_threshold
        study.asked_before = AskedBefore(context.store)
        bits = bits_per_byte.measure(backend, passages)
        if bits is not None:
            context.add_metrics(0, {bits_per_byte.METRIC: bits})
        with _measured_memory(backend, settings, len(passages)) as numbers:
            study.run(passages)
            study.evolve(_instructions(context, study))
        context.add_metrics(0, numbers)
        notes = backend.notes if isinstance(backend, ServerBackend) else ()
        result = replace(_tally(context), passages=len(passages), notes=notes)
        if passages and not result.questions:
            reasons = {skip.reason for skip in context.store.runs.skips(context.run.id)}
            text = "; ".join(sorted(reasons))
            raise BackendError(f"No passage gave a question: {text}.")
        return result

    def train(self, context: RunContext) -> TrainResult:
        """Train a round."""
        return round_training.train(context, self.local_backend(context))

    def quiz(self, context: RunContext) -> QuizRunResult:
        """Ask quiz and control in the modes that the run says."""
        store, run_settings = context.store, QuizRunSettings.of(context.run)
        backend = self.backend(context)
        settings = run_settings.study or StudySettings()
        writer = Generator(backend, settings, context.stop, lambda _: None)
        journal = context.journal
        scores: dict[tuple[str, QuizMode], Score] = {}
        n_truncated = 0
        for split, mode in run_settings.parts:
            questions = _questions(store, run_settings, split)
            stage = f"{split}, {mode.replace('_', '-')}"
            progress = partial(_report, context, stage, len(questions))
            request = QuizRequest(
                mode, run_settings.votes or 0, partial(_retrieved, context)
            )
            results = quiz.ask_questions(
                writer, journal, questions, request, stage, progress
            )
            n_truncated += sum(result.truncated for result in results)
            for part, of_part in paired_quizzes.by_part(questions, results).items():
                scores[part, mode] = quiz.summarise(of_part).rounded()
        result = QuizRunResult.from_scores(scores, run_settings.version, n_truncated)
        if backend.identity.round_id is not None:
            round_ = store.rounds.get(backend.identity.round_id)
            all_scores = round_.scores | result.as_dict()
            store.rounds.update(replace(round_, scores=all_scores))
            result = replace(result, notes=track_quiz(context, round_.id, scores))
        return result

    def skills(self, context: RunContext) -> SkillRunResult:
        """Measure what the model can do of what a study asks of it."""
        backend = self.backend(context)
        writer = Generator(backend, StudySettings(), context.stop, lambda _: None)
        journal = context.journal
        report = skills.check(writer, journal, context.progress)
        context.store.skills.add(context.run.id, report.as_dict())
        return SkillRunResult.of_report(report)

    def chat(self, context: RunContext) -> ChatResult:
        """Answer the last turn of a chat."""
        return chat.answer(context, self.backend(context))

    def export(self, context: RunContext) -> ExportResult:
        """Write approved samples, or the items or the weights of a round."""
        return export.export(context, self)

    def convert(self, context: RunContext) -> ConvertResult:
        """Convert a GGUF file."""
        self.unload()  # there may be room for one model only
        return gguf_conversion.convert(context)

    def unload(self) -> None:
        """Free the memory of the model."""
        self._key = self._backend = None


def _server_backend(context: RunContext, settings: ModelSettings) -> ServerBackend:
    """Return the server that the run asks for.

    Raises:
        BackendError: It cannot be reached, or serves another model by now.
    """
    address = server_addresses.parse(settings.model)
    facts = detection.detect(address, RetryPolicy(), needs_all=False)
    backend = ServerBackend(facts)
    if backend.identity.digest != ModelRunSettings.of(context.run).model_digest:
        raise BackendError(
            f"The server {settings.model} has another model since this run was "
            "ordered; start it with the former model, or order the run anew."
        )
    return backend


@contextmanager
def _measured_memory(
    backend: HuggingFaceBackend | ServerBackend, settings: StudySettings, passages: int
) -> Iterator[dict[str, float]]:
    """Measure the memory of a study; nothing is measured of a server."""
    if isinstance(backend, ServerBackend):
        yield {}
        return
    with backend.measured_memory(settings, passages) as numbers:
        yield numbers


def _questions(
    store: Store, run_settings: QuizRunSettings, split: Split
) -> list[QuizQuestion]:
    """Return the questions of the version that a run asks."""
    if run_settings.version is None:
        return quiz_sets.questions(store, split)
    version = store.quizzes.get(run_settings.version)
    return quiz_versions.frozen_questions(store, version, split)


def _guidance(
    context: RunContext, backend: Backend, settings: StudySettings
) -> Guidance:
    """Return how a study goes by the newest skill check of its model, if there is one.

    A check by another protocol says nothing about the verdicts of this one.
    """
    writer = Generator(backend, settings, context.stop, lambda _: None)
    model, protocol = backend.identity, writer.protocol.name
    report = context.store.skills.newest(
        model.digest, model.quantization, model.round_id, protocol
    )
    return guidance(SkillReport.from_dict(report)) if report else Guidance()


def _retrieved(context: RunContext, question: str) -> str:
    """Return the passages of the library that are nearest to a question."""
    passages = context.store.library.passages_about(question)
    return "\n\n".join(passage.text.strip() for passage in passages)


def _instructions(context: RunContext, study: Study) -> list[Question]:
    """Return the instructions of a study: those of the library, or new ones."""
    run_settings, library = StudyRunSettings.of(context.run), context.store.library
    if run_settings.new_instructions is None:
        return library.instructions() if run_settings.instructions else []
    n, stage = run_settings.new_instructions, "generated instructions"
    return write_instructions(
        study.generator(),
        context.journal,
        [question.text for question in library.instructions(with_generated=True)],
        n,
        partial(_report, context, stage, n),
    )


def _report(context: RunContext, stage: str, total: int, n_done: int) -> None:
    context.progress(stage, n_done, total)


def _tally(context: RunContext) -> StudyResult:
    """Count what a study has made, and what gave nothing."""
    store, run_id = context.store, context.run.id
    questions = store.library.questions(QuestionFilter(run_id=run_id))
    samples = store.samples.find(SampleFilter(run_id=run_id))
    skips = store.runs.skips(run_id)
    flags = Counter(flag for sample in samples for flag in sample.flags)
    own_questions = [question for question in questions if question.origin == "model"]
    passage_ids = {question.passage_id for question in own_questions}
    silent = {skip.passage_id for skip in skips if skip.stage == "questions"}
    return StudyResult(
        questions=len(own_questions),
        duplicates=sum("duplicate" in question.flags for question in own_questions),
        paraphrases=len(questions) - len(own_questions),
        instructions=sum(sample.passage_id is None for sample in samples),
        samples=len(samples),
        gaps=sum(sample.gap for sample in samples),
        approvable=sum(map(rules.rule("default").accepts, samples)),
        flags=dict(flags.most_common()),
        passages_without_question=len(silent - passage_ids),
        skipped=len(skips),
    )


HANDLERS = RunHandlers().handlers()
