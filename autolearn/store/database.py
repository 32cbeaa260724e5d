"""The SQLite file of a workspace: read, and written in transactions.

A handle belongs to the thread that opened it. ``connection`` opens the file.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from autolearn.core.model_calls import Generation
from autolearn.store.connection import is_read_only, open_file, store_errors
from autolearn.store.encoding import TABLES, Row, from_row, has_generation

NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
"""The present time in UTC, as SQL."""

BATCH = 1000
"""Rows that are read or written at once, where there may be millions."""

T = TypeVar("T")


def listed(values: Iterable[int | str]) -> str:
    """Return values as the parameter of ``IN (SELECT value FROM json_each(?))``."""
    return json.dumps(list(values))


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield rows in lists of at most ``BATCH``, however many there are."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def filtered(criteria: Any, clauses: Mapping[str, str]) -> tuple[str, list[Any]]:
    """Return the condition and parameters of a filter, a dataclass of optional fields.

    Each field that is not None adds its clause; sequences become JSON lists.
    """
    conditions, params = ["1"], []
    for name, clause in clauses.items():
        value = getattr(criteria, name)
        if value is not None:
            conditions.append(clause)
            is_plain = isinstance(value, str | int | float)
            params.append(value if is_plain else listed(value))
    return " AND ".join(conditions), params


class Database:
    """One connection to the file of a workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_only = is_read_only(path)
        self._connection = open_file(path)
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Commit all writes of the block together, or none of them.

        Takes the write lock at once, so what is read in the block stays true. A nested
        block is part of the outer one.
        """
        if self._connection.in_transaction:
            yield
            return
        with self._store_errors():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._store_errors():
                self._connection.execute("COMMIT")
        finally:
            # A full disk may already have ended the transaction.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def unflushed(self) -> Iterator[None]:
        """Commit the writes of the block without waiting for the disk.

        A kill loses nothing of it, a power failure at most the last of it. For numbers
        that are written several times a second and that a resumed run writes again.
        """
        if self._connection.in_transaction:
            yield
            return
        self.write("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self.write("PRAGMA synchronous = FULL")

    def rows(self, sql: str, *params: Any) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._store_errors():
            return self._connection.execute(sql, params).fetchall()

    def select(
        self, cls: type[T], tail: str = "", *params: Any, whole: bool = False
    ) -> list[T]:
        """Return the records that ``SELECT * FROM table <tail>`` finds."""
        rows = self.rows(f"SELECT * FROM {TABLES[cls]} {tail}", *params)
        return self.records(cls, rows, whole=whole)

    def first(self, cls: type[T], tail: str, *params: Any) -> T | None:
        """Return the first record that ``select`` finds; None: there is none."""
        return next(iter(self.select(cls, tail, *params)), None)

    def by_id(
        self, cls: type[T], ids: Iterable[int | None], *, whole: bool = False
    ) -> dict[int, T]:
        """Return the records with these ids, each under its own."""
        distinct_ids = {number for number in ids if number is not None}
        tail = "WHERE id IN (SELECT value FROM json_each(?))"
        rows = self.rows(f"SELECT * FROM {TABLES[cls]} {tail}", listed(distinct_ids))
        records = self.records(cls, rows, whole=whole)
        return {row["id"]: record for row, record in zip(rows, records, strict=True)}

    def records(
        self, cls: type[T], rows: Sequence[sqlite3.Row], *, whole: bool
    ) -> list[T]:
        """Build records from rows; ``whole`` adds their generations, long texts."""
        if not (whole and has_generation(cls)):
            return [from_row(cls, row) for row in rows]
        texts = self.by_id(Generation, (row["generation_id"] for row in rows))
        return [from_row(cls, row, texts.get(row["generation_id"])) for row in rows]

    def insert(self, table: str, rows: Sequence[Row]) -> list[int]:
        """Insert rows of the same columns, within ``atomic``, and return their ids.

        The transaction keeps other writers out, so the ids can be given here: one
        ``executemany`` instead of one statement a row. No id is given twice, even if
        its row was deleted.
        """
        assert self._connection.in_transaction
        if not rows:
            return []
        last = self.rows(
            f"SELECT max(coalesce((SELECT max(id) FROM {table}), 0),"
            " coalesce((SELECT id FROM last_ids WHERE name = ?), 0)) AS id",
            table,
        )[0]["id"]
        ids = list(range(last + 1, last + 1 + len(rows)))
        self.write("UPDATE last_ids SET id = ? WHERE name = ?", ids[-1], table)
        columns = ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join("?" * len(rows[0]))
        self.write_many(
            f"INSERT INTO {table} (id, {columns}) VALUES (?, {marks})",
            ((number, *row.values()) for number, row in zip(ids, rows, strict=True)),
        )
        return ids

    def write(self, sql: str, *params: Any) -> int:
        """Execute a statement and return how many rows it changed."""
        with self._store_errors():
            return self._connection.execute(sql, params).rowcount

    def write_many(self, sql: str, params: Iterable[Sequence[Any]]) -> None:
        """Execute a statement for each set of parameters."""
        with self._store_errors():
            self._connection.executemany(sql, params)

    def _store_errors(self) -> AbstractContextManager[None]:
        return store_errors(self.path)


def schema_sql(db: Database) -> str:
    """Return the statements that make the tables as they are, sorted by table.

    Internal tables of SQLite and of the migrations are left out.
    """
    rows = db.rows(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND name NOT LIKE '%sqlite_%' AND name NOT LIKE '%/_search/_%' ESCAPE '/'"
        " ORDER BY tbl_name, type DESC, name"
    )
    return "\n\n".join(row["sql"] + ";" for row in rows)
