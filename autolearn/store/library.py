"""What is learned from: documents, their passages, and the questions about them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from autolearn.core.errors import InputError
from autolearn.core.records import (
    Answer,
    Document,
    Exclusion,
    Feedback,
    Origin,
    Passage,
    Question,
    Split,
)
from autolearn.store import search
from autolearn.store.database import Database, filtered, listed
from autolearn.store.encoding import to_row


@dataclass(frozen=True)
class QuestionFilter:
    """Which questions; what is None does not matter."""

    ids: Sequence[int] | None = None
    split: Split | None = None
    origin: Origin | None = None
    passage_ids: Sequence[int] | None = None
    parent_ids: Sequence[int] | None = None
    run_id: int | None = None


BATCH = 1000
"""Rows that are written at once."""


@dataclass(frozen=True)
class Shelved:
    """A document, and what of it is studied."""

    id: int
    name: str
    n_characters: int
    n_passages: int
    """Those that are not left out; likewise their tokens."""
    n_tokens: int


_SHELF = """
SELECT d.id, d.name, d.n_characters,
    count(p.id) AS n_passages, coalesce(sum(p.n_tokens), 0) AS n_tokens
FROM documents AS d LEFT JOIN passages AS p ON p.document_id = d.id AND NOT p.excluded
GROUP BY d.id ORDER BY d.id
"""

_CLAUSES = {
    "ids": "id IN (SELECT value FROM json_each(?))",
    "split": "split = ?",
    "origin": "origin = ?",
    "passage_ids": "passage_id IN (SELECT value FROM json_each(?))",
    "parent_ids": "parent_id IN (SELECT value FROM json_each(?))",
    "run_id": "run_id = ?",
}


NEAR = 0.5
"""Share of the best score below which a passage would only distract."""
_NEAREST = """
SELECT passages.id, -bm25(passages_search) AS score
FROM passages_search JOIN passages ON passages.id = passages_search.rowid
WHERE passages_search MATCH ? AND NOT excluded
ORDER BY score DESC, passages.id LIMIT ?
"""


class Library:
    """The texts and questions of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add_document(
        self,
        document: Document,
        passages: Iterable[Passage],
        exclusions: Iterable[Exclusion] = (),
    ) -> Document:
        """Keep a document with all its parts, whose ``document_id`` is filled in.

        Raises:
            InputError: The same text is there already.
        """
        with self._db.atomic():
            if same := self.same_as(document.digest):
                raise InputError(
                    f"{document.name} is already in the library, as {same.name}."
                )
            (number,) = self._db.insert("documents", [to_row(document)])
            for table, parts in (("passages", passages), ("exclusions", exclusions)):
                placed = (to_row(replace(one, document_id=number)) for one in parts)
                while batch := list(islice(placed, BATCH)):
                    self._db.insert(table, batch)
            search.index_passages(self._db, number)
        return replace(document, id=number)

    def same_as(self, digest: str) -> Document | None:
        """Return the document of this very text, if it is there."""
        found = self._db.select(Document, "WHERE digest = ?", digest)
        return found[0] if found else None

    def documents(self) -> list[Document]:
        """Return all documents, the first first."""
        return self._db.select(Document, "ORDER BY id")

    def is_empty(self) -> bool:
        """Return whether there is no document yet; reads none."""
        return not self._db.rows("SELECT 1 FROM documents LIMIT 1")

    def shelf(self) -> list[Shelved]:
        """Return what documents there are, the first first."""
        return [Shelved(**row) for row in self._db.rows(_SHELF)]

    def document(self, document_id: int) -> Document:
        """Return one document.

        Raises:
            InputError: There is none of this id.
        """
        for document in self._db.select(Document, "WHERE id = ?", document_id):
            return document
        raise InputError(f"There is no document {document_id}.")

    def passages_by_id(self, ids: Iterable[int | None]) -> dict[int, Passage]:
        """Return the passages with these ids, each under its own."""
        return self._db.by_id(Passage, ids)

    def documents_by_id(self, ids: Iterable[int]) -> dict[int, Document]:
        """Return the documents with these ids, each under its own."""
        return self._db.by_id(Document, ids)

    def passages(
        self,
        document_ids: Iterable[int] | None = None,
        *,
        with_excluded: bool = False,
    ) -> list[Passage]:
        """Return the passages of these documents, or of all, in reading order."""
        conditions, params = ["1"], []
        if document_ids is not None:
            conditions.append("document_id IN (SELECT value FROM json_each(?))")
            params.append(listed(document_ids))
        if not with_excluded:
            conditions.append("NOT excluded")
        tail = f"WHERE {' AND '.join(conditions)} ORDER BY document_id, position"
        return self._db.select(Passage, tail, *params)

    def stretch(self, document_id: int, first: int, limit: int) -> list[Passage]:
        """Return passages of a document from a position on, those left out too."""
        tail = "WHERE document_id = ? AND position >= ? ORDER BY position LIMIT ?"
        return self._db.select(Passage, tail, document_id, first, limit)

    def coverage(self, document_id: int) -> tuple[int, int]:
        """Return how many passages a document has, and their characters."""
        row = self._db.rows(
            'SELECT count(*) AS n, coalesce(sum("end" - start), 0) AS covered'
            " FROM passages WHERE document_id = ?",
            document_id,
        )[0]
        return row["n"], row["covered"]

    def passages_about(
        self, question: str, most: int = 3, n_tokens: int = 512
    ) -> list[Passage]:
        """Return the passages that fit a question best by BM25, the best first.

        At most so many, and together no longer than ``n_tokens``. Passages that score
        less than ``NEAR`` of the best one are left out, since they would distract.
        """
        rows = self._db.rows(_NEAREST, search.any_word_of(question), most)
        ids = [row["id"] for row in rows if row["score"] >= NEAR * rows[0]["score"]]
        by_id = self.passages_by_id(ids)
        chosen: list[Passage] = []
        for passage in map(by_id.__getitem__, ids):
            if passage.n_tokens <= n_tokens - sum(p.n_tokens for p in chosen):
                chosen.append(passage)
        return chosen

    def each_passage(self) -> Iterator[Passage]:
        """Yield all passages, however many there are, by their ids."""
        last = 0
        while batch := self._db.select(
            Passage, "WHERE id > ? ORDER BY id LIMIT ?", last, BATCH
        ):
            yield from batch
            last = batch[-1].id

    def brought_by(self, run_id: int) -> list[Document]:
        """Return the documents that an import has brought."""
        return self._db.select(Document, "WHERE run_id = ? ORDER BY id", run_id)

    def exclusions(self, document_id: int) -> list[Exclusion]:
        """Return what stands in a document but is no part of its text."""
        tail = "WHERE document_id = ? ORDER BY id"
        return self._db.select(Exclusion, tail, document_id)

    def set_excluded(self, passage_ids: Iterable[int], *, excluded: bool) -> None:
        """Leave these passages out of what is studied from now on, or take them in."""
        self._db.write(
            "UPDATE passages SET excluded = ?"
            " WHERE id IN (SELECT value FROM json_each(?))",
            excluded,
            listed(passage_ids),
        )

    def set_repeats(self, found: Mapping[int, tuple[int, bool]]) -> None:
        """Note which passage each of these repeats; leave out those word for word."""
        with self._db.atomic():
            self._db.write_many(
                "UPDATE passages SET repeats_id = ?, excluded = max(excluded, ?)"
                " WHERE id = ?",
                ((same, exact, number) for number, (same, exact) in found.items()),
            )

    def add_questions(self, questions: Sequence[Question]) -> tuple[Question, ...]:
        """Keep imported questions; one that was imported before is not doubled.

        The same question is one of the same text, split and passage.
        """
        with self._db.atomic():
            known = {
                _identity(question): question
                for question in self._db.select(
                    Question,
                    "WHERE step_id IS NULL"
                    " AND text IN (SELECT value FROM json_each(?))",
                    listed(question.text for question in questions),
                )
            }
            new = {
                _identity(question): question
                for question in questions
                if _identity(question) not in known
            }
            ids = self._db.insert("questions", [to_row(q) for q in new.values()])
        for number, (key, question) in zip(ids, new.items(), strict=True):
            known[key] = replace(question, id=number)
        return tuple(known[_identity(question)] for question in questions)

    def questions(self, wanted: QuestionFilter | None = None) -> list[Question]:
        """Return the questions that are wanted, without their generations."""
        where, params = filtered(wanted or QuestionFilter(), _CLAUSES)
        return self._db.select(Question, f"WHERE {where} ORDER BY id", *params)

    def instructions(self, *, with_own: bool = False) -> list[Question]:
        """Return the questions that a person gave without any text.

        ``with_own``: with those that models wrote for their own evolution.
        """
        tail = (
            "WHERE split = 'study' AND passage_id IS NULL"
            " AND (origin = 'person' OR (origin = 'model' AND ?)) ORDER BY id"
        )
        return self._db.select(Question, tail, with_own)

    def answers(self, question_ids: Iterable[int]) -> list[Answer]:
        """Return all answers to these questions, without their generations."""
        tail = "WHERE question_id IN (SELECT value FROM json_each(?)) ORDER BY id"
        return self._db.select(Answer, tail, listed(question_ids))

    def feedback(self, answer_ids: Iterable[int]) -> list[Feedback]:
        """Return all feedback on these answers, without its generations."""
        tail = "WHERE answer_id IN (SELECT value FROM json_each(?)) ORDER BY id"
        return self._db.select(Feedback, tail, listed(answer_ids))


def _identity(question: Question) -> tuple[str, str, int | None]:
    return question.text, question.split, question.passage_id
