"""Takes of the quiz, found again: who answered it when, and what changed between two.

A round is measured against a take of the model it is compared with, over the
questions that both were asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from autolearn.core.records import QuizMode, QuizResult, Round, Run, Split
from autolearn.core.run_settings import QuizRunSettings, TrainRunSettings
from autolearn.evaluation import gold_questions, quiz, statistics
from autolearn.evaluation.gold_questions import RoundChange
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.services import actions
from autolearn.store import Store

SPLITS: tuple[Split, ...] = ("quiz", "control")


@dataclass(frozen=True)
class QuizChange:
    """What a round changed in one set of questions, each asked before and after."""

    n: int
    right_before: int
    right_after: int
    newly_right: tuple[int, ...]
    newly_wrong: tuple[int, ...]
    still_wrong: tuple[int, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the change of the share."""
        return statistics.paired(len(self.newly_right), len(self.newly_wrong), self.n)

    @property
    def p(self) -> float:
        """Return how likely so uneven flips are by chance alone."""
        return statistics.mcnemar(len(self.newly_right), len(self.newly_wrong))


@dataclass(frozen=True)
class RoundComparison:
    """A round against the model before it."""

    scores: RoundChange
    quiz: QuizChange
    control: QuizChange
    questions: dict[int, QuizQuestion]
    before: dict[int, str]
    after: dict[int, str]
    """The closed-book answers by the ids of their questions."""
    left_out: int
    """Questions that only one of the two was asked."""


def latest_quiz(
    store: Store, round_: Round, round_id: int | None, mode: QuizMode = "closed_book"
) -> Run | None:
    """Return the last finished quiz of the base or a round, on this round's base."""
    quizzes = store.runs.quizzes(round_.model.digest, round_id)
    return next((run for run in quizzes if QuizRunSettings.of(run).asks(mode)), None)


def base_quiz_before(store: Store, run: Run) -> Run | None:
    """Return the newest quiz of the base model of a quiz that was queued before it."""
    quizzes = store.runs.quizzes(run.model_digest or "", None)
    return next((other for other in quizzes if other.id < run.id), None)


def queue_quizzes(store: Store, round_id: int, before_id: int | None) -> list[Run]:
    """Queue the quiz of a round, and of the model before it unless it is up to date.

    The base model is also asked open-book, which tells how much there is to learn.

    Raises:
        JobError: There is no quiz, or the round is not finished.
    """
    round_ = store.rounds.get(round_id)
    own = TrainRunSettings.of(round_).model
    quizzes = []
    if not _is_current(store, round_, before_id):
        before = replace(own, round_id=before_id)
        quizzes.append(actions.quiz(store, before, open_book=before_id is None))
    after = replace(own, round_id=round_id)
    return [*quizzes, actions.quiz(store, after)]


def _is_current(store: Store, round_: Round, before_id: int | None) -> bool:
    """Return whether the last take has asked all questions that there are now."""
    take = latest_quiz(store, round_, before_id)
    if take is None:
        return False
    asked_ids = set(_closed_book(store.runs.quiz_results(take.id)))
    all_ids = {
        q.question.id
        for split in SPLITS
        for q in gold_questions.questions(store, split)
    }
    return all_ids <= asked_ids


def compare(
    store: Store, round_id: int, before_id: int | None
) -> RoundComparison | None:
    """Return what a round changed; None while one of the two takes is missing."""
    round_ = store.rounds.get(round_id)
    takes = (
        latest_quiz(store, round_, before_id),
        latest_quiz(store, round_, round_id),
    )
    if takes[0] is None or takes[1] is None:
        return None
    was = store.runs.quiz_results(takes[0].id)
    now = store.runs.quiz_results(takes[1].id)
    common_ids = set(_closed_book(was)) & set(_closed_book(now))
    every = set(_closed_book(was)) | set(_closed_book(now))
    bound = latest_quiz(store, round_, None, "open_book")
    open_book_results = store.runs.quiz_results(bound.id) if bound else []
    before = [r for r in was if r.mode == "closed_book"]
    before += [r for r in open_book_results if r.mode == "open_book"]
    was, now = _among(before, common_ids), _among(now, common_ids)
    quiz_questions = {
        q.question.id: q for s in SPLITS for q in gold_questions.questions(store, s)
    }
    return RoundComparison(
        gold_questions.compare(store, was, now, round_id),
        _change(
            was, now, [q for q in quiz_questions.values() if q.question.split == "quiz"]
        ),
        _change(
            was,
            now,
            [q for q in quiz_questions.values() if q.question.split == "control"],
        ),
        quiz_questions,
        {i: r.text for i, r in _closed_book(was).items()},
        {i: r.text for i, r in _closed_book(now).items()},
        len(every) - len(common_ids),
    )


def _closed_book(results: Iterable[QuizResult]) -> dict[int, QuizResult]:
    return {r.question_id: r for r in results if r.mode == "closed_book"}


def _among(results: Iterable[QuizResult], ids: set[int]) -> list[QuizResult]:
    return [result for result in results if result.question_id in ids]


def _change(
    was: Sequence[QuizResult],
    now: Sequence[QuizResult],
    quiz_questions: Sequence[QuizQuestion],
) -> QuizChange:
    ids = {q.question.id for q in quiz_questions}
    before = _closed_book(_among(was, ids))
    after = _closed_book(_among(now, ids))
    flips = quiz.flips(before.values(), after.values())
    both = sorted(before.keys() & after.keys())
    return QuizChange(
        len(both),
        sum(before[i].right for i in both),
        sum(after[i].right for i in both),
        flips.newly_right,
        flips.newly_wrong,
        tuple(i for i in both if not before[i].right and not after[i].right),
    )
