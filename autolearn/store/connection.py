"""Connections to the SQLite file of a workspace: made, opened, migrated, closed.

Only this module, ``database`` and ``copies`` use sqlite3; its errors become
``StoreError`` here.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock

from autolearn.core import atomic
from autolearn.core.errors import SchemaTooNew, StoreError
from autolearn.store.migrations_from_20 import MIGRATIONS
from autolearn.store.sqlite_tools import Database

BUSY_SECONDS = 10.0
"""How long to wait for another process that is writing."""

SENTENCES = {
    sqlite3.SQLITE_NOTADB: "{path} is not a database of autolearn, or it is damaged; "
    "put back a copy or choose another workspace.",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged; put back a copy or choose another "
    "workspace.",
    sqlite3.SQLITE_FULL: "The disk is full. Nothing that was already committed is "
    "lost; free some space and resume.",
    sqlite3.SQLITE_READONLY: "{path} is read-only; make it writable or choose "
    "another workspace.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened; check that its folder exists "
    "and is writable.",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written, the disk reports an "
    "error; check the disk and resume.",
    sqlite3.SQLITE_BUSY: "Another program has kept {path} locked for too long; "
    "close it and try again.",
    sqlite3.SQLITE_CONSTRAINT: "A record does not fit what is stored ({error}).",
}


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Raise errors of SQLite on this file as ``StoreError``, with a sentence."""
    try:
        yield
    except UnicodeEncodeError as error:
        # A name of a file may have any bytes; Python keeps them as halves of pairs.
        before = error.object[max(0, error.start - 40) : error.start]
        raise StoreError(
            f"What follows “{before}” is not UTF-8, so it cannot be stored; rename the "
            "file or folder, or correct the text."
        ) from error
    except sqlite3.ProgrammingError:
        raise  # a mistake in our code, not in the environment
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        sentence = SENTENCES.get(code & 0xFF, "{path} cannot be used ({error}).")
        raise StoreError(sentence.format(path=path, error=error)) from error


def is_read_only(path: Path) -> bool:
    """Return whether a database exists that this user may not change."""
    # SQLite also writes next to the file, so its folder must be writable too.
    places = (path, path.parent)
    return path.exists() and not all(os.access(place, os.W_OK) for place in places)


def open_file(path: Path) -> sqlite3.Connection:
    """Open the database of a workspace and bring it up to date.

    A file that is not there is made. One that may only be read is opened for reading.

    Raises:
        SchemaTooNew: It was written by a newer autolearn.
        StoreError: It cannot be used.
    """
    if is_read_only(path):
        return _set_up(path, _open_for_reading(path))
    if not path.exists():
        _make(path)
    _refuse_empty(path)
    with store_errors(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    return _set_up(path, connection, writes=True)


def _set_up(
    path: Path, connection: sqlite3.Connection, *, writes: bool = False
) -> sqlite3.Connection:
    """Return the connection, set up and with all tables; close it after an error."""
    try:
        with store_errors(path):
            if writes:
                connection.execute("PRAGMA journal_mode = WAL")
            # A commit is on the disk before it is reported. NORMAL would lose the
            # last ones when the power fails; ``Database.unflushed`` is the exception.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            _migrate(path, connection, writes=writes)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(path: Path, connection: sqlite3.Connection, *, writes: bool) -> None:
    db = Database(connection, recursive_triggers=False)
    newer, pending = _unknown_migrations(db), MIGRATIONS.pending(db)
    if newer:
        raise SchemaTooNew(
            f"{path} was written by a newer autolearn (it has "
            f"{', '.join(sorted(newer))}); update autolearn to open it."
        )
    if pending and not writes:
        raise StoreError(
            f"{path} was written by an older autolearn and is read-only, so it "
            "cannot be updated; copy the workspace to a writable place and open the "
            "copy."
        )
    if pending:
        _apply_migrations(connection)


def _apply_migrations(connection: sqlite3.Connection) -> None:
    """Apply all pending migrations, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        MIGRATIONS.apply(Database(connection, recursive_triggers=False))
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _make(path: Path) -> None:
    """Make a database that appears with all its tables or not at all.

    A file of 0 bytes is therefore never the beginning of a database.

    Raises:
        StoreError: The folder may not be written.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        with FileLock(path.with_name("create.lock")), suppress(FileExistsError):
            if path.exists():
                return  # another process was faster
            draft.write_bytes(_new_database())
            atomic.put_in_place(draft, path)
    except OSError as error:
        is_full = error.errno == errno.ENOSPC
        code = sqlite3.SQLITE_FULL if is_full else sqlite3.SQLITE_CANTOPEN
        raise StoreError(SENTENCES[code].format(path=path)) from error


@cache
def _new_database() -> bytes:
    """Return the content of a database with all tables and without rows.

    Every new workspace begins with it, so a program that makes several of them applies
    the migrations once.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _apply_migrations(connection)
        return connection.serialize()


def _refuse_empty(path: Path) -> None:
    if path.is_file() and not path.stat().st_size:
        raise StoreError(
            f"{path} is empty (0 bytes), so what it held is lost. Restore a backup, or "
            "delete the file to start afresh.",
            command="restore BACKUP",
        )


def _open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a database in a place that may not be written."""
    _refuse_empty(path)
    # A database in WAL mode needs its shared memory file next to it. If that cannot
    # be made, no process writes, so the file is complete.
    has_wal = path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro" if has_wal else "immutable=1"
    with store_errors(path):
        return sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?{how}",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            uri=True,
        )


def _unknown_migrations(db: Database) -> set[str]:
    """Return the names of applied migrations that this version does not have."""
    own_names = {
        migration.name for migration in MIGRATIONS.pending(Database(memory=True))
    }
    return {migration.name for migration in MIGRATIONS.applied(db)} - own_names
