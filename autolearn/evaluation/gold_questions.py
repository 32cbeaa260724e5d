"""Quiz and control questions with gold answers, and the effect of a round on them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autolearn.core.codec import Coded
from autolearn.core.gold import GoldQuestion
from autolearn.core.records import Passage, Question, QuizMode, QuizResult, Split
from autolearn.evaluation import quiz
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.study.answers import keeps_sense
from autolearn.text import matching


def import_gold(
    store: Store, gold: Sequence[GoldQuestion], split: Split
) -> tuple[Question, ...]:
    """Store imported questions, each with the passage that answers it.

    This is the passage of the named document that shares most words with question and
    answer. A question without a document has none.
    """
    names = {document.name: document.id for document in store.library.documents()}
    passages = store.library.passages(with_excluded=True)
    return store.library.add_questions(
        [
            Question(
                question.question,
                split,
                "gold",
                passage_id=_telling(question, names.get(question.document), passages),
                gold_answer=question.answer,
                gold_value=question.value or None,
            )
            for question in gold
        ]
    )


def _telling(
    question: GoldQuestion, document_id: int | None, passages: Iterable[Passage]
) -> int | None:
    words = set(matching.normalise(f"{question.question} {question.answer}").split())

    def shared(passage: Passage) -> int:
        return len(words & set(matching.normalise(passage.text).split()))

    candidates = [passage for passage in passages if passage.document_id == document_id]
    return max(candidates, key=shared).id if candidates else None


def questions(store: Store, split: Split) -> list[QuizQuestion]:
    """Return the questions of quiz or control that have a gold answer.

    If the model reworded a question for the quiz, the gold answer is its own open-book
    answer to the original question. Such a quiz is self-graded; the origin of its
    questions shows that.
    """
    records = store.library.questions(QuestionFilter(split=split))
    texts = {p.id: p.text for p in store.library.passages(with_excluded=True)}
    own_gold = _own_gold(store, [q for q in records if q.origin == "paraphrase"])
    return [
        QuizQuestion(
            question,
            gold,
            question.gold_value or "",
            texts.get(question.passage_id or 0),
        )
        for question in records
        if (gold := question.gold_answer or own_gold.get(question.id))
    ]


def some_questions(store: Store, n: int) -> list[str]:
    """Return at most ``n`` question texts, of the quiz or else of the control."""
    quiz_questions = questions(store, "quiz") or questions(store, "control")
    return [item.question.text for item in quiz_questions[:n]]


def _own_gold(store: Store, reworded: Sequence[Question]) -> dict[int, str]:
    """Return answers for reworded questions whose wording kept the meaning."""
    parents = [q.parent_id for q in reworded if q.parent_id]
    answers = store.library.answers([*(q.id for q in reworded), *parents])
    open_book = {a.question_id: a for a in answers if a.kind == "open_book"}
    return {
        q.id: open_book[q.parent_id].text
        for q in reworded
        if q.parent_id in open_book
        and q.id in open_book
        and keeps_sense(open_book[q.id])
    }


def taught(store: Store, round_id: int, candidates: Sequence[QuizQuestion]) -> set[int]:
    """Return the ids of questions whose answer this round or an earlier one learned."""
    rounds = [store.rounds.get(round_id), *store.rounds.ancestors(round_id)]
    answers = (
        item.chosen
        for ancestor in rounds
        for item in store.rounds.items(ancestor.id)
        if item.teaches
    )
    return quiz.studied(candidates, answers)


@dataclass(frozen=True)
class QuizShares(Coded):
    """Shares of right answers to the same ``n`` questions, 0..1; None: not asked."""

    n: int = 0
    closed_book_before: float | None = None
    closed_book_after: float | None = None
    open_book: float | None = None
    """With the passage in view, before the round: what could be learned at most."""
    gap_closed: float | None = None
    """Share of the gap to the open-book bound that the round closed."""


@dataclass(frozen=True)
class RoundChange(QuizShares):
    """What a round changed of all quiz questions, and of some of them."""

    studied: QuizShares = QuizShares()
    """Of those whose answer the round learned."""
    control_before: float | None = None
    control_after: float | None = None
    newly_right: int = 0
    newly_wrong: int = 0


def compare(
    store: Store,
    before: Sequence[QuizResult],
    after: Sequence[QuizResult],
    round_id: int,
) -> RoundChange:
    """Return the effect of a round: shares before and after, flips, gap closed.

    Args:
        store: The workspace.
        before: Closed-book and open-book results of the model that the round started
            from.
        after: Closed-book results of the round.
        round_id: The round.
    """
    quiz_questions = questions(store, "quiz")
    control = {q.question.id for q in questions(store, "control")}
    taught_ids = taught(store, round_id, quiz_questions)
    all_ids = {q.question.id for q in quiz_questions}
    before_closed, after_closed, open_book = (
        _pick(before, "closed_book"),
        _pick(after, "closed_book"),
        _pick(before, "open_book"),
    )
    flips = quiz.flips(_of(before_closed, all_ids), _of(after_closed, all_ids))
    return RoundChange(
        **_shares(before_closed, after_closed, open_book, all_ids).as_dict(),
        studied=_shares(before_closed, after_closed, open_book, taught_ids),
        control_before=_right(before_closed, control),
        control_after=_right(after_closed, control),
        newly_right=len(flips.newly_right),
        newly_wrong=len(flips.newly_wrong),
    )


def _pick(results: Iterable[QuizResult], mode: QuizMode) -> list[QuizResult]:
    return [result for result in results if result.mode == mode]


def _of(results: Iterable[QuizResult], ids: set[int]) -> list[QuizResult]:
    return [result for result in results if result.question_id in ids]


def _right(results: Iterable[QuizResult], ids: set[int]) -> float | None:
    score = quiz.summarise(_of(results, ids))
    return round(score.right, 4) if score.n else None


def _shares(
    before_results: list[QuizResult],
    after_results: list[QuizResult],
    open_book: list[QuizResult],
    ids: set[int],
) -> QuizShares:
    before, after, bound = (
        _right(r, ids) for r in (before_results, after_results, open_book)
    )
    gap = (
        quiz.gap_closed(before, after, bound)
        if before is not None and after is not None and bound is not None
        else None
    )
    gap = None if gap is None else round(gap, 4)
    return QuizShares(len(_of(after_results, ids)), before, after, bound, gap)
