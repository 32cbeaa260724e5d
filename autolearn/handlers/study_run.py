"""Study passages and instructions, and count the results."""

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Protocol

from autolearn.core.errors import BackendError, InputError
from autolearn.core.ports import Backend
from autolearn.core.records import Passage, Question
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import StudyRunSettings
from autolearn.core.settings import StudySettings
from autolearn.evaluation.skill_report import newest_guidance
from autolearn.handlers.asked_before import AskedBefore
from autolearn.runs.context import RunContext
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter
from autolearn.study import bits_per_byte, rules
from autolearn.study.instructions import write_instructions
from autolearn.study.loop import Study

N_EXAMPLES = 2
"""Reasons that are given if no passage gave a question."""


class StudyBackend(Backend, Protocol):
    """A model that studies, and whose memory is measured meanwhile."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes for the user on the results so far, in sentences."""

    def measured_memory(
        self, settings: StudySettings, passages: int
    ) -> AbstractContextManager[dict[str, float]]:
        """Measure the memory of a study; the dictionary is filled on exit.

        It stays empty if nothing can be measured.
        """


def study(context: RunContext, backend: StudyBackend) -> StudyResult:
    """Study the documents of the run, or all, and the instructions if asked to.

    Raises:
        BackendError: No passage gave a question.
        InputError: Its documents are no longer in the library.
    """
    settings = _settings(context)
    passages = _passages(context)
    loop = _loop(context, backend, settings)
    bits = bits_per_byte.measure(backend, passages)
    if bits is not None:
        context.add_metrics(0, {bits_per_byte.METRIC: bits})
    with backend.measured_memory(settings, len(passages)) as numbers:
        loop.run(passages)
        loop.evolve(_instructions(context, loop))
    context.add_metrics(0, numbers)
    result = replace(_tally(context), passages=len(passages), notes=backend.notes)
    if passages and not result.questions:
        raise BackendError(
            f"No passage gave a question{_examples(context)}; choose another model for "
            "these texts, or teach it the meta-skills, in more steps if it has learned "
            "them."
        )
    return result


def _examples(context: RunContext) -> str:
    """Return why some passages gave no question, in brackets, and how many more."""
    skips = context.store.runs.skips(context.run.id)
    reasons = sorted({skip.reason.removesuffix(".") for skip in skips})
    if not reasons:
        return ""
    n_more = len(reasons) - N_EXAMPLES
    more = f"; and {n_more} more" if n_more > 0 else ""
    return f" ({'; '.join(reasons[:N_EXAMPLES])}{more})"


def _passages(context: RunContext) -> list[Passage]:
    """Return the passages of a study, also those begun before they left the library.

    They may have been excluded, deleted or replaced before the study was resumed.

    Raises:
        InputError: There is none left.
    """
    library = context.store.library
    documents = StudyRunSettings.of(context.run).documents
    passages = library.passages(documents)
    others = context.journal.passage_ids() - {passage.id for passage in passages}
    passages += library.passages_by_id(others).values()
    if documents and not passages:
        raise InputError(
            "The documents of this study have no passage in the library any more; "
            "study others."
        )
    return passages


def _settings(context: RunContext) -> StudySettings:
    """Return the settings of a study; a locked quiz takes no further question."""
    settings = StudyRunSettings.of(context.run).study
    share = 0.0 if context.store.quizzes.is_locked else settings.quiz_share
    numbers = context.at_begin({"quiz_share": share})
    return replace(settings, quiz_share=numbers["quiz_share"])


def _loop(context: RunContext, backend: Backend, settings: StudySettings) -> Study:
    """Return the loop of a study, which follows the newest skill check of its model."""
    loop = Study(backend, context.journal, settings, context.stop, context.progress)
    model = backend.identity
    advice = newest_guidance(
        context.store,
        model.digest,
        model.quantization,
        model.round_id,
        loop.generator().protocol.name,
    )
    numbers = context.at_begin(advice.numbers)
    loop.uses_verdicts = bool(numbers["uses_verdicts"])
    loop.verdict_threshold = numbers["verdict_threshold"]
    loop.is_reliable = bool(numbers["is_reliable"])
    loop.asked_before = AskedBefore(context.store)
    return loop


def _instructions(context: RunContext, loop: Study) -> list[Question]:
    """Return the instructions of a study: those of the library, or new ones."""
    run_settings, library = StudyRunSettings.of(context.run), context.store.library
    if run_settings.new_instructions is None:
        return library.instructions() if run_settings.instructions else []
    n = run_settings.new_instructions
    return write_instructions(
        loop.generator(),
        context.journal,
        _instructions_before(context),
        n,
        partial(context.report, "generated instructions", n),
    )


def _instructions_before(context: RunContext) -> list[str]:
    """Return the instructions that were there before the run wrote its first one.

    Its own ones would change the prompts of a resumed run.
    """
    library = context.store.library
    of_run = library.questions(QuestionFilter(run_id=context.run.id))
    own_ids = [q.id for q in of_run if q.passage_id is None]
    return [
        question.text
        for question in library.instructions(with_generated=True)
        if not own_ids or question.id < min(own_ids)
    ]


def _tally(context: RunContext) -> StudyResult:
    """Count what a study made, and what gave nothing."""
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
