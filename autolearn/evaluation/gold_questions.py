"""Quiz and control questions with gold answers: imported, frozen, and studied."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from autolearn.core.gold import GoldQuestion
from autolearn.core.quiz_records import FrozenQuestion, QuizVersion
from autolearn.core.records import Passage, Question, Split
from autolearn.evaluation import quiz, scoring
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter
from autolearn.study.answers import keeps_sense
from autolearn.text import matching


def import_gold(
    store: Store, gold: Sequence[GoldQuestion], split: Split
) -> tuple[Question, ...]:
    """Store imported questions, each with the passage that answers it.

    This is the passage of the named document that shares most words with question and
    answer. A question without a document has none.
    """
    documents = store.library.documents()
    names = {document.name.rpartition("/")[2]: document.id for document in documents}
    names |= {document.name: document.id for document in documents}
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
                scorer=question.scorer or scoring.usual(question),
                aliases=question.aliases,
                choices=question.choices,
            )
            for question in gold
        ]
    )


def _telling(
    question: GoldQuestion, document_id: int | None, passages: Sequence[Passage]
) -> int | None:
    n_shared = matching.shared_words(f"{question.question} {question.answer}")
    candidates = [passage for passage in passages if passage.document_id == document_id]
    if question.passage:
        candidates = _overlapping(question.passage, passages)
    best = max(candidates, key=lambda passage: n_shared(passage.text), default=None)
    return best.id if best else None


def _overlapping(text: str, passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages that hold a text, or are a part of it."""
    plain = " ".join(text.split())
    others = [(passage, " ".join(passage.text.split())) for passage in passages]
    return [p for p, other in others if other and (plain in other or other in plain)]


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
    distinct = {
        (_form(q.text), q.choices, _form(gold_answers[q.id])): q
        for q in reversed(records)
        if gold_answers[q.id] or q.scorer == "none"
    }
    return _with_passages(
        store, [(q, gold_answers[q.id]) for q in reversed(distinct.values())]
    )


def _form(text: str) -> str:
    return matching.normalise(text) or text


def _with_passages(
    store: Store, answers: Sequence[tuple[Question, str]]
) -> list[QuizQuestion]:
    ids = [question.passage_id for question, _ in answers]
    passages = store.library.passages_by_id(ids)
    return [
        QuizQuestion(
            question,
            gold,
            question.gold_value or "",
            passages[question.passage_id].text if question.passage_id else None,
        )
        for question, gold in answers
    ]


def freeze(store: Store) -> QuizVersion:
    """Return the version of quiz and control as they are now; a change makes a new one.

    A version fixes the questions, their gold answers, scorers and aliases.
    """
    now = every_question(store)
    frozen_rows = [
        FrozenQuestion(
            q.question.id,
            q.gold_answer,
            q.gold_value,
            q.question.scorer,
            q.question.aliases,
        )
        for q in now
    ]
    content = [(q.question.split, q.prompt_text) for q in now]
    text = json.dumps([content, [asdict(row) for row in frozen_rows]])
    return store.quizzes.freeze(hashlib.sha256(text.encode()).hexdigest(), frozen_rows)


def frozen_questions(
    store: Store, version: QuizVersion, split: Split
) -> list[QuizQuestion]:
    """Return the questions of quiz or control as a version has them."""
    frozen_by_id = {question.id: question for question in version.questions}
    records = store.library.questions(
        QuestionFilter(ids=list(frozen_by_id), split=split)
    )
    as_frozen = [
        (
            replace(
                question,
                gold_value=frozen_by_id[question.id].gold_value or None,
                scorer=frozen_by_id[question.id].scorer,
                aliases=frozen_by_id[question.id].aliases,
            ),
            frozen_by_id[question.id].gold_answer,
        )
        for question in records
    ]
    return _with_passages(store, as_frozen)


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


def taught_ids(
    store: Store, round_id: int, candidates: Sequence[QuizQuestion]
) -> set[int]:
    """Return the ids of questions whose answer this round or an earlier one learned."""
    items = [
        item
        for ancestor in store.rounds.lineage(round_id)
        for item in store.rounds.items(ancestor.id)
        if item.teaches
    ]
    samples = store.samples.find(
        SampleFilter(ids=[item.sample_id for item in items if item.sample_id])
    )
    about = {sample.id: sample.passage_id for sample in samples}
    texts = {(q.passage or "").strip(): q.question.passage_id for q in candidates}
    trained_items = [
        quiz.TrainedText(
            item.chosen,
            about.get(item.sample_id or 0) or texts.get(item.chosen.strip()),
            item.chat[-1].content if item.chat else "",
        )
        for item in items
    ]
    return quiz.taught_ids(candidates, trained_items)
