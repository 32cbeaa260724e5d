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


_COUNTS = """
-- Counted as the rows change: counting them takes 0.15 s for 500,000 passages, and the
-- page shows the counts at every look.
ALTER TABLE documents ADD COLUMN n_passages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN n_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN n_exclusions INTEGER NOT NULL DEFAULT 0;
UPDATE documents SET (n_passages, n_tokens) = (
        SELECT count(*), coalesce(sum(n_tokens), 0) FROM passages
        WHERE document_id = documents.id AND excluded = 0 AND position >= 0
    ),
    n_exclusions = (SELECT count(*) FROM exclusions WHERE document_id = documents.id);
DROP INDEX passages_by_size;
CREATE TRIGGER passages_count_new AFTER INSERT ON passages
    WHEN NEW.excluded = 0 AND NEW.position >= 0 BEGIN
    UPDATE documents SET n_passages = n_passages + 1, n_tokens = n_tokens + NEW.n_tokens
    WHERE id = NEW.document_id; END;
CREATE TRIGGER passages_count_old AFTER DELETE ON passages
    WHEN OLD.excluded = 0 AND OLD.position >= 0 BEGIN
    UPDATE documents SET n_passages = n_passages - 1, n_tokens = n_tokens - OLD.n_tokens
    WHERE id = OLD.document_id; END;
CREATE TRIGGER passages_count_changed
    AFTER UPDATE OF excluded, position, n_tokens ON passages
    WHEN OLD.excluded <> NEW.excluded OR (OLD.position < 0) <> (NEW.position < 0)
        OR OLD.n_tokens <> NEW.n_tokens BEGIN
    UPDATE documents SET n_passages = n_passages
            + (NEW.excluded = 0 AND NEW.position >= 0)
            - (OLD.excluded = 0 AND OLD.position >= 0),
        n_tokens = n_tokens
            + NEW.n_tokens * (NEW.excluded = 0 AND NEW.position >= 0)
            - OLD.n_tokens * (OLD.excluded = 0 AND OLD.position >= 0)
    WHERE id = NEW.document_id; END;
CREATE TRIGGER exclusions_count_new AFTER INSERT ON exclusions BEGIN
    UPDATE documents SET n_exclusions = n_exclusions + 1
    WHERE id = NEW.document_id; END;
CREATE TRIGGER exclusions_count_old AFTER DELETE ON exclusions BEGIN
    UPDATE documents SET n_exclusions = n_exclusions - 1
    WHERE id = OLD.document_id; END;
"""


@MIGRATIONS()
def m022_counts(db: Database) -> None:
    """Keep the sizes of documents with them."""
    execute_all(db, _COUNTS)


_LAST_IDS = """
-- The highest id that was given in the tables from which rows are deleted. Settings of
-- runs, and pages that are open, may still name a deleted row, so its id stays unused.
CREATE TABLE last_ids (
    name TEXT PRIMARY KEY,
    id INTEGER NOT NULL
) STRICT;
CREATE TEMP TABLE named_ids AS
    SELECT key, path, atom FROM runs, json_tree(settings) AS part
    WHERE part.type = 'integer'
    UNION ALL SELECT key, path, atom FROM experiments, json_tree(settings) AS part
    WHERE part.type = 'integer';
INSERT INTO last_ids SELECT 'documents', coalesce(max(id), 0) FROM (
    SELECT id FROM documents UNION ALL SELECT atom FROM named_ids
    WHERE path LIKE '%.documents' OR path LIKE '%.placebo' OR key = 'document_id'
);
INSERT INTO last_ids SELECT 'passages', coalesce(max(id), 0) FROM (
    SELECT id FROM passages
    UNION ALL SELECT atom FROM named_ids WHERE path LIKE '%.passages'
);
INSERT INTO last_ids SELECT 'exclusions', coalesce(max(id), 0) FROM exclusions;
INSERT INTO last_ids SELECT 'corpora', coalesce(max(id), 0) FROM (
    SELECT id FROM corpora UNION ALL SELECT atom FROM named_ids
    WHERE path LIKE '%corpus_ids%' OR path LIKE '%.corpora'
);
DROP TABLE temp.named_ids;
"""


@MIGRATIONS()
def m023_last_ids(db: Database) -> None:
    """Keep the ids of deleted rows from being given again."""
    execute_all(db, _LAST_IDS)


@MIGRATIONS()
def m024_excluded_questions(db: Database) -> None:
    """Let a person take a question out of quiz or control."""
    db.execute(
        "ALTER TABLE questions ADD COLUMN excluded INTEGER NOT NULL DEFAULT 0"
        " CHECK (excluded IN (0, 1))"
    )
    db.execute("CREATE INDEX questions_excluded ON questions(id) WHERE excluded")
