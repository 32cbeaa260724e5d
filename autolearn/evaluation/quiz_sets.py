"""The questions of quiz and control, as they would be asked now."""

from collections.abc import Sequence

from autolearn.core.records import Question, Split
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.study.answers import keeps_sense
from autolearn.text import matching


def questions(store: Store, split: Split) -> list[QuizQuestion]:
    """Return the questions of quiz or control that can be scored, each once.

    If the model reworded a question for the quiz, the gold answer is its own open-book
    answer to the original question. Such a quiz is self-graded; the origin of its
    questions shows that. Of a locked quiz, only its own questions are returned.
    """
    records = store.library.questions(QuestionFilter(split=split))
    version = store.quizzes.newest()
    if version and version.locked:
        ids = {question.id for question in version.questions}
        records = [question for question in records if question.id in ids]
    own_gold = _own_gold(store, [q for q in records if q.origin == "paraphrase"])
    gold_answers = {q.id: q.gold_answer or own_gold.get(q.id, "") for q in records}
    distinct: dict[tuple[str, tuple[str, ...], str], Question] = {}
    for q in records:
        if gold_answers[q.id] or q.scorer == "none":
            key = (_form(q.text), q.choices, _form(gold_answers[q.id]))
            distinct.setdefault(key, q)
    return with_passages(store, [(q, gold_answers[q.id]) for q in distinct.values()])


def _form(text: str) -> str:
    return matching.normalise(text) or text


def _own_gold(store: Store, wordings: Sequence[Question]) -> dict[int, str]:
    """Return answers for reworded questions whose wording kept the meaning."""
    parents = [q.parent_id for q in wordings if q.parent_id]
    answers = store.library.answers([*(q.id for q in wordings), *parents])
    open_book = {a.question_id: a for a in answers if a.kind == "open_book"}
    return {
        q.id: open_book[q.parent_id].text
        for q in wordings
        if q.parent_id in open_book
        and q.id in open_book
        and keeps_sense(open_book[q.id])
    }


def with_passages(
    store: Store, answers: Sequence[tuple[Question, str]]
) -> list[QuizQuestion]:
    """Return questions with their gold answers and the passages that they are about."""
    ids = [question.passage_id for question, _ in answers]
    passages = store.library.passages_by_id(ids)
    return [
        QuizQuestion(
            question,
            gold,
            question.gold_value or "",
            passages[question.passage_id] if question.passage_id else None,
        )
        for question, gold in answers
    ]


def every_question(store: Store) -> list[QuizQuestion]:
    """Return the questions of quiz and control as they would be asked now."""
    return [*questions(store, "quiz"), *questions(store, "control")]


def measured_by(store: Store, split: Split) -> list[QuizQuestion]:
    """Return the questions by which an experiment is measured.

    Those with gold answers, if there are any; else the self-made ones. The two are
    never counted together.
    """
    every = questions(store, split)
    return [question for question in every if question.is_gold] or every


def some_questions(store: Store, n: int) -> list[str]:
    """Return at most ``n`` question texts, of the quiz or else of the control."""
    quiz_questions = questions(store, "quiz") or questions(store, "control")
    return [item.question.text for item in quiz_questions[:n]]
