"""The questions of quiz and control, as they would be asked now or were asked."""

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path

from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Question, Split
from autolearn.core.settings import ModelSettings
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.study.answers import keeps_sense
from autolearn.text import matching

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
_INVENTED_CONTROL = _ASSETS / "demo-library" / "control.jsonl"


def questions(store: Store, split: Split) -> list[QuizQuestion]:
    """Return the questions of quiz or control that can be scored, each once.

    If the model reworded a question for the quiz, the gold answer is its own open-book
    answer to the original question. Such a quiz is self-graded; the origin of its
    questions shows that. Questions about deleted documents are left out, and those that
    a person has excluded. Of a locked quiz, its own questions are returned, and no
    others.
    """
    records = store.library.questions(QuestionFilter(split=split))
    taken = [question for question in records if not question.excluded]
    candidates = with_passages(store, _with_gold(store, taken))
    version = store.quizzes.newest()
    if version and version.locked:
        ids = {question.id for question in version.questions}
        candidates = [q for q in candidates if q.question.id in ids]
    else:
        candidates = in_library(store, candidates)
    distinct: dict[tuple[str, tuple[str, ...], str], QuizQuestion] = {}
    # One that was imported before its text has no passage, and one imported again has.
    for q in sorted(candidates, key=lambda q: (not q.is_gold, q.passage is None)):
        key = _form(q.question.text), q.question.choices, _form(q.gold_answer)
        distinct.setdefault(key, q)
    return sorted(distinct.values(), key=lambda q: q.question.id)


def for_model(model: str, questions: Iterable[QuizQuestion]) -> list[QuizQuestion]:
    """Return the questions that a model is asked.

    The control set of all built-in libraries asks about an invented world, which only
    the built-in model knows.
    """
    if model == ModelSettings.model:
        return list(questions)
    return [
        question
        for question in questions
        if question.question.split != "control"
        or question.question.text not in _invented_control()
    ]


@cache
def _invented_control() -> frozenset[str]:
    lines = _INVENTED_CONTROL.read_text(encoding="utf-8").splitlines()
    return frozenset(json.loads(line)["question"] for line in lines)


def asked(store: Store, split: Split, ids: Iterable[int]) -> list[QuizQuestion]:
    """Return those of some questions that are of quiz or control, scored as now.

    They were asked, so none is left out because its document was deleted or the quiz
    locked since.
    """
    records = store.library.questions(QuestionFilter(ids=list(ids), split=split))
    return with_passages(store, _with_gold(store, records))


def every_asked(store: Store, ids: Collection[int]) -> list[QuizQuestion]:
    """Return those of some questions that are of quiz and control, scored as now."""
    return [*asked(store, "quiz", ids), *asked(store, "control", ids)]


def _form(text: str) -> str:
    return matching.normalise(text) or text


def _with_gold(store: Store, records: Sequence[Question]) -> list[tuple[Question, str]]:
    """Return the questions that can be scored, with their gold answers."""
    own_gold = _own_gold(store, [q for q in records if q.origin == "paraphrase"])
    pairs = [(q, q.gold_answer or own_gold.get(q.id, "")) for q in records]
    return [(q, gold) for q, gold in pairs if gold or q.scorer == "none"]


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


def excluded(store: Store) -> list[QuizQuestion]:
    """Return the questions that a person has taken out of quiz and control."""
    splits: tuple[Split, ...] = ("quiz", "control")
    records = [
        question
        for split in splits
        for question in store.library.questions(QuestionFilter(split=split))
        if question.excluded
    ]
    return with_passages(store, _with_gold(store, records))


def about(
    documents: Collection[int], questions: Iterable[QuizQuestion]
) -> list[QuizQuestion]:
    """Return the questions about some documents, and those about none.

    A document may have been deleted since; its questions keep their passages.
    """
    return [q for q in questions if not q.passage or q.passage.document_id in documents]


def in_library(store: Store, questions: Iterable[QuizQuestion]) -> list[QuizQuestion]:
    """Return the questions about documents that are not deleted, or about none."""
    documents = {document.id for document in store.library.document_sizes()}
    return about(documents, questions)


def of_one_origin(questions: Sequence[QuizQuestion]) -> list[QuizQuestion]:
    """Return the questions with gold answers, if there are any; else the self-made.

    The two are never counted together.
    """
    return [question for question in questions if question.is_gold] or list(questions)


def measured(
    store: Store,
    split: Split,
    quizzes: Sequence[Iterable[QuizResult]],
    documents: Collection[int] | None = None,
) -> dict[int, QuizQuestion]:
    """Return the questions by which an experiment is measured, each under its id.

    All its quizzes have asked them closed-book; what joined the quiz later, or left
    it, changes nothing.

    Args:
        store: The workspace.
        split: Quiz or control.
        quizzes: The results of each quiz.
        documents: Only questions about these, and those about none; None: all.
    """
    ids = [
        {result.question_id for result in results if result.mode == "closed_book"}
        for results in quizzes
    ]
    common_ids = ids[0].intersection(*ids[1:]) if ids else set()
    candidates = asked(store, split, common_ids)
    if documents is not None:
        candidates = about(documents, candidates)
    return {q.question.id: q for q in of_one_origin(candidates)}


def some_questions(store: Store, n: int) -> list[str]:
    """Return at most ``n`` question texts, of the quiz or else of the control."""
    quiz_questions = questions(store, "quiz") or questions(store, "control")
    return [item.question.text for item in quiz_questions[:n]]
