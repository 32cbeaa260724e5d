"""Stored words of earlier versions, renamed to the terms of the glossary."""

from autolearn.store.sqlite_tools import Database

_INSTRUCTIONS = """
ALTER TABLE imagined RENAME TO generated_instructions;
DROP INDEX imagined_by_generation;
DROP INDEX imagined_by_step;
CREATE INDEX generated_instructions_by_generation
    ON generated_instructions(generation_id);
CREATE INDEX generated_instructions_by_step ON generated_instructions(step_id);
UPDATE steps SET name = 'generated instructions' || substr(name, length('imagined') + 1)
    WHERE name LIKE 'imagined %' OR name LIKE 'imagined,%';
"""

_CONFIDENCE = """
DROP INDEX samples_by_doubt;
DROP INDEX samples_by_state_and_doubt;
ALTER TABLE samples DROP COLUMN sureness;
UPDATE samples SET flags = replace(flags, '"strays"', '"contradicts_open_book"')
    WHERE instr(flags, '"strays"') > 0;
UPDATE runs SET result = replace(result, '"strays":', '"contradicts_open_book":')
    WHERE kind = 'study';
-- How far the gap is from a toss-up, less one for each verdict that contradicts it.
ALTER TABLE samples ADD COLUMN confidence REAL NOT NULL GENERATED ALWAYS AS (
    abs(2 * gap_probability - 1) - (instr(flags, '"disputed"') > 0)
    - (instr(flags, '"contradicts_open_book"') > 0)
    - (instr(flags, '"check_failed"') > 0)
) VIRTUAL;
CREATE INDEX samples_by_doubt ON samples(
    confidence, id, gap_probability, flags, run_id, passage_id, critique_id
);
CREATE INDEX samples_by_state_and_doubt ON samples(
    state, confidence, id, gap, gap_probability, flags, run_id, passage_id, critique_id
);
ALTER TABLE decisions RENAME COLUMN seen TO known_version;
"""

_VALUES = """
UPDATE round_items SET kind = 'drift_probe' WHERE kind = 'gauge';
"""

_KEYS = [
    ("settings", "import", "given", "sources"),
    ("settings", "import", "staged", "upload_folder"),
    ("settings", "import", "reread", "document_id"),
    ("result", "import", "refused", "refusals"),
    ("result", "import", "reread", "document_id"),
    ("result", "export", "asked", "n_questions"),
    ("result", "export", "alike", "n_same_answers"),
]
"""Column of ``runs``, kind of run, old key, new key."""


def rename(db: Database) -> None:
    """Rename tables, columns, values, and keys of settings and results."""
    for statement in (_INSTRUCTIONS + _CONFIDENCE + _VALUES).split(";\n"):
        db.execute(statement)
    for column, kind, old, new in _KEYS:
        db.execute(
            f"UPDATE runs SET {column} = json_remove(json_set({column}, '$.{new}',"
            f" {column} -> '$.{old}'), '$.{old}') WHERE kind = ?"
            f" AND json_type({column}, '$.{old}') IS NOT NULL",
            (kind,),
        )
