"""Find the run that has done, or will do, exactly what a task asks for.

Settings name samples, documents and corpora by their ids. A person may have edited a
sample, excluded a passage or added an instruction since, and a skill check may guide a
study otherwise; a finished run therefore counts only if a new one would do the same.
"""

from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import (
    QuizRunSettings,
    RunSettings,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.evaluation import quiz_versions
from autolearn.evaluation.skill_report import Guidance, newest_guidance
from autolearn.rounds.sources import collect
from autolearn.store import SampleFilter, Store


def find(store: Store, settings: RunSettings) -> Run | None:
    """Return a run that does the same, or has done it and whose results still hold."""
    assert settings.kind is not None
    values = settings.as_dict()
    finished = store.runs.same(settings.kind, values, "done")
    if finished and _still_holds(store, finished, settings):
        return finished
    return store.runs.same(settings.kind, values, *ACTIVE_STATES)


def _still_holds(store: Store, run: Run, settings: RunSettings) -> bool:
    """Return whether the results of a finished run are those of a new one."""
    match settings:
        case StudyRunSettings():
            return _has_studied(store, run, settings)
        case TrainRunSettings():
            return _has_learned(store, run, settings)
        case QuizRunSettings():
            return _has_asked(store, run, settings)
    return True


def _has_studied(store: Store, run: Run, settings: StudyRunSettings) -> bool:
    """Return whether a study has read what there is, as a new one would.

    A skill check guides what is made of passages, but not of instructions.
    """
    passage_ids = {passage.id for passage in store.library.passages(settings.documents)}
    if StudyResult.of(run).passages != len(passage_ids):
        return False
    if not store.journal(run.id).passage_ids() <= passage_ids:
        return False
    if passage_ids and not _is_guided_alike(store, run, settings):
        return False
    if not settings.instructions or settings.new_instructions is not None:
        return True
    samples = store.samples.find(SampleFilter(run_id=run.id))
    answered_ids = {sample.question_id for sample in samples}
    answered_ids |= {skip.question_id or 0 for skip in store.runs.skips(run.id)}
    return answered_ids.issuperset(q.id for q in store.library.instructions())


def _is_guided_alike(store: Store, run: Run, settings: StudyRunSettings) -> bool:
    """Return whether the newest skill check guides a new study as a run was guided."""
    model, protocol = settings.model, settings.study.protocol
    now = newest_guidance(
        store,
        settings.model_digest,
        model.own_quantization,
        model.round_id,
        None if protocol == "auto" else protocol,  # a check asks by "auto" too
    ).numbers
    stored = {
        name: metric.value
        for name in now
        for metric in store.runs.metrics(run.id, name)
    }
    return {**Guidance().numbers, **stored} == now


def _has_learned(store: Store, run: Run, settings: TrainRunSettings) -> bool:
    """Return whether a round is there and has learned what a new one would learn."""
    (round_,) = store.rounds.all(run.id)
    has_adapter = round_.adapter and (store.folder / round_.adapter).is_dir()
    return bool(has_adapter) and has_same_items(store, run, settings)


def has_same_items(store: Store, run: Run, settings: TrainRunSettings) -> bool:
    """Return whether the items of a finished training are those of a new one.

    Statements, which the model writes about raw texts, follow from the other items.
    """
    (round_,) = store.rounds.all(run.id)
    items = collect(store, settings).build().items
    learned = [item for item in store.rounds.items(round_.id) if item.teaches]
    n_statements = len(learned) - len(items)
    return tuple(learned[: len(items)]) == items and (
        n_statements == 0 or settings.train.statements > 0
    )


def _has_asked(store: Store, run: Run, settings: QuizRunSettings) -> bool:
    """Return whether a quiz has asked all questions that a new one would ask."""
    questions_asked = {(r.mode, r.question_id) for r in store.runs.quiz_results(run.id)}
    return all(
        (mode, question.question.id) in questions_asked
        for split, mode in settings.parts
        for question in quiz_versions.questions_of(store, settings, split)
        if mode != "open_book" or question.passage
    )
