"""The retention matrix: how each round answers the quiz on each document.

Learning document after document forgets the first ones (SEAL, arXiv 2506.10943). The
quizzes that were asked of each round show it, without any further run.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from autolearn.core.quiz_records import QuizResult
from autolearn.store import QuestionFilter, Store
from autolearn.store.library import DocumentSize


@dataclass(frozen=True)
class DocumentScore:
    """How the questions about one document were answered, closed-book."""

    right: int
    n: int
    learned: bool
    """Whether the round, or one that it continues, has learned from the document."""


@dataclass(frozen=True)
class RetentionRow:
    """The newest quiz of one model."""

    round_id: int | None
    """None: the base model."""
    by_document: dict[int, DocumentScore]
    """By the ids of the documents."""


@dataclass(frozen=True)
class Retention:
    """The documents that the quiz asks about, and a row for each model."""

    documents: tuple[DocumentSize, ...]
    rows: tuple[RetentionRow, ...]


def matrix(store: Store, model_digest: str) -> Retention:
    """Return how the base model and each of its rounds answered, by document."""
    places = _places(store)
    rounds = [r for r in store.rounds.all() if r.model.digest == model_digest]
    rows = []
    for number in (None, *(r.id for r in rounds)):
        quizzes = store.runs.quizzes(model_digest, number)
        if quizzes:
            results = store.runs.quiz_results(quizzes[0].id)
            rows.append(_row(store, number, results, places))
    ids = {document_id for row in rows for document_id in row.by_document}
    documents = tuple(d for d in store.library.document_sizes() if d.id in ids)
    return Retention(documents, tuple(rows))


def _places(store: Store) -> dict[int, int]:
    """Return the document of each quiz question that is about one."""
    questions = store.library.questions(QuestionFilter(split="quiz"))
    passages = store.library.passages_by_id(q.passage_id for q in questions)
    return {
        question.id: passages[question.passage_id].document_id
        for question in questions
        if question.passage_id in passages
    }


def _row(
    store: Store,
    round_id: int | None,
    results: Iterable[QuizResult],
    places: dict[int, int],
) -> RetentionRow:
    learned_ids = _learned_documents(store, round_id) if round_id else frozenset()
    n_asked: Counter[int] = Counter()
    right: Counter[int] = Counter()
    for result in results:
        place = places.get(result.question_id)
        if place is not None and result.mode == "closed_book":
            n_asked[place] += 1
            right[place] += result.right
    return RetentionRow(
        round_id,
        {
            document_id: DocumentScore(
                right[document_id], n, document_id in learned_ids
            )
            for document_id, n in n_asked.items()
        },
    )


def _learned_documents(store: Store, round_id: int) -> frozenset[int]:
    """Return the documents that a round and those before it have learned from."""
    lineage = [round_.id for round_ in store.rounds.lineage(round_id)]
    samples = store.rounds.trained_samples(lineage)
    return frozenset(store.samples.documents(samples))
