"""What is known of the passages, for the knowledge map of a large library.

Only what the map needs is read, since it takes all samples at once.
"""

from typing import Literal, NamedTuple

from autolearn.core.flags import DOUBTFUL
from autolearn.store.database import Database
from autolearn.store.samples import SampleFilter, where

Knowledge = Literal["known", "gap", "flagged"]
"""Whether a sample shows that its answer is known, is a gap, or is in doubt."""

_KNOWLEDGE = (
    "CASE WHEN "
    + " OR ".join(f"""instr(flags, '"{flag}"')""" for flag in sorted(DOUBTFUL))
    + " THEN 'flagged' WHEN gap THEN 'gap' ELSE 'known' END"
)
_IN_LIBRARY = (
    "passage_id IS NOT NULL AND passage_id NOT IN (SELECT passages.id FROM documents"
    " CROSS JOIN passages ON passages.document_id = documents.id"
    " WHERE documents.removed)"
)
"""Passes the samples of a document that is in the library."""


class SampleOutline(NamedTuple):
    """The parts of a sample that show whether a round has learned it."""

    id: int
    question_id: int
    passage_id: int
    prompt: str
    knowledge: Knowledge


class KnowledgeOfPassages:
    """How much of the passages is known, counted over their samples."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def counts(self, criteria: SampleFilter) -> list[tuple[int, Knowledge, int]]:
        """Return passage, knowledge and the number of samples with both."""
        clause, params = where(self._db, criteria)
        return [
            tuple(row)
            for row in self._db.rows(
                f"SELECT passage_id, {_KNOWLEDGE} AS knowledge, count(*) FROM samples"
                f" WHERE {clause} AND {_IN_LIBRARY} GROUP BY passage_id, knowledge",
                *params,
            )
        ]

    def outlines(self, criteria: SampleFilter) -> list[SampleOutline]:
        """Return the samples of a filter that are about the library, in no order."""
        clause, params = where(self._db, criteria)
        sql = (
            f"SELECT id, question_id, passage_id, prompt, {_KNOWLEDGE} FROM samples"
            f" WHERE {clause} AND {_IN_LIBRARY}"
        )
        return [SampleOutline(*row) for row in self._db.rows(sql, *params)]

    def n_samples(self, criteria: SampleFilter) -> dict[int, int]:
        """Return how many samples of a filter each document has, by its id."""
        clause, params = where(self._db, criteria)
        rows = self._db.rows(
            "SELECT (SELECT document_id FROM passages WHERE id = passage_id)"
            f" AS document_id, count(*) AS n FROM samples WHERE {clause}"
            f" AND {_IN_LIBRARY} GROUP BY document_id",
            *params,
        )
        return {row["document_id"]: row["n"] for row in rows}
