"""Consistent copies of a database that is in use, and checks of one."""

import sqlite3
from contextlib import closing
from pathlib import Path

from autolearn.core.errors import StoreError
from autolearn.store.connection import BUSY_SECONDS, open_file, store_errors

MOST_NAMED = 5
"""Most problems of one kind that are listed."""


def copy(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, while others continue writing to it.

    Raises:
        StoreError: It cannot be read, or the copy cannot be written.
    """
    with (
        store_errors(source),
        closing(open_file(source)) as original,
        closing(sqlite3.connect(target)) as snapshot,
    ):
        original.backup(snapshot)
        # A copy is one file: nothing of it stays in a write-ahead log.
        snapshot.execute("PRAGMA journal_mode = DELETE")


def problems(path: Path) -> list[str]:
    """Return what is wrong with the pages, indexes and references of a database.

    It is only read. Empty: nothing is wrong.
    """
    try:
        with store_errors(path), closing(_connect(path)) as connection:
            rows = connection.execute(
                f"PRAGMA integrity_check({MOST_NAMED})"
            ).fetchall()
            sentences = [text for (text,) in rows if text != "ok"]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    except StoreError as error:
        return [str(error)]
    sentences += [
        f"row {row} of {table} refers to a row of {parent} that is not there"
        for table, row, parent, _ in broken[:MOST_NAMED]
    ]
    if len(broken) > MOST_NAMED:
        sentences.append(f"{len(broken) - MOST_NAMED} more references are broken")
    return sentences


def _connect(path: Path) -> sqlite3.Connection:
    if not path.is_file() or not path.stat().st_size:
        raise StoreError(f"{path} is missing or empty.")
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    connection.execute("PRAGMA query_only = ON")
    return connection
