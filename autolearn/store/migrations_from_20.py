"""The tables, continued from ``store.migrations``; the rules are the same."""

from autolearn.store.migrations import MIGRATIONS
from autolearn.store.sqlite_tools import Database

__all__ = ["MIGRATIONS"]


@MIGRATIONS()
def m020_worked_seconds(db: Database) -> None:
    """Store how long a run was worked on, without the time until it was resumed."""
    db.execute("ALTER TABLE runs ADD COLUMN worked_seconds REAL NOT NULL DEFAULT 0")
    # Earlier versions had only the beginning and the end of the last part.
    db.execute(
        "UPDATE runs SET worked_seconds = max(0, 86400 *"
        " (julianday(coalesce(finished_at, heartbeat_at)) - julianday(started_at)))"
        " WHERE started_at NOT NULL AND coalesce(finished_at, heartbeat_at) NOT NULL"
    )
