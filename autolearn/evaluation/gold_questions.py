"""Quiz and control questions with their gold, and what a round changed."""

from collections.abc import Iterable, Sequence
from typing import Any

from autolearn.core.gold import GoldQuestion
from autolearn.core.records import Passage, Question, QuizMode, QuizResult, Split
from autolearn.evaluation import quiz
from autolearn.evaluation.quiz import QuizQuestion
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.study.answers import keeps_sense
from autolearn.text import matching


def import_gold(
    store: Store, gold: Sequence[GoldQuestion], split: Split
) -> tuple[Question, ...]:
    """Keep imported questions, each with the passage that tells its answer.

    The passage is the one of the named document that shares most words with
    question and answer; a question without a document has none.
    """
    names = {document.name: document.id for document in store.library.documents()}
    passages = store.library.passages(with_excluded=True)
    return store.library.add_questions(
        [
            Question(
                one.question,
                split,
                "gold",
                passage_id=_telling(one, names.get(one.document), passages),
                gold_answer=one.answer,
                gold_value=one.value or None,
            )
            for one in gold
        ]
    )


def _telling(
    one: GoldQuestion, document_id: int | None, passages: Iterable[Passage]
) -> int | None:
    wanted = set(matching.normalise(f"{one.question} {one.answer}").split())

    def shared(passage: Passage) -> int:
        return len(wanted & set(matching.normalise(passage.text).split()))

    own = [passage for passage in passages if passage.document_id == document_id]
    return max(own, key=shared).id if own else None


def questions(store: Store, split: Split) -> list[QuizQuestion]:
    """Return the questions of quiz or control that have a gold answer.

    For a question that the model reworded for the quiz, the gold is its own
    open-book answer to the question it rewords: such a quiz is self-graded, and is
    told apart by its origin.
    """
    found = store.library.questions(QuestionFilter(split=split))
    texts = {p.id: p.text for p in store.library.passages(with_excluded=True)}
    own = _own_gold(store, [q for q in found if q.origin == "paraphrase"])
    return [
        QuizQuestion(
            question,
            gold,
            question.gold_value or "",
            texts.get(question.passage_id or 0),
        )
        for question in found
        if (gold := question.gold_answer or own.get(question.id))
    ]


def some_questions(store: Store, n: int) -> list[str]:
    """Return the texts of at most ``n`` questions: of the quiz, else of the control."""
    found = questions(store, "quiz") or questions(store, "control")
    return [one.question.text for one in found[:n]]


def _own_gold(store: Store, reworded: Sequence[Question]) -> dict[int, str]:
    """Return the answer to the reworded question where the wording kept its sense."""
    parents = [q.parent_id for q in reworded if q.parent_id]
    answers = store.library.answers([*(q.id for q in reworded), *parents])
    opened = {a.question_id: a for a in answers if a.kind == "open_book"}
    return {
        q.id: opened[q.parent_id].text
        for q in reworded
        if q.parent_id in opened and q.id in opened and keeps_sense(opened[q.id])
    }


def taught(store: Store, round_id: int, asked: Sequence[QuizQuestion]) -> set[int]:
    """Return the ids of the questions whose answer this round or one before learned."""
    line = [store.rounds.get(round_id), *store.rounds.ancestors(round_id)]
    trained = (
        item.chosen
        for one in line
        for item in store.rounds.items(one.id)
        if item.teaches
    )
    return quiz.studied(asked, trained)


def compare(
    store: Store,
    before: Sequence[QuizResult],
    after: Sequence[QuizResult],
    round_id: int,
) -> dict[str, Any]:
    """Return what a round changed: shares before and after, flips, gap closed.

    ``before`` holds closed-book and open-book results of the model that the round
    started from, ``after`` closed-book results of the round.
    """
    asked = questions(store, "quiz")
    control = {q.question.id for q in questions(store, "control")}
    known = taught(store, round_id, asked)
    all_ids = {q.question.id for q in asked}
    was, now, open_book = (
        _pick(before, "closed_book"),
        _pick(after, "closed_book"),
        _pick(before, "open_book"),
    )
    changed = quiz.flips(_of(was, all_ids), _of(now, all_ids))
    return {
        **_shares(was, now, open_book, all_ids),
        "studied": _shares(was, now, open_book, known),
        "control_before": _right(was, control),
        "control_after": _right(now, control),
        "newly_right": len(changed.newly_right),
        "newly_wrong": len(changed.newly_wrong),
    }


def _pick(results: Iterable[QuizResult], mode: QuizMode) -> list[QuizResult]:
    return [result for result in results if result.mode == mode]


def _of(results: Iterable[QuizResult], ids: set[int]) -> list[QuizResult]:
    return [result for result in results if result.question_id in ids]


def _right(results: Iterable[QuizResult], ids: set[int]) -> float | None:
    score = quiz.summarise(_of(results, ids))
    return round(score.right, 4) if score.n else None


def _shares(
    was: list[QuizResult],
    now: list[QuizResult],
    open_book: list[QuizResult],
    ids: set[int],
) -> dict[str, Any]:
    before, after, bound = (_right(r, ids) for r in (was, now, open_book))
    closed = (
        quiz.gap_closed(before, after, bound)
        if before is not None and after is not None and bound is not None
        else None
    )
    return {
        "n": len(_of(now, ids)),
        "closed_book_before": before,
        "closed_book_after": after,
        "open_book": bound,
        "gap_closed": None if closed is None else round(closed, 4),
    }
