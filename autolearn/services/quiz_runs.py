"""The finished quizzes of a round and of the model before it, and their comparison."""

from contextlib import suppress
from dataclasses import replace

from autolearn.core.errors import AlreadyQueued
from autolearn.core.quiz_records import QuizMode
from autolearn.core.records import Round, Run
from autolearn.core.run_settings import QuizRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.evaluation import paired_quizzes, quiz_sets, quiz_versions
from autolearn.evaluation.paired_quizzes import RoundComparison
from autolearn.rounds.sources import study_settings
from autolearn.services import actions
from autolearn.store import Store
from autolearn.study import prompts


def latest_quiz(
    store: Store,
    round_: Round,
    round_id: int | None,
    mode: QuizMode = "closed_book",
    quantization: str | None = None,
) -> Run | None:
    """Return the last finished quiz of the base or a round, on this round's base.

    ``quantization``: only of a model that was loaded in this way.
    """
    return next(
        (
            run
            for run in store.runs.quizzes(round_.model.digest, round_id)
            if quantization in (None, run.quantization)
            and QuizRunSettings.of(run).asks(mode)
        ),
        None,
    )


def base_quiz_before(store: Store, run: Run) -> Run | None:
    """Return the newest quiz of the base model of a quiz that was queued before it.

    The base model was loaded in the same way, as rounding changes its answers.
    """
    quizzes = store.runs.quizzes(run.model_digest or "", None)
    return next(
        (
            other
            for other in quizzes
            if other.id < run.id and other.quantization == run.quantization
        ),
        None,
    )


def due(store: Store, round_: Round, before_id: int | None) -> list[int | None]:
    """Return which rounds have to be asked to compare this one; None: the base model.

    The round itself is asked each time, the model before it only if its last quiz is
    not up to date.
    """
    if _is_current(store, round_, before_id):
        return [round_.id]
    return [before_id, round_.id]


def queue_quizzes(store: Store, round_id: int, before_id: int | None) -> list[Run]:
    """Queue the quizzes that are due to compare a round with the model before it.

    The base model is also asked open-book, for comparison.

    Raises:
        JobError: There is no quiz, the round is not finished, or it is in the queue.
    """
    round_ = store.rounds.get(round_id)
    own = TrainRunSettings.of(round_).model
    *before, _ = due(store, round_, before_id)
    new_runs = []
    for number in before:
        model = replace(own, round_id=number)
        with suppress(AlreadyQueued):  # for another round
            new_runs.append(actions.quiz(store, model, open_book=number is None))
    return [*new_runs, actions.quiz(store, replace(own, round_id=round_id))]


def _is_current(store: Store, round_: Round, before_id: int | None) -> bool:
    """Return whether the last quiz asked all questions, as they are asked now.

    The base model must have been asked open-book, too, what belongs to a passage.
    """
    last_quiz = latest_quiz(store, round_, before_id)
    own = TrainRunSettings.of(round_).model
    now = _as_conditions(own, study_settings(store))
    if last_quiz is None or _conditions(last_quiz) != now:
        return False
    if _prompt(last_quiz) not in (None, prompts.load("closed_book").digest):
        return False
    questions = quiz_versions.asked_now(store, own, round_.model.digest)
    ids = {q.question.id for q in questions}
    if not _asked(store, last_quiz, "closed_book") >= ids:
        return False
    linked_ids = {
        q.question.id for q in questions if q.passage and q.question.split == "quiz"
    }
    open_book = latest_quiz(store, round_, None, "open_book", own.quantization)
    return before_id is not None or _asked(store, open_book, "open_book") >= linked_ids


def _asked(store: Store, run: Run | None, mode: QuizMode) -> set[int]:
    """Return the ids of the questions that a quiz has asked in a mode."""
    results = store.runs.quiz_results(run.id) if run else []
    return {result.question_id for result in results if result.mode == mode}


def compare(
    store: Store, round_id: int, before_id: int | None
) -> RoundComparison | None:
    """Return what a round changed; None while one of the two quizzes is missing."""
    round_ = store.rounds.get(round_id)
    before = latest_quiz(store, round_, before_id)
    after = latest_quiz(store, round_, round_id)
    if before is None or after is None:
        return None
    return compare_runs(store, before, after, round_)


def compare_runs(
    store: Store, before: Run, after: Run, round_: Round
) -> RoundComparison:
    """Return what changed between two quizzes, beside the base model's open-book."""
    open_book_run = latest_quiz(store, round_, None, "open_book", before.quantization)
    open_book = store.runs.quiz_results(open_book_run.id) if open_book_run else []
    was = [r for r in store.runs.quiz_results(before.id) if r.mode == "closed_book"]
    was += [r for r in open_book if r.mode == "open_book"]
    now = store.runs.quiz_results(after.id)
    versions = [QuizRunSettings.of(run).version for run in (before, after)]
    rescore = any(version is not None for version in versions)
    change = paired_quizzes.compare(store, was, now, round_.id, rescore=rescore)
    return replace(change, asked_alike=_asked_alike(before, after))


def about_deleted(store: Store, comparison: RoundComparison) -> int:
    """Return how many of the questions left out are about deleted documents."""
    asked_once = comparison.before.keys() ^ comparison.after.keys()
    left_out = [q for i, q in comparison.questions.items() if i in asked_once]
    return len(left_out) - len(quiz_sets.in_library(store, left_out))


def _asked_alike(before: Run, after: Run) -> bool:
    """Return whether two quizzes used the same prompt, limits and quantisation.

    Old versions did not store the prompt of a quiz; it counts as the same.
    """
    digests = {_prompt(before), _prompt(after)} - {None}
    return len(digests) < 2 and _conditions(before) == _conditions(after)


def _prompt(run: Run) -> str | None:
    """Return the digest of the prompt for the closed-book answers of a quiz."""
    return (QuizRunSettings.of(run).prompts or {}).get("closed_book")


def _conditions(run: Run) -> tuple[str, int, str]:
    settings = QuizRunSettings.of(run)
    return _as_conditions(settings.model, settings.study or StudySettings())


def _as_conditions(model: ModelSettings, study: StudySettings) -> tuple[str, int, str]:
    return study.protocol, study.answer_tokens, model.quantization
