"""The rows of passages: place, move and delete them."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from autolearn.core.records import Passage
from autolearn.store import search
from autolearn.store.database import BATCH, Database, batches
from autolearn.store.encoding import to_row

_ASIDE = 1_000_000_000
"""Far beyond all positions, where rows wait while the others move."""
_REFERENCES = (
    ("questions", "passage_id"),
    ("samples", "passage_id"),
    ("skips", "passage_id"),
)


class PassageRows:
    """Passages of documents, within a transaction.

    A row without a place in its document has a negative position.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def set_aside(self, document_id: int) -> None:
        """Give up the places of all passages, and the exclusions."""
        self._db.write(
            "UPDATE passages SET position = -id, exclusion_id = NULL"
            " WHERE document_id = ?",
            document_id,
        )
        self._db.write("DELETE FROM exclusions WHERE document_id = ?", document_id)

    def put_all(self, document_id: int, passages: Iterable[Passage]) -> None:
        """Give the passages of a reading their rows."""
        self._db.write("DROP TABLE IF EXISTS temp.earlier")
        self._db.write(
            "CREATE TEMP TABLE earlier (digest BLOB, id INTEGER PRIMARY KEY)"
        )
        last = 0
        while batch := self._db.rows(
            "SELECT id, text FROM passages WHERE document_id = ? AND id > ?"
            " ORDER BY id LIMIT ?",
            document_id,
            last,
            BATCH,
        ):
            last = batch[-1]["id"]
            rows = ((_digest(row["text"]), row["id"]) for row in batch)
            self._db.write_many("INSERT INTO earlier VALUES (?, ?)", rows)
        self._db.write("CREATE INDEX temp.earlier_by_digest ON earlier(digest, id)")
        for new in batches(passages):
            self._put_batch(document_id, new)
        self._db.write("DROP TABLE temp.earlier")

    def _put_batch(self, document_id: int, passages: list[Passage]) -> None:
        fresh = []
        for passage in passages:
            rows = self._db.rows(
                "SELECT id FROM earlier WHERE digest = ? ORDER BY id LIMIT 1",
                _digest(passage.text),
            )
            if rows:
                self._db.write("DELETE FROM earlier WHERE id = ?", rows[0]["id"])
                self._revive(rows[0]["id"], passage)
            else:
                fresh.append(replace(passage, document_id=document_id))
        self._add(fresh)

    def _add(self, passages: list[Passage]) -> None:
        ids = self._db.insert("passages", [to_row(passage) for passage in passages])
        search.index_passages(self._db, ids)

    def _revive(self, passage_id: int, passage: Passage) -> None:
        """Give an earlier row the place of a passage of the same text."""
        (old,) = self._db.select(Passage, "WHERE id = ?", passage_id)
        if old.heading != passage.heading:
            search.unindex_passages(self._db, [old.id])
        self._db.write(
            'UPDATE passages SET position = ?, start = ?, "end" = ?, heading = ?,'
            " exclusion_id = ? WHERE id = ?",
            passage.position,
            passage.start,
            passage.end,
            passage.heading,
            passage.exclusion_id,
            old.id,
        )
        if old.heading != passage.heading:
            search.index_passages(self._db, [old.id])
        self._move_spans("= ?", old.id, passage.start - old.start)

    def _move_spans(self, condition: str, value: int, n_characters: int) -> None:
        """Move the places in the document that questions and answers name."""
        if not n_characters:
            return
        move = f'start = start + {n_characters}, "end" = "end" + {n_characters}'
        questions = f"passage_id {condition} AND start IS NOT NULL"
        self._db.write(f"UPDATE questions SET {move} WHERE {questions}", value)
        self._db.write(
            f"UPDATE answers SET {move} WHERE start IS NOT NULL AND question_id IN"
            f" (SELECT id FROM questions WHERE passage_id {condition})",
            value,
        )

    def put(self, passage: Passage) -> None:
        """Give a passage a row: one with the same text and no place, or a new one."""
        rows = self._db.rows(
            "SELECT id FROM passages WHERE document_id = ? AND position < 0"
            " AND text = ? ORDER BY id LIMIT 1",
            passage.document_id,
            passage.text,
        )
        if rows:
            self._revive(rows[0]["id"], passage)
        else:
            self._add([passage])

    def shift(self, after: Passage, n_positions: int, n_characters: int) -> None:
        """Move all passages after one, in position and place."""
        where = f"document_id = ? AND position > {after.position}"
        self._move_spans(
            f"IN (SELECT id FROM passages WHERE {where})",
            after.document_id,
            n_characters,
        )
        self._db.write(
            f"UPDATE passages SET position = position + {_ASIDE}, start = start + ?,"
            f' "end" = "end" + ? WHERE {where}',
            n_characters,
            n_characters,
            after.document_id,
        )
        self._db.write(
            "UPDATE passages SET position = position + ?"
            f" WHERE document_id = ? AND position >= {_ASIDE}",
            n_positions - _ASIDE,
            after.document_id,
        )

    def drop_leftovers(self, document_id: int) -> None:
        """Delete the passages without a place that nothing refers to."""
        condition = " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} WHERE {column} = passages.id)"
            for table, column in _REFERENCES
        )
        leftover = f"document_id = ? AND position < 0 AND NOT ({condition})"
        self._free_repeats(document_id)
        while ids := [
            row["id"]
            for row in self._db.rows(
                f"SELECT id FROM passages WHERE {leftover} LIMIT ?", document_id, BATCH
            )
        ]:
            search.unindex_passages(self._db, ids)
            self._db.write_many(
                "DELETE FROM passages WHERE id = ?", ((number,) for number in ids)
            )

    def _free_repeats(self, document_id: int) -> None:
        """Include passages that were left out as repeats of one without a place."""
        rows = self._db.rows(
            "SELECT p.id, p.heading || char(10) || p.text AS text,"
            " earlier.heading || char(10) || earlier.text AS earlier"
            " FROM passages AS p JOIN passages AS earlier ON earlier.id = p.repeats_id"
            " WHERE earlier.document_id = ? AND earlier.position < 0",
            document_id,
        )
        self._db.write_many(
            "UPDATE passages SET repeats_id = NULL, excluded = min(excluded, ?)"
            " WHERE id = ?",
            ((_words(r["text"]) != _words(r["earlier"]), r["id"]) for r in rows),
        )


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _words(text: str) -> list[str]:
    return text.lower().split()
