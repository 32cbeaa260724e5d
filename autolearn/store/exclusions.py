"""What a person includes in the text of a document, or excludes from it."""

from dataclasses import dataclass, replace

from autolearn.core.errors import InputError
from autolearn.core.records import Exclusion, Passage
from autolearn.store.database import Database
from autolearn.store.encoding import to_row
from autolearn.store.passage_rows import PassageRows
from autolearn.text import chunking

BY_PERSON = "left out by you"
"""The reason of a stretch that a person has left out."""
CONTEXT = 40
"""Characters on each side by which such a stretch is found in another reading."""
LEAST_LIMIT = 64
"""Fewest tokens that a passage may have which is made of an exclusion."""


@dataclass(frozen=True)
class _Stretch:
    """A stretch that a person has left out, and the text around it."""

    text: str
    before: str
    after: str

    def place_in(self, text: str) -> int:
        """Return where it begins in a text, -1 if it is not there."""
        at = text.find(self.text)
        while at >= 0:
            before, after = text[:at], text[at + len(self.text) :]
            if _meet(before[::-1], self.before[::-1]) and _meet(after, self.after):
                return at
            at = text.find(self.text, at + 1)
        return -1


@dataclass(frozen=True)
class ReadingChanges:
    """What a person has changed in a reading of a document."""

    stretches: list[_Stretch]
    """What was left out."""
    inclusions: list[tuple[Exclusion, list[str]]]
    """The exclusions that were taken in, and the texts of their passages."""


class Exclusions:
    """What is not in the text of the documents of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rows = PassageRows(db)

    def take_in(self, exclusion_id: int) -> None:
        """Make an exclusion a passage, or several if it is long.

        Raises:
            InputError: There is none of this id, or it is a passage already.
        """
        with self._db.atomic():
            exclusion = self._db.first(Exclusion, "WHERE id = ?", exclusion_id)
            if exclusion is None or self._is_taken(exclusion_id):
                raise InputError(
                    "This part has changed since the page was drawn; open it again."
                )
            self._insert(exclusion, self._passages_of(exclusion))

    def leave_out(self, passage_id: int, start: int, end: int) -> None:
        """Leave a stretch of a passage out of the text; the rest stays in.

        If there is no rest, the passage as a whole is excluded.

        Args:
            passage_id: The passage.
            start: The first character of the stretch in the passage, from 0.
            end: The character after its last one.

        Raises:
            InputError: There is no such passage or stretch.
        """
        with self._db.atomic():
            tail = "WHERE id = ? AND position >= 0"
            passage = self._db.first(Passage, tail, passage_id)
            if passage is None or not 0 <= start < end <= len(passage.text):
                raise InputError(
                    "This passage has changed since the page was drawn; select again."
                )
            if (passage.text[:start] + passage.text[end:]).strip():
                self._cut(passage, start, end)
                self._rows.drop_leftovers(passage.document_id)
            else:
                exclude = "UPDATE passages SET excluded = 1 WHERE id = ?"
                self._db.write(exclude, passage.id)

    def changes_in(self, document_id: int) -> ReadingChanges:
        """Return what a person has changed in the reading of a document."""
        return ReadingChanges(
            self._stretches(document_id), self._included_exclusions(document_id)
        )

    def change_again(self, document_id: int, changes: ReadingChanges) -> list[str]:
        """Make the changes in another reading; return the texts that are not in it."""
        # A stretch may be of an exclusion that was taken in.
        lost_texts = [
            e.text for e, texts in changes.inclusions if not self._take_again(e, texts)
        ]
        lost_texts += [
            s.text for s in changes.stretches if not self._cut_again(document_id, s)
        ]
        return lost_texts

    def _stretches(self, document_id: int) -> list[_Stretch]:
        """Return what a person has left out and not taken in again."""
        tail = (
            "WHERE document_id = ? AND reason = ? AND id NOT IN (SELECT exclusion_id"
            " FROM passages WHERE exclusion_id IS NOT NULL) ORDER BY at, id"
        )
        exclusions = self._db.select(Exclusion, tail, document_id, BY_PERSON)
        return [
            _Stretch(
                exclusion.text,
                self._text(document_id, '"end"', exclusion.at)[-CONTEXT:],
                self._text(document_id, "start", exclusion.at)[:CONTEXT],
            )
            for exclusion in exclusions
        ]

    def _text(self, document_id: int, column: str, at: int) -> str:
        """Return the text of the passage that begins or ends at a character."""
        rows = self._db.rows(
            f"SELECT text FROM passages WHERE document_id = ? AND {column} = ?"
            ' AND position >= 0 AND start < "end"',
            document_id,
            at,
        )
        return str(rows[0]["text"]) if rows else ""

    def _included_exclusions(
        self, document_id: int
    ) -> list[tuple[Exclusion, list[str]]]:
        """Return the exclusions that were taken in, and the texts of their passages.

        A stretch that was left out before is not among them: in another reading it
        is where it was.
        """
        tail = (
            "WHERE document_id = ? AND reason <> ? AND id IN (SELECT exclusion_id"
            " FROM passages WHERE position >= 0) ORDER BY at, id"
        )
        sql = "SELECT text FROM passages WHERE exclusion_id = ? ORDER BY position"
        return [
            (e, [row["text"] for row in self._db.rows(sql, e.id)])
            for e in self._db.select(Exclusion, tail, document_id, BY_PERSON)
        ]

    def _cut_again(self, document_id: int, stretch: _Stretch) -> bool:
        tail = (
            "WHERE document_id = ? AND position >= 0 AND instr(text, ?) > 0"
            " ORDER BY position"
        )
        for passage in self._db.select(Passage, tail, document_id, stretch.text):
            start = stretch.place_in(passage.text)
            if start >= 0:
                self._cut(passage, start, start + len(stretch.text))
                return True
        return False

    def _cut(self, passage: Passage, start: int, end: int) -> None:
        """Take a stretch out of a passage, with the blanks around it."""
        text = passage.text
        start = start if text[:start].strip() else 0
        end = end if text[end:].strip() else len(text)
        parts = [part for part in (text[:start], text[end:]) if part]
        self._db.write("UPDATE passages SET position = -id WHERE id = ?", passage.id)
        self._rows.shift(passage, len(parts) - 1, start - end)
        cut_from, cut_to = passage.start + start, passage.start + end
        self._db.write(
            "UPDATE exclusions SET at = max(?, at - ?)"
            " WHERE document_id = ? AND at > ?",
            cut_from,
            end - start,
            passage.document_id,
            cut_from,
        )
        exclusion = Exclusion(passage.document_id, cut_from, text[start:end], BY_PERSON)
        self._db.insert("exclusions", [to_row(exclusion)])
        place = passage.start
        for i, part in enumerate(parts):
            self._put_part(passage, part, passage.position + i, place)
            place += len(part)
        self._add_characters(passage.document_id, cut_from - cut_to)

    def _put_part(self, whole: Passage, text: str, position: int, start: int) -> None:
        share = len(text) / max(1, len(whole.text))
        part = replace(
            whole,
            position=position,
            start=start,
            end=start + len(text),
            text=text,
            n_tokens=max(1, round(share * whole.n_tokens)),
            repeats_id=None,
        )
        self._rows.put(part)

    def _take_again(self, earlier: Exclusion, texts: list[str]) -> bool:
        tail = (
            "WHERE document_id = ? AND reason = ? AND text = ? AND id NOT IN (SELECT"
            " exclusion_id FROM passages INDEXED BY passages_by_exclusion"
            " WHERE exclusion_id IS NOT NULL)"
            " ORDER BY abs(at - ?), id LIMIT 1"
        )
        exclusion = self._db.first(
            Exclusion,
            tail,
            earlier.document_id,
            earlier.reason,
            earlier.text,
            earlier.at,
        )
        if exclusion:
            self._insert(exclusion, self._passages_of(exclusion, texts))
        return exclusion is not None

    def _is_taken(self, exclusion_id: int) -> bool:
        sql = "SELECT 1 FROM passages WHERE exclusion_id = ? AND position >= 0 LIMIT 1"
        return bool(self._db.rows(sql, exclusion_id))

    def _passages_of(
        self, exclusion: Exclusion, texts: list[str] | None = None
    ) -> list[Passage]:
        """Return the passages that an exclusion becomes, as if it began the document.

        Their tokens are estimated by those of the other passages.
        """
        row = self._db.rows(
            "SELECT coalesce(max(n_tokens), 0) AS most,"
            " total(n_tokens) / max(1, sum(length(text))) AS density"
            " FROM passages WHERE document_id = ?",
            exclusion.document_id,
        )[0]
        density = row["density"] or 0.25
        text = exclusion.text.rstrip("\n") + "\n\n"

        def count(part: str) -> int:
            return max(1, round(density * len(part)))

        limit = max(LEAST_LIMIT, row["most"])
        if texts is None or "".join(texts) != text:
            texts = [p.text for p in chunking.split(text, count, limit)]
        passages, start = [], 0
        for position, part in enumerate(texts):
            passages.append(
                Passage(
                    exclusion.document_id,
                    position,
                    start,
                    start + len(part),
                    part,
                    count(part),
                    exclusion_id=exclusion.id,
                )
            )
            start += len(part)
        return passages

    def _insert(self, exclusion: Exclusion, passages: list[Passage]) -> None:
        """Put the passages of an exclusion after the passage that it was in."""
        before = self._db.first(
            Passage,
            "WHERE document_id = ?1 AND position = (SELECT max(position) FROM passages"
            " AS p LEFT JOIN exclusions AS e ON e.id = p.exclusion_id"
            " WHERE p.document_id = ?1 AND position >= 0 AND CASE WHEN e.id IS NULL"
            " THEN start < ?2 ELSE e.at < ?2 OR (e.at = ?2 AND e.id < ?3) END)",
            exclusion.document_id,
            exclusion.at,
            exclusion.id,
        )
        position = before.position + 1 if before else 0
        start = before.end if before else 0
        n_characters = sum(len(passage.text) for passage in passages)
        here = Passage(exclusion.document_id, position - 1, start, start, "", 0)
        self._rows.shift(here, len(passages), n_characters)
        self._db.write(
            "UPDATE exclusions SET at = at + ? WHERE document_id = ?"
            " AND (at > ? OR (at = ? AND id > ?))",
            n_characters,
            exclusion.document_id,
            start,
            start,
            exclusion.id,
        )
        for passage in passages:
            self._rows.put(
                replace(
                    passage,
                    position=position + passage.position,
                    start=start + passage.start,
                    end=start + passage.end,
                )
            )
        self._add_characters(exclusion.document_id, n_characters)

    def _add_characters(self, document_id: int, n: int) -> None:
        self._db.write(
            "UPDATE documents SET n_characters = n_characters + ? WHERE id = ?",
            n,
            document_id,
        )


def _meet(text: str, context: str) -> bool:
    """Return whether one of two texts begins with the other."""
    n = min(len(text), len(context))
    return text[:n] == context[:n]
