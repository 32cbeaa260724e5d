"""The full-text indexes of samples and passages (SQLite's FTS5).

Neither stores the texts again. They are brought up to date once a batch, not by
triggers: that of samples needs the old words of a sample before they change,
which is what ``unindex_samples`` and ``unindex_passages`` are for.
"""

from collections.abc import Iterable

from autolearn.store.database import Database, listed
from autolearn.text import matching
from autolearn.text.retrieval import passage_words

_COLUMNS = "prompt, chosen, rejected"
_COMMON = 2000
"""A query with this many matches is too common to find samples by its words."""
_CHOSEN_IDS = "WHERE id IN (SELECT value FROM json_each(?))"
N_ABOUT = 3
"""Passages at most that a question is answered from."""
MIN_SHARE = 0.5
"""Share of the best score below which a passage would only distract."""
_NEAREST = """
SELECT passages.id, -bm25(passages_search) AS score
FROM passages_search JOIN passages ON passages.id = passages_search.rowid
WHERE passages_search MATCH ? AND NOT excluded AND position >= 0
ORDER BY score DESC, passages.id LIMIT ?
"""
_WITH_ALL_WORDS = """
SELECT passages.id FROM passages_search
JOIN passages ON passages.id = passages_search.rowid
WHERE passages_search MATCH ? AND position >= 0
ORDER BY bm25(passages_search), passages.id LIMIT ?
"""


def index_samples(db: Database, ids: Iterable[int]) -> None:
    """Add the present words of these samples."""
    db.write(
        f"INSERT INTO samples_search (rowid, {_COLUMNS})"
        f" SELECT id, {_COLUMNS} FROM samples {_CHOSEN_IDS}",
        listed(ids),
    )


def unindex_samples(db: Database, ids: Iterable[int]) -> None:
    """Remove the present words of these samples, which are about to change."""
    db.write(
        f"INSERT INTO samples_search (samples_search, rowid, {_COLUMNS})"
        f" SELECT 'delete', id, {_COLUMNS} FROM samples {_CHOSEN_IDS}",
        listed(ids),
    )


def index_passages(db: Database, ids: Iterable[int]) -> None:
    """Add the words of these passages."""
    _write_passages(db, ids, "(rowid, words) VALUES (?, ?)")


def unindex_passages(db: Database, ids: Iterable[int]) -> None:
    """Remove the words of these passages, which are about to change."""
    command = "(passages_search, rowid, words) VALUES ('delete', ?, ?)"
    _write_passages(db, ids, command)


def _write_passages(db: Database, ids: Iterable[int], command: str) -> None:
    sql = f"SELECT id, heading, text FROM passages {_CHOSEN_IDS}"
    rows = db.rows(sql, listed(ids))
    db.write_many(
        f"INSERT INTO passages_search {command}",
        ((row["id"], passage_words(row["heading"], row["text"])) for row in rows),
    )


def find_passages(db: Database, text: str, limit: int) -> list[int]:
    """Return the ids of the passages with all words of a text, the best match first."""
    rows = db.rows(_WITH_ALL_WORDS, _all_words_of(text), limit)
    return [row["id"] for row in rows]


def nearest_passages(db: Database, question: str) -> list[int]:
    """Return the ids of the passages that fit a question best, the best first.

    At most ``N_ABOUT``. Those that score less than ``MIN_SHARE`` of the best one are
    left out, since they would distract.
    """
    rows = db.rows(_NEAREST, _any_word_of(question), N_ABOUT)
    return [row["id"] for row in rows if row["score"] >= MIN_SHARE * rows[0]["score"]]


def _any_word_of(question: str) -> str:
    """Return the query that finds all passages that share a word with a question."""
    words = dict.fromkeys(matching.normalise(question).replace('"', " ").split())
    return " OR ".join(f'"{word}"' for word in words) or '""'


def _all_words_of(text: str) -> str:
    """Return the query that finds passages with all words of a text.

    The last word may be the beginning of one.
    """
    words = matching.normalise(text).replace('"', " ").split()
    return " ".join(f'"{word}"' for word in words) + "*" if words else '""'


def match(text: str) -> str:
    """Return typed words as a query: every word, or the beginning of one.

    Quotes make each word literal, so nothing that is typed can break the query.
    """
    words = text.replace('"', " ").replace("\0", " ").split()
    return " ".join(f'"{word}"*' for word in words) or '""'


def is_common(db: Database, query: str) -> bool:
    """Return whether a query matches so many samples that sorting them takes long."""
    matches = "SELECT 1 FROM samples_search WHERE samples_search MATCH ? LIMIT ?"
    rows = db.rows(f"SELECT count(*) AS n FROM ({matches})", query, _COMMON + 1)
    return int(rows[0]["n"]) > _COMMON
