"""The retention matrix: how each round answers the quiz on each document.

Learning document after document forgets the first ones (SEAL, arXiv 2506.10943). The
quizzes that were asked of each round show it, without any further run. The shares of a
document are over the same questions in all rows, scored in the same way.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from autolearn.core.quiz_records import QuizResult
from autolearn.evaluation import quiz_sets
from autolearn.evaluation.quiz import right_answers
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.store import Store
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
    by_document: dict[int | None, DocumentScore]
    """By the ids of the documents; None: questions about no document."""


@dataclass(frozen=True)
class Retention:
    """The documents that the quiz asks about, and a row for each model."""

    documents: tuple[DocumentSize, ...]
    rows: tuple[RetentionRow, ...]


def matrix(store: Store, model_digest: str) -> Retention:
    """Return how the base model and each of its rounds answered, by document."""
    rounds = [r for r in store.rounds.all() if r.model.digest == model_digest]
    quizzes: dict[int | None, list[QuizResult]] = {}
    for number in (None, *(r.id for r in rounds)):
        if runs := store.runs.quizzes(model_digest, number):
            quizzes[number] = store.runs.quiz_results(runs[0].id)
    questions = _measured(store, quizzes.values())
    rows = [
        _row(store, number, results, questions) for number, results in quizzes.items()
    ]
    ids = {document_id for row in rows for document_id in row.by_document}
    documents = tuple(d for d in store.library.document_sizes() if d.id in ids)
    return Retention(documents, tuple(rows))


def _measured(
    store: Store, quizzes: Iterable[Iterable[QuizResult]]
) -> dict[int, tuple[int | None, QuizQuestion]]:
    """Return the questions by their ids, each with the id of its document, if any.

    Of each document, those that all quizzes have asked that ask about it at all; gold
    questions, if there are any.
    """
    asked_ids = [
        {result.question_id for result in results if result.mode == "closed_book"}
        for results in quizzes
    ]
    by_document: defaultdict[int | None, list[QuizQuestion]] = defaultdict(list)
    for question in quiz_sets.asked(store, "quiz", set(chain.from_iterable(asked_ids))):
        passage = question.passage
        by_document[passage.document_id if passage else None].append(question)
    measured = {}
    for document_id, questions in by_document.items():
        ids = {question.question.id for question in questions}
        common_ids = ids.intersection(*(asked for asked in asked_ids if asked & ids))
        in_common = [q for q in questions if q.question.id in common_ids]
        for question in quiz_sets.of_one_origin(in_common):
            measured[question.question.id] = document_id, question
    return measured


def _row(
    store: Store,
    round_id: int | None,
    results: Iterable[QuizResult],
    measured: Mapping[int, tuple[int | None, QuizQuestion]],
) -> RetentionRow:
    questions = {number: question for number, (_, question) in measured.items()}
    n_asked: Counter[int | None] = Counter()
    right: Counter[int | None] = Counter()
    for number, is_right in right_answers(results, "closed_book", questions).items():
        document_id, _ = measured[number]
        n_asked[document_id] += 1
        right[document_id] += is_right
    learned_ids = _learned_documents(store, round_id, questions.values())
    return RetentionRow(
        round_id,
        {
            document_id: DocumentScore(
                right[document_id], n, document_id in learned_ids
            )
            for document_id, n in n_asked.items()
        },
    )


def _learned_documents(
    store: Store, round_id: int | None, questions: Iterable[QuizQuestion]
) -> frozenset[int]:
    """Return the documents that a round and those before it have learned from.

    Of those whose passages were read as raw text, only the documents of questions.
    """
    lineage = store.rounds.lineage(round_id)
    samples = store.rounds.trained_samples(round_.id for round_ in lineage)
    readers = [round_.id for round_ in lineage if round_.traits.reads_passages]
    texts = store.rounds.raw_texts(readers) if readers else frozenset()
    return frozenset(store.samples.documents(samples)) | {
        question.passage.document_id
        for question in questions
        if question.passage and question.passage.text.strip() in texts
    }
