"""What the worker does for each kind of run.

The only module above the engine that loads a model; the page and the command line
never import it. Each handler returns the result that is kept with its run.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from autolearn.core.errors import BackendError, InputError
from autolearn.core.model_calls import Request, Sampling
from autolearn.core.records import Question, QuizMode, Round, RunKind, Split
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
    ExportRunSettings,
    ModelRunSettings,
    PromptSettings,
    QuizRunSettings,
    StudyRunSettings,
)
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.engine import merging
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.evaluation import comparison, gold_questions, quiz, skills
from autolearn.evaluation.quiz_modes import QuizRequest
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.evaluation.skill_report import (
    Guidance,
    SkillReport,
    SkillRunResult,
    guidance,
)
from autolearn.export import formats, gguf_converter, model_card
from autolearn.handlers import chat, gguf_conversion, round_training
from autolearn.ingest import corpora
from autolearn.models import files as model_files
from autolearn.rounds.sources import asked_by_rounds
from autolearn.runs.context import Handler, RunContext
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts, readability, rules
from autolearn.study.generation import Generator
from autolearn.study.instructions import write_instructions
from autolearn.study.loop import Study
from autolearn.study.questions import AskedBefore
from autolearn.training.leakage import Guard

N_ASKED = 5
"""Questions that exported weights are asked, beside the round as it is here."""

log = logging.getLogger(__name__)


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

    def backend(self, context: RunContext) -> HuggingFaceBackend:
        """Return the model that the run asks for, its adapter attached."""
        run_settings = ModelRunSettings.of(context.run)
        settings = run_settings.model
        folder = model_files.locate(settings.model)
        key = (folder, settings.quantization)
        if self._backend is None or self._key != key:
            context.progress("loading the model", 0, 1)
            self._backend = None  # free the old weights before loading new ones
            self._backend = HuggingFaceBackend.load(settings, folder)
            self._key = key
        if self._backend.identity.digest != run_settings.model_digest:
            raise BackendError(
                f"The files of {settings.model} have changed since this run was "
                "ordered; order it anew."
            )
        self._attach(context, self._backend, settings.round_id)
        return self._backend

    def _attach(
        self, context: RunContext, backend: HuggingFaceBackend, round_id: int | None
    ) -> None:
        if round_id is None:
            backend.use_adapter(None)
            return
        round_ = context.store.rounds.get(round_id)
        if round_.adapter is None:
            raise InputError(f"Round {round_id} was never finished; it has no adapter.")
        folder = context.workspace / round_.adapter
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
        journal = context.store.journal(context.run.id)
        study = Study(backend, journal, settings, context.stop, context.progress)
        advice = _guidance(context, backend, settings)
        study.uses_verdicts = advice.uses_verdicts
        study.verdict_threshold = advice.verdict_threshold
        trained = asked_by_rounds(context.store)
        study.asked_before = partial(asked_before, context.store, trained)
        bits = readability.bits_per_byte(backend, passages)
        if bits is not None:
            context.measured(0, {readability.METRIC: bits})
        with backend.measured_memory(settings, len(passages)) as numbers:
            study.run(passages)
            study.evolve(_instructions(context, study))
        context.measured(0, numbers)
        result = replace(_tally(context), passages=len(passages))
        if passages and not result.questions:
            reasons = {skip.reason for skip in context.store.runs.skips(context.run.id)}
            text = "; ".join(sorted(reasons))
            raise BackendError(f"No passage gave a question: {text}.")
        return result

    def train(self, context: RunContext) -> TrainResult:
        """Train a round."""
        return round_training.train(context, self.backend(context))

    def quiz(self, context: RunContext) -> QuizRunResult:
        """Ask quiz and control in the modes that the run says."""
        store, run_settings = context.store, QuizRunSettings.of(context.run)
        backend = self.backend(context)
        settings = run_settings.study or StudySettings()
        writer = Generator(backend, settings, context.stop, lambda _: None)
        journal = store.journal(context.run.id)
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
            for part, of_part in comparison.by_part(questions, results).items():
                scores[part, mode] = quiz.summarise(of_part).rounded()
        result = QuizRunResult.scored(scores, run_settings.version, n_truncated)
        if backend.identity.round_id is not None:
            round_ = store.rounds.get(backend.identity.round_id)
            all_scores = round_.scores | result.as_dict()
            store.rounds.update(replace(round_, scores=all_scores))
        return result

    def skills(self, context: RunContext) -> SkillRunResult:
        """Measure what the model can do of what a study asks of it."""
        backend = self.backend(context)
        writer = Generator(backend, StudySettings(), context.stop, lambda _: None)
        journal = context.store.journal(context.run.id)
        report = skills.check(writer, journal, context.progress)
        context.store.skills.add(context.run.id, report.as_dict())
        return SkillRunResult.of_report(report)

    def chat(self, context: RunContext) -> ChatResult:
        """Answer the last turn of a chat."""
        return chat.answer(context, self.backend(context))

    def export(self, context: RunContext) -> ExportResult:
        """Write approved samples, or the items or the weights of a round."""
        request, store = ExportRunSettings.of(context.run), context.store
        target, what = Path(request.target), request.what
        about = store.rounds.get(request.round_id) if request.round_id else None
        if about is None:
            samples = store.samples.find(SampleFilter(state="approved"))
            n = formats.export_samples(samples, what, target)
            card = formats.write_card(target, model_card.samples(what, n))
        elif what in formats.WEIGHTS:
            return self._export_weights(context, about, target)
        else:
            items, versions = store.rounds.items(about.id), _versions(context, about)
            changed_prompts = PromptSettings.of(
                store.runs.get(about.run_id)
            ).changed_prompts
            with prompts.fixed(
                changed_prompts or {}
            ):  # a skill is known by the rules of its prompt
                n = formats.export_items(items, what, target)
            text = model_card.items(about, what, n, items, versions)
            card = formats.write_card(target, text)
        return ExportResult(str(target), n, str(card))

    def convert(self, context: RunContext) -> ConvertResult:
        """Convert a GGUF file."""
        self._key = self._backend = None  # there may be room for one model only
        return gguf_conversion.convert(context)

    def _export_weights(
        self, context: RunContext, about: Round, target: Path
    ) -> ExportResult:
        """Write the adapter of a round, or its model; ask both the same afterwards."""
        what = ExportRunSettings.of(context.run).what
        questions = gold_questions.some_questions(context.store, N_ASKED)
        before = _answers(context, self.backend(context), questions)
        adapter = context.workspace / (about.adapter or "")
        model: HuggingFaceBackend | None
        if what == "adapter":
            formats.export_adapter(adapter, target)
            model = self.backend(context)
            model.use_adapter(target)
        else:
            self._key = self._backend = None  # there may be room for one model only
            write = {"merged": self._merged, "gguf": self._as_gguf}[what]
            model = write(context, adapter, target)
        after = _answers(context, model, questions) if model else []
        alike = sum(
            answer == other for answer, other in zip(before, after, strict=False)
        )
        items = context.store.rounds.items(about.id)
        versions = _versions(context, about)
        result = ExportResult(str(target), asked=len(after), alike=alike)
        text = model_card.weights(about, what, result, items, versions)
        return replace(result, card=str(formats.write_card(target, text)))

    def _merged(
        self, context: RunContext, adapter: Path, target: Path
    ) -> HuggingFaceBackend:
        """Write and load a model with the adapter of a round merged in."""
        self._merge(context, adapter, target)
        return HuggingFaceBackend.load(ModelSettings(str(target), "none"), target)

    def _as_gguf(
        self, context: RunContext, adapter: Path, target: Path
    ) -> HuggingFaceBackend | None:
        """Write a merged model as GGUF, and load what was written, if that can be."""
        with TemporaryDirectory(dir=context.workspace) as place:
            whole = Path(place) / "model"
            by = Path(ExportRunSettings.of(context.run).converter or "")
            with merging.new_folder(target) as draft:
                self._merge(context, adapter, whole)
                context.progress("converting", 0, 1)
                gguf_converter.convert(
                    by, whole, draft / gguf_converter.FILE, context.stop
                )
            settings = ModelSettings(str(whole), "none")
            gguf = target / gguf_converter.FILE
            try:
                return HuggingFaceBackend.load(settings, whole, gguf)
            except BackendError:
                log.exception("transformers cannot read the GGUF of this model back")
                return None

    def _merge(self, context: RunContext, adapter: Path, target: Path) -> None:
        context.progress("merging", 0, 1)
        settings = ModelRunSettings.of(context.run).model
        merging.merge(model_files.locate(settings.model), adapter, target)


def _questions(
    store: Store, run_settings: QuizRunSettings, split: Split
) -> list[QuizQuestion]:
    """Return the questions of the version that a run asks."""
    if run_settings.version is None:
        return gold_questions.questions(store, split)
    version = store.quizzes.get(run_settings.version)
    return gold_questions.frozen_questions(store, version, split)


def asked_before(store: Store, trained: Sequence[str]) -> AskedBefore:
    """Return what quizzes ask by now, and what studies and rounds have asked."""
    studied = store.library.questions(QuestionFilter(split="study"))
    texts = [*trained, *(question.text for question in studied)]
    return AskedBefore(Guard(corpora.asked(store)).blocks, Guard(texts).blocks)


def _guidance(
    context: RunContext, backend: HuggingFaceBackend, settings: StudySettings
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


def _answers(
    context: RunContext, backend: HuggingFaceBackend, questions: Sequence[str]
) -> list[str]:
    """Return what a model answers from memory."""
    context.progress("asking it something", 0, 1)
    prompt = prompts.load("closed_book")
    requests = [
        Request(prompt.render(question=question), Sampling()) for question in questions
    ]
    return [completion.text for completion in backend.complete(requests, context.stop)]


def _retrieved(context: RunContext, question: str) -> str:
    """Return the passages of the library that are nearest to a question."""
    passages = context.store.library.passages_about(question)
    return "\n\n".join(passage.text.strip() for passage in passages)


def _instructions(context: RunContext, study: Study) -> list[Question]:
    """Return the instructions of a study: those of the library, or new ones."""
    run_settings, library = StudyRunSettings.of(context.run), context.store.library
    if run_settings.new_instructions is None:
        return library.instructions() if run_settings.instructions else []
    n, stage = run_settings.new_instructions, "instructions of its own"
    return write_instructions(
        study.generator(),
        context.store.journal(context.run.id),
        [question.text for question in library.instructions(with_own=True)],
        n,
        partial(_report, context, stage, n),
    )


def _versions(context: RunContext, about: Round) -> dict[str, str]:
    """Return what a round was trained with."""
    return context.store.runs.get(about.run_id).versions


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
