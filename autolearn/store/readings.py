"""Documents that are read again, deleted, or brought back.

A passage keeps its row, and so its samples, as long as its text is the same. One that
is no longer in the text gets a negative position if something refers to it, and is
deleted otherwise; a later reading that has its text again takes the row back.
"""

from collections.abc import Iterable
from dataclasses import replace

from autolearn.core.errors import InputError
from autolearn.core.records import Document, Exclusion, Passage
from autolearn.store.database import Database, batches
from autolearn.store.encoding import as_json, to_row
from autolearn.store.exclusions import Exclusions
from autolearn.store.passage_rows import PassageRows


class Readings:
    """How the documents of a workspace are read."""

    def __init__(self, db: Database, exclusions: Exclusions) -> None:
        self._db = db
        self._exclusions = exclusions
        self._rows = PassageRows(db)

    def replace(
        self,
        document: Document,
        passages: Iterable[Passage],
        exclusions: Iterable[Exclusion],
    ) -> list[str]:
        """Replace what was read of a document; decisions on equal texts stay.

        Returns:
            The stretches and exclusions of a person that are not in the new reading.

        Raises:
            InputError: Another document has the same text.
        """
        with self._db.atomic():
            self._check_digest(document)
            changes = self._exclusions.changes_in(document.id)
            self._rows.set_aside(document.id)
            self._db.write(
                "UPDATE documents SET digest = ?, n_characters = ?, note = ?,"
                " media_type = ?, original = ?, reading = ? WHERE id = ?",
                document.digest,
                document.n_characters,
                document.note,
                document.media_type,
                document.original,
                as_json(document.reading),
                document.id,
            )
            self._rows.put_all(document.id, passages)
            rows = (to_row(replace(e, document_id=document.id)) for e in exclusions)
            for batch in batches(rows):
                self._db.insert("exclusions", batch)
            lost_texts = self._exclusions.change_again(document.id, changes)
            self._rows.drop_leftovers(document.id)
        return lost_texts

    def remove(self, document_id: int) -> bool:
        """Take a document out of the library; return whether all of it is deleted.

        Passages that questions, samples or skips refer to are kept for these, without a
        place in the library. A file with the same text brings it back.
        """
        with self._db.atomic():
            self._rows.set_aside(document_id)
            self._rows.drop_leftovers(document_id)
            sql = "SELECT 1 FROM passages WHERE document_id = ? LIMIT 1"
            if not self._db.rows(sql, document_id):
                self._db.write("DELETE FROM documents WHERE id = ?", document_id)
                return True
            self._db.write(
                "UPDATE documents SET removed = 1, original = '',"
                " digest = 'removed ' || id || ' ' || digest WHERE id = ?",
                document_id,
            )
        return False

    def bring_back(
        self,
        document: Document,
        passages: Iterable[Passage],
        exclusions: Iterable[Exclusion],
    ) -> bool:
        """Put a deleted document of the same text in its place; return whether one was.

        Its samples and quiz questions are about passages of the library again.
        """
        with self._db.atomic():
            # The bounds make use of the index on digests.
            deleted = self._db.first(
                Document,
                "WHERE digest BETWEEN 'removed ' AND 'removed!'"
                " AND digest = 'removed ' || id || ' ' || ?1"
                " AND NOT EXISTS (SELECT 1 FROM documents WHERE digest = ?1)"
                " ORDER BY id DESC LIMIT 1",
                document.digest,
            )
            if deleted is None:
                return False
            origin = document.name, document.run_id, document.source
            self._db.write(
                "UPDATE documents SET removed = 0, name = ?, run_id = ?, source = ?"
                " WHERE id = ?",
                *origin,
                deleted.id,
            )
            self.replace(replace(document, id=deleted.id), passages, exclusions)
        return True

    def _check_digest(self, document: Document) -> None:
        tail = "WHERE digest = ? AND id <> ?"
        for same in self._db.select(Document, tail, document.digest, document.id):
            raise InputError(
                f"{document.name} would have the same text as {same.name}, which is "
                "in the library already."
            )
