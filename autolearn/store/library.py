"""What is learned from: documents, their passages, and the questions about them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from autolearn.core.errors import InputError
from autolearn.core.records import (
    Answer,
    Document,
    Exclusion,
    Feedback,
    NewDocument,
    Origin,
    Passage,
    Question,
    Split,
)
from autolearn.store import search
from autolearn.store.database import BATCH, Database, batches, filtered, listed
from autolearn.store.encoding import as_json, to_row
from autolearn.store.revisions import COUNT_RENAME


@dataclass(frozen=True)
class QuestionFilter:
    """Which questions; None: any."""

    ids: Sequence[int] | None = None
    split: Split | None = None
    origin: Origin | None = None
    passage_ids: Sequence[int] | None = None
    parent_ids: Sequence[int] | None = None
    run_id: int | None = None
    after_id: int | None = None


@dataclass(frozen=True)
class DocumentSize:
    """A document, and what of it is studied."""

    id: int
    name: str
    n_characters: int
    n_passages: int
    """Those that are not left out; likewise their tokens."""
    n_tokens: int
    n_left_out: int
    """Parts of the file that do not belong to the text."""
    has_notes: bool

    @property
    def folder(self) -> str:
        """The folder that the name begins with; empty if there is none."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True)
class ExclusionKind:
    """Exclusions of one document that have the same reason and begin alike."""

    first_id: int
    reason: str
    excerpt: str
    n: int
    place: str
    """Where the first of them was in the file."""


_NOT_TAKEN = (
    "exclusions.id NOT IN (SELECT exclusion_id FROM passages"
    " INDEXED BY passages_by_exclusion"
    " WHERE exclusion_id IS NOT NULL AND position >= 0)"
)
EXCERPT = 200
"""Characters of the excerpt of an exclusion."""
_EXCLUSION_KINDS = f"""
SELECT min(id) AS first_id, reason, substr(text, 1, {EXCERPT}) AS excerpt,
    count(*) AS n, place
FROM exclusions WHERE document_id = ? AND {_NOT_TAKEN}
GROUP BY reason, substr(text, 1, {EXCERPT}) ORDER BY n DESC, first_id LIMIT ?
"""
_DOCUMENT_SIZES = """
SELECT d.id, d.name, d.n_characters, d.n_passages, d.n_tokens,
    d.n_exclusions - coalesce(taken.n, 0) AS n_left_out, d.note <> '' AS has_notes
FROM documents AS d LEFT JOIN (
    SELECT document_id, count(DISTINCT exclusion_id) AS n
    FROM passages INDEXED BY passages_by_exclusion
    WHERE exclusion_id IS NOT NULL AND position >= 0 GROUP BY document_id
) AS taken ON taken.document_id = d.id
WHERE NOT d.removed ORDER BY d.id
"""
_NEW_DOCUMENTS = """
SELECT id, name, note, source FROM documents
WHERE run_id = ? AND NOT removed ORDER BY id
"""

_CLAUSES = {
    "ids": "id IN (SELECT value FROM json_each(?))",
    "split": "split = ?",
    "origin": "origin = ?",
    "passage_ids": "passage_id IN (SELECT value FROM json_each(?))",
    "parent_ids": "parent_id IN (SELECT value FROM json_each(?))",
    "run_id": "run_id = ?",
    "after_id": "id > ?",
}


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
        """Store a document with all its parts, whose ``document_id`` is filled in.

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
                rows = (to_row(replace(p, document_id=number)) for p in parts)
                for batch in batches(rows):
                    ids = self._db.insert(table, batch)
                    if table == "passages":
                        search.index_passages(self._db, ids)
        return replace(document, id=number)

    def same_as(self, digest: str) -> Document | None:
        """Return the document with exactly this text, if there is one."""
        return self._db.first(Document, "WHERE digest = ?", digest)

    def documents(self) -> list[Document]:
        """Return all documents, oldest first."""
        return self._db.select(Document, "WHERE NOT removed ORDER BY id")

    def is_empty(self) -> bool:
        """Return whether there is no document yet; reads none."""
        return not self._db.rows("SELECT 1 FROM documents WHERE NOT removed LIMIT 1")

    def document_sizes(self) -> list[DocumentSize]:
        """Return the documents with their sizes, oldest first."""
        return [DocumentSize(**row) for row in self._db.rows(_DOCUMENT_SIZES)]

    def document(self, document_id: int) -> Document:
        """Return one document.

        Raises:
            InputError: There is none of this id.
        """
        tail = "WHERE id = ? AND NOT removed"
        for document in self._db.select(Document, tail, document_id):
            return document
        raise InputError(f"There is no document {document_id}.")

    def rename(self, document_id: int, name: str) -> None:
        """Give a document another name."""
        sql = "UPDATE documents SET name = ? WHERE id = ?"
        with self._db.atomic():
            self._db.write(sql, name, document_id)
            self._db.write(COUNT_RENAME)

    def find_passages(self, text: str, limit: int) -> list[Passage]:
        """Return the passages with all these words, the best match first.

        The last word may be the beginning of one.
        """
        ids = search.find_passages(self._db, text, limit)
        by_id = self.passages_by_id(ids)
        return [by_id[number] for number in ids]

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
        conditions, params = ["position >= 0"], []
        if document_ids is not None:
            conditions.append("document_id IN (SELECT value FROM json_each(?))")
            params.append(listed(document_ids))
        if not with_excluded:
            conditions.append("NOT excluded")
        tail = f"WHERE {' AND '.join(conditions)} ORDER BY document_id, position"
        return self._db.select(Passage, tail, *params)

    def has_passages(self, document_ids: Iterable[int] | None = None) -> bool:
        """Return whether these documents, or any, have a passage that is studied."""
        ids = None if document_ids is None else set(document_ids)
        sizes = (s for s in self.document_sizes() if ids is None or s.id in ids)
        return any(size.n_passages for size in sizes)

    def beginnings(self, document_ids: Iterable[int], n: int) -> dict[int, str]:
        """Return the text of the first ``n`` passages of each of these documents."""
        rows = self._db.rows(
            "SELECT document_id, text FROM passages WHERE position BETWEEN 0 AND ?"
            " AND document_id IN (SELECT value FROM json_each(?))"
            " ORDER BY document_id, position",
            n - 1,
            listed(document_ids),
        )
        texts: defaultdict[int, list[str]] = defaultdict(list)
        for row in rows:
            texts[row["document_id"]].append(row["text"])
        return {number: "\n".join(parts) for number, parts in texts.items()}

    def stretch(self, document_id: int, first: int, limit: int) -> list[Passage]:
        """Return passages of a document from a position on, those left out too."""
        tail = "WHERE document_id = ? AND position >= ? ORDER BY position LIMIT ?"
        return self._db.select(Passage, tail, document_id, first, limit)

    def coverage(self, document_id: int) -> tuple[int, int]:
        """Return how many passages a document has, and their characters."""
        row = self._db.rows(
            'SELECT count(*) AS n, coalesce(sum("end" - start), 0) AS covered'
            " FROM passages WHERE document_id = ? AND position >= 0",
            document_id,
        )[0]
        return row["n"], row["covered"]

    def passages_about(self, question: str, n_tokens: int = 512) -> list[Passage]:
        """Return the passages that fit a question best by BM25, the best first.

        The best one is always among them, others only up to ``n_tokens`` in all.
        """
        ids = search.nearest_passages(self._db, question)
        by_id = self.passages_by_id(ids)
        selection = [by_id[number] for number in ids[:1]]
        for passage in map(by_id.__getitem__, ids[1:]):
            if passage.n_tokens <= n_tokens - sum(p.n_tokens for p in selection):
                selection.append(passage)
        return selection

    def searched_ids(self) -> list[int]:
        """Return the ids of the passages that ``passages_about`` chooses from."""
        tail = "WHERE NOT excluded AND position >= 0 ORDER BY id"
        return [row["id"] for row in self._db.rows(f"SELECT id FROM passages {tail}")]

    def each_passage(self) -> Iterator[Passage]:
        """Yield all passages, however many there are, by their ids."""
        tail = "WHERE id > ? AND position >= 0 ORDER BY id LIMIT ?"
        last = 0
        while batch := self._db.select(Passage, tail, last, BATCH):
            yield from batch
            last = batch[-1].id

    def last_passage_id(self) -> int:
        """Return the highest id of a passage, 0 if there is none."""
        sql = "SELECT coalesce(max(id), 0) AS id FROM passages"
        return int(self._db.rows(sql)[0]["id"])

    def brought_by(self, run_id: int) -> list[NewDocument]:
        """Return the documents that an import has added."""
        rows = self._db.rows(_NEW_DOCUMENTS, run_id)
        return [NewDocument(**row) for row in rows]

    def exclusions(self, document_id: int) -> list[Exclusion]:
        """Return the exclusions of a document, in the order of its file."""
        tail = f"WHERE document_id = ? AND {_NOT_TAKEN} ORDER BY at, id"
        return self._db.select(Exclusion, tail, document_id)

    def exclusion_kinds(self, document_id: int, limit: int) -> list[ExclusionKind]:
        """Return how often each reason and text was left out, the most frequent first.

        At most ``limit`` kinds; texts are cut to their beginning.
        """
        rows = self._db.rows(_EXCLUSION_KINDS, document_id, limit)
        return [ExclusionKind(**row) for row in rows]

    def exclusion_counts(self, document_id: int) -> dict[str, tuple[int, int]]:
        """Return how many parts were left out for each reason, and their characters."""
        rows = self._db.rows(
            "SELECT reason, count(*) AS n, sum(length(text)) AS n_characters"
            f" FROM exclusions WHERE document_id = ? AND {_NOT_TAKEN}"
            " GROUP BY reason ORDER BY n DESC, reason",
            document_id,
        )
        return {row["reason"]: (row["n"], row["n_characters"]) for row in rows}

    def exclusions_between(
        self, document_id: int, start: int, end: int, limit: int
    ) -> list[Exclusion]:
        """Return what was left out between two characters of the text, in its order.

        Both ends are included; at most ``limit`` are returned.
        """
        tail = (
            f"WHERE document_id = ? AND at BETWEEN ? AND ? AND {_NOT_TAKEN}"
            " ORDER BY at, id LIMIT ?"
        )
        return self._db.select(Exclusion, tail, document_id, start, end, limit)

    def set_excluded(self, passage_ids: Iterable[int], *, excluded: bool) -> None:
        """Leave these passages out of what is studied from now on, or take them in."""
        self._db.write(
            "UPDATE passages SET excluded = ?"
            " WHERE id IN (SELECT value FROM json_each(?))",
            excluded,
            listed(passage_ids),
        )

    def set_repeats(self, repeats: Mapping[int, tuple[int, bool]]) -> None:
        """Note which passage each of these repeats; leave out those word for word."""
        with self._db.atomic():
            self._db.write_many(
                "UPDATE passages SET repeats_id = ?, excluded = max(excluded, ?)"
                " WHERE id = ?",
                ((same, exact, number) for number, (same, exact) in repeats.items()),
            )

    def add_questions(self, questions: Sequence[Question]) -> tuple[Question, ...]:
        """Store imported questions; one that was imported before is not stored again.

        The same question is one of the same text, options, split and passage; of those
        that a person has excluded, also of the same answer.
        """
        answers = {_identity(question): question.gold_answer for question in questions}
        with self._db.atomic():
            by_identity = {
                _identity(question): question
                for question in self._db.select(
                    Question,
                    "WHERE step_id IS NULL AND text IN"
                    " (SELECT value FROM json_each(?)) ORDER BY excluded DESC, id",
                    listed(question.text for question in questions),
                )
                if not question.excluded
                or question.gold_answer == answers.get(_identity(question))
            }
            new = {
                _identity(question): question
                for question in questions
                if _identity(question) not in by_identity
            }
            ids = self._db.insert("questions", [to_row(q) for q in new.values()])
        for number, (key, question) in zip(ids, new.items(), strict=True):
            by_identity[key] = replace(question, id=number)
        return tuple(by_identity[_identity(question)] for question in questions)

    def questions(self, criteria: QuestionFilter | None = None) -> list[Question]:
        """Return the questions that are wanted, without their generations."""
        where, params = filtered(criteria or QuestionFilter(), _CLAUSES)
        return self._db.select(Question, f"WHERE {where} ORDER BY id", *params)

    def update_question(self, question: Question) -> None:
        """Store how a quiz or control question is scored, and whether it is asked."""
        self._db.write(
            "UPDATE questions SET scorer = ?, aliases = ?, excluded = ? WHERE id = ?",
            question.scorer,
            as_json(question.aliases),
            question.excluded,
            question.id,
        )

    def instructions(self, *, with_generated: bool = False) -> list[Question]:
        """Return the questions that a person gave without any text.

        ``with_generated``: with those that models wrote for their own evolution.
        """
        tail = (
            "WHERE split = 'study' AND passage_id IS NULL"
            " AND (origin = 'person' OR (origin = 'model' AND ?)) ORDER BY id"
        )
        return self._db.select(Question, tail, with_generated)

    def answers(self, question_ids: Iterable[int]) -> list[Answer]:
        """Return all answers to these questions, without their generations."""
        tail = "WHERE question_id IN (SELECT value FROM json_each(?)) ORDER BY id"
        return self._db.select(Answer, tail, listed(question_ids))

    def feedback(self, answer_ids: Iterable[int]) -> list[Feedback]:
        """Return all feedback on these answers, without its generations."""
        tail = "WHERE answer_id IN (SELECT value FROM json_each(?)) ORDER BY id"
        return self._db.select(Feedback, tail, listed(answer_ids))


def _identity(
    question: Question,
) -> tuple[str, str, int | None, tuple[str, ...]]:
    return question.text, question.split, question.passage_id, question.choices
