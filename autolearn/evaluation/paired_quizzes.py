"""What a round changed: the same questions before and after it, paired.

Gold questions, which a person or another author made, and questions that the model made
and graded itself are never counted together.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from autolearn.core.codec import EXTRA, JsonRecord
from autolearn.core.quiz_records import QuizMode, QuizPart, QuizResult
from autolearn.evaluation import quiz, quiz_sets, statistics, taught_questions
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.store import Store

PARTS: dict[QuizPart, str] = {
    "gold": "Gold quiz",
    "self_made": "Self-made quiz",
    "control": "Control",
}
"""The titles of the sets of questions."""


def part_of(question: QuizQuestion) -> QuizPart:
    """Return in which set a question is counted."""
    if question.question.split == "control":
        return "control"
    return "gold" if question.is_gold else "self_made"


@dataclass(frozen=True)
class QuizShares(JsonRecord):
    """Shares of right answers to the same ``n`` questions, 0..1; None: not asked."""

    n: int = 0
    closed_book_before: float | None = None
    closed_book_after: float | None = None
    low: float | None = None
    """95 % interval of the change, from ``low`` to ``high``."""
    high: float | None = None
    p: float | None = None
    """McNemar's exact test."""
    newly_right: int = 0
    newly_wrong: int = 0
    open_book: float | None = None
    """With the passage in view, before the round; not a bound of what it may reach."""
    gap_closed: float | None = None
    """Share of the gap to ``open_book`` that the round closed; None: there was none."""


@dataclass(frozen=True)
class QuizChange:
    """The change by a round in one set of questions, each asked before and after."""

    n: int = 0
    right_before: int = 0
    right_after: int = 0
    newly_right: tuple[int, ...] = ()
    newly_wrong: tuple[int, ...] = ()
    still_wrong: tuple[int, ...] = ()
    n_open: int = 0
    """Questions that were also asked open-book; the next three are among these."""
    right_open: int = 0
    before_of_open: int = 0
    after_of_open: int = 0

    @property
    def change(self) -> float:
        """Return the change of the share, -1..1; 0 without questions."""
        n_gained = len(self.newly_right) - len(self.newly_wrong)
        return n_gained / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the change of the share."""
        return statistics.paired(len(self.newly_right), len(self.newly_wrong), self.n)

    @property
    def p(self) -> float:
        """Return how likely so uneven flips are by chance alone."""
        return statistics.mcnemar(len(self.newly_right), len(self.newly_wrong))

    @property
    def n_changed(self) -> int:
        """Return how many answers changed, in either direction."""
        return len(self.newly_right) + len(self.newly_wrong)

    @property
    def is_significant(self) -> bool:
        """Return whether the interval excludes 0; never if too few answers changed."""
        low, high = self.interval
        excludes_zero = low > 0 or high < 0
        return excludes_zero and self.n_changed >= statistics.LEAST_CHANGED

    @property
    def open_book(self) -> float | None:
        """Return the open-book share, None if no question was asked open-book."""
        return self.right_open / self.n_open if self.n_open else None

    @property
    def gap_closed(self) -> float | None:
        """Return the share of the gap to open-book that the round closed."""
        if not self.n_open:
            return None
        return gap_closed(self.before_of_open, self.after_of_open, self.right_open)

    def shares(self) -> QuizShares:
        """Return the change as rounded shares."""
        if not self.n:
            return QuizShares()
        low, high = self.interval
        return QuizShares(
            n=self.n,
            closed_book_before=_rounded(self.right_before / self.n),
            closed_book_after=_rounded(self.right_after / self.n),
            low=_rounded(low),
            high=_rounded(high),
            p=_rounded(self.p),
            newly_right=len(self.newly_right),
            newly_wrong=len(self.newly_wrong),
            open_book=_rounded(self.open_book),
            gap_closed=_rounded(self.gap_closed),
        )


@dataclass(frozen=True)
class RoundChange(JsonRecord):
    """The changes by a round, as shares; None: no such question was asked."""

    gold: QuizShares | None = field(default=None, metadata=EXTRA)
    gold_studied: QuizShares | None = field(default=None, metadata=EXTRA)
    """Of those whose answer the round learned."""
    self_made: QuizShares | None = field(default=None, metadata=EXTRA)
    self_made_studied: QuizShares | None = field(default=None, metadata=EXTRA)
    control: QuizShares | None = field(default=None, metadata=EXTRA)
    left_out: int = 0
    """Questions that only one of the two was asked; they are not counted."""
    asked_alike: bool = field(default=True, metadata=EXTRA)
    """False: the difference is not due to the round alone; see ``RoundComparison``."""


@dataclass(frozen=True)
class RoundComparison:
    """A round against another model, over the questions that both were asked."""

    parts: dict[QuizPart, QuizChange]
    studied_parts: dict[QuizPart, QuizChange]
    """Those of ``gold`` and ``self_made`` whose answer the round learned."""
    questions: dict[int, QuizQuestion]
    before: dict[int, QuizResult]
    after: dict[int, QuizResult]
    """The closed-book answers by the ids of their questions."""
    left_out: int
    """Questions that only one of the two was asked."""
    asked_alike: bool = True
    """Whether both were asked by the same prompt, limits of length and quantisation."""

    def summary(self) -> RoundChange:
        """Return the shares of each set of questions that was asked."""
        changes: dict[str, QuizChange] = {k: v for k, v in self.parts.items()}
        changes |= {f"{part}_studied": v for part, v in self.studied_parts.items()}
        shares = {name: change.shares() for name, change in changes.items() if change.n}
        return RoundChange(
            **shares, left_out=self.left_out, asked_alike=self.asked_alike
        )


def compare(
    store: Store,
    before: Sequence[QuizResult],
    after: Sequence[QuizResult],
    round_id: int,
    *,
    rescore: bool = True,
) -> RoundComparison:
    """Return the effect of a round over the questions that both were asked.

    Args:
        store: The workspace.
        before: Closed-book and open-book results of the model that the round is
            compared with.
        after: Closed-book results of the round.
        round_id: The round.
        rescore: Whether both are scored by the scorers and aliases of now, so that an
            alias accepted between two quizzes counts for both. Answers of versions
            without scorers keep their scores.
    """
    asked_ids = {result.question_id for result in (*before, *after)}
    questions = {q.question.id: q for q in quiz_sets.every_asked(store, asked_ids)}
    if rescore:
        before, after = (_rescored(results, questions) for results in (before, after))
    was, now = _by_id(before, "closed_book"), _by_id(after, "closed_book")
    open_book = _by_id(before, "open_book")
    common_ids = was.keys() & now.keys() & questions.keys()
    taught_ids = taught_questions.taught_ids(store, round_id, list(questions.values()))

    def change(part: QuizPart, ids: Collection[int]) -> QuizChange:
        among = sorted(i for i in ids if part_of(questions[i]) == part)
        return change_of(*(_among(results, among) for results in (was, now, open_book)))

    return RoundComparison(
        {part: change(part, common_ids) for part in PARTS},
        {part: change(part, common_ids & taught_ids) for part in ("gold", "self_made")},
        questions,
        was,
        now,
        len((was.keys() | now.keys()) & questions.keys()) - len(common_ids),
    )


def change_between(
    before: Iterable[QuizResult],
    after: Iterable[QuizResult],
    questions: Iterable[QuizQuestion],
) -> QuizChange:
    """Return the closed-book change in some questions that both were asked.

    Both are scored by the questions as they are given.
    """
    by_id = {question.question.id: question for question in questions}
    was, now = (
        _by_id(_rescored(results, by_id), "closed_book") for results in (before, after)
    )
    return change_of(_among(was, by_id), _among(now, by_id))


def change_of(
    was: dict[int, QuizResult],
    now: dict[int, QuizResult],
    open_book: dict[int, QuizResult] | None = None,
) -> QuizChange:
    """Return the change between two quizzes with the same questions."""
    ids = sorted(was.keys() & now.keys())
    open_book = open_book or {}
    open_book_ids = [i for i in ids if i in open_book]
    return QuizChange(
        n=len(ids),
        right_before=sum(was[i].right for i in ids),
        right_after=sum(now[i].right for i in ids),
        newly_right=tuple(i for i in ids if now[i].right and not was[i].right),
        newly_wrong=tuple(i for i in ids if was[i].right and not now[i].right),
        still_wrong=tuple(i for i in ids if not was[i].right and not now[i].right),
        n_open=len(open_book_ids),
        right_open=sum(open_book[i].right for i in open_book_ids),
        before_of_open=sum(was[i].right for i in open_book_ids),
        after_of_open=sum(now[i].right for i in open_book_ids),
    )


def gap_closed(before: float, after: float, open_book: float) -> float | None:
    """Return the share of the gap to open-book that a round closed.

    None if the closed-book score was at least the open-book score already.
    """
    if open_book <= before:
        return None
    return (after - before) / (open_book - before)


def by_part(
    questions: Iterable[QuizQuestion], results: Iterable[QuizResult]
) -> dict[QuizPart, list[QuizResult]]:
    """Return results by the set in which their questions are counted."""
    part = {q.question.id: part_of(q) for q in questions}
    parts: dict[QuizPart, list[QuizResult]] = {}
    for result in results:
        parts.setdefault(part[result.question_id], []).append(result)
    return parts


def _rescored(
    results: Iterable[QuizResult], questions: dict[int, QuizQuestion]
) -> list[QuizResult]:
    new_results = []
    for result in results:
        if question := questions.get(result.question_id):
            result = quiz.scored(result, question)
        new_results.append(result)
    return new_results


def _by_id(results: Iterable[QuizResult], mode: QuizMode) -> dict[int, QuizResult]:
    return {r.question_id: r for r in results if r.mode == mode}


def _among(results: dict[int, QuizResult], ids: Iterable[int]) -> dict[int, QuizResult]:
    return {i: results[i] for i in ids if i in results}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
