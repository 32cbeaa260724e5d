"""The tables, continued from ``store.migrations``; the rules are the same."""

from autolearn.store.migrations import MIGRATIONS
from autolearn.store.schema_changes import execute_all
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


_LOOKUPS = """
-- The newest whole round is found without a look at the settings of all runs.
CREATE INDEX runs_of_whole_rounds ON runs(id)
    WHERE json_type(settings, '$.plan') = 'object';
CREATE INDEX runs_by_end ON runs(finished_at);
-- The rounds that learned from a sample.
CREATE INDEX round_items_by_sample ON round_items(sample_id, kind, round_id)
    WHERE sample_id IS NOT NULL;
"""


@MIGRATIONS()
def m021_lookups(db: Database) -> None:
    """Let the page find what it asks for often without a look at all rows."""
    execute_all(db, _LOOKUPS)
