"""The tables, step by step.

A released migration is never edited: what has to change becomes the next one, so a
database of any age ends with the same tables and keeps its rows.
"""

from autolearn.store import plain_names
from autolearn.store.initial import INITIAL
from autolearn.store.schema_changes import execute_all, replace_in_table
from autolearn.store.sqlite_tools import Database, Migrations
from autolearn.text.retrieval import passage_words

MIGRATIONS = Migrations("autolearn")


@MIGRATIONS()
def m001_initial(db: Database) -> None:
    """Make the tables of the first release."""
    execute_all(db, INITIAL)


_IMAGINED = """
CREATE TABLE imagined (
    id INTEGER PRIMARY KEY,
    draw INTEGER NOT NULL CHECK (draw >= 0),
    text TEXT NOT NULL,
    generation_id INTEGER NOT NULL REFERENCES generations(id),
    run_id INTEGER NOT NULL REFERENCES runs(id),
    step_id INTEGER NOT NULL REFERENCES steps(id),
    step_position INTEGER NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX imagined_by_generation ON imagined(generation_id);
CREATE INDEX imagined_by_step ON imagined(step_id);

-- A CHECK cannot be changed in place: two more kinds of items need a new table.
ALTER TABLE round_items RENAME TO round_items_before;
CREATE TABLE round_items (
    id INTEGER PRIMARY KEY,
    round_id INTEGER NOT NULL REFERENCES rounds(id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN
        ('sft', 'dpo', 'replay', 'text', 'gauge', 'validation')),
    chat TEXT NOT NULL CHECK (json_valid(chat)),
    chosen TEXT NOT NULL,
    rejected TEXT,
    weight REAL NOT NULL,
    sample_id INTEGER REFERENCES samples(id),
    UNIQUE (round_id, position)
) STRICT;
INSERT INTO round_items SELECT * FROM round_items_before;
DROP TABLE round_items_before;
"""


@MIGRATIONS()
def m002_imagined(db: Database) -> None:
    """Keep what base models make up, and items that only measure a round."""
    execute_all(db, _IMAGINED)


@MIGRATIONS()
def m003_choices(db: Database) -> None:
    """Keep what the person has chosen for the next work."""
    db.execute(
        "CREATE TABLE choices (\n"
        "    name TEXT PRIMARY KEY,\n"
        "    value TEXT NOT NULL CHECK (json_valid(value))\n"
        ") STRICT"
    )


_DOUBT = """
-- How far the gap is from a toss-up, less one for each verdict that contradicts it.
ALTER TABLE samples ADD COLUMN sureness REAL NOT NULL GENERATED ALWAYS AS (
    abs(2 * gap_probability - 1) - (instr(flags, '"disputed"') > 0)
    - (instr(flags, '"strays"') > 0) - (instr(flags, '"check_failed"') > 0)
) VIRTUAL;
-- Both hold what a queue is filtered by, so that few rows have to be read for it.
CREATE INDEX samples_by_doubt ON samples(
    sureness, id, gap_probability, flags, run_id, passage_id, critique_id
);
CREATE INDEX samples_by_state_and_doubt ON samples(
    state, sureness, id, gap, gap_probability, flags, run_id, passage_id, critique_id
);
CREATE INDEX feedback_by_verdict ON feedback(verdict, purpose);
"""


@MIGRATIONS()
def m004_doubt(db: Database) -> None:
    """Let samples be looked at in the order of doubt, however many there are."""
    execute_all(db, _DOUBT)


_SOURCES = """
-- Passages are the text; a second copy would be a row as long as the text.
ALTER TABLE documents ADD COLUMN n_characters INTEGER NOT NULL DEFAULT 0;
UPDATE documents SET n_characters = length(text);
ALTER TABLE documents DROP COLUMN text;
ALTER TABLE documents ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN run_id INTEGER REFERENCES runs(id);
ALTER TABLE documents ADD COLUMN source INTEGER;
ALTER TABLE passages ADD COLUMN repeats_id INTEGER REFERENCES passages(id);
CREATE TABLE exclusions (
    id INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES documents(id),
    at INTEGER NOT NULL CHECK (at >= 0),
    text TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX exclusions_by_document ON exclusions(document_id, id);
"""


@MIGRATIONS()
def m005_sources(db: Database) -> None:
    """Let texts of any length come in by runs of their own."""
    execute_all(db, _SOURCES)
    replace_in_table(db, "runs", "'export')", "'export', 'import')")


@MIGRATIONS()
def m006_models(db: Database) -> None:
    """Let models come in by runs of their own."""
    replace_in_table(db, "runs", "'import')", "'import', 'download', 'convert')")


_SKILLS = """
CREATE TABLE skill_results (
    id INTEGER PRIMARY KEY,
    skill TEXT NOT NULL,
    item INTEGER NOT NULL CHECK (item >= 0),
    right INTEGER NOT NULL CHECK (right IN (0, 1)),
    probability REAL CHECK (probability BETWEEN 0 AND 1),
    text TEXT NOT NULL,
    generation_id INTEGER REFERENCES generations(id),
    run_id INTEGER NOT NULL REFERENCES runs(id),
    step_id INTEGER NOT NULL REFERENCES steps(id),
    step_position INTEGER NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX skill_results_by_step ON skill_results(step_id);
CREATE TABLE skill_checks (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL UNIQUE REFERENCES runs(id),
    model_digest TEXT NOT NULL,
    quantization TEXT NOT NULL,
    protocol TEXT NOT NULL,
    round_id INTEGER REFERENCES rounds(id),
    report TEXT NOT NULL CHECK (json_valid(report)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX skill_checks_by_model ON skill_checks(model_digest, quantization, id);
"""


@MIGRATIONS()
def m007_skills(db: Database) -> None:
    """Keep what a model can do, by weights and round."""
    execute_all(db, _SKILLS)
    replace_in_table(db, "runs", "'convert')", "'convert', 'skills')")


_CORPORA = """
CREATE TABLE corpora (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    licence TEXT NOT NULL,
    n_examples INTEGER NOT NULL CHECK (n_examples > 0),
    n_texts INTEGER NOT NULL,
    n_refused INTEGER NOT NULL,
    excluded INTEGER NOT NULL CHECK (excluded IN (0, 1)),
    run_id INTEGER REFERENCES runs(id),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE TABLE gold_examples (
    id INTEGER PRIMARY KEY,
    corpus_id INTEGER NOT NULL REFERENCES corpora(id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    title TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    sentence TEXT NOT NULL,
    evidence TEXT NOT NULL,
    answerable INTEGER NOT NULL CHECK (answerable IN (0, 1)),
    response TEXT NOT NULL,
    feedback TEXT NOT NULL,
    refinement TEXT NOT NULL
) STRICT;
CREATE INDEX gold_examples_by_corpus ON gold_examples(corpus_id);
"""


@MIGRATIONS()
def m008_corpora(db: Database) -> None:
    """Keep gold examples, which meta-skill rounds are taught from."""
    execute_all(db, _CORPORA)


@MIGRATIONS()
def m009_grounds(db: Database) -> None:
    """Keep from which words of which sentence a question was made."""
    db.execute("ALTER TABLE questions ADD COLUMN short_answer TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE questions ADD COLUMN start INTEGER")
    db.execute('ALTER TABLE questions ADD COLUMN "end" INTEGER')


@MIGRATIONS()
def m010_constraints(db: Database) -> None:
    """Keep the form that each generated text was held to."""
    db.execute(
        "ALTER TABLE generations ADD COLUMN constraint_parts TEXT NOT NULL"
        " DEFAULT '[]' CHECK (json_valid(constraint_parts))"
    )


@MIGRATIONS()
def m011_passage_search(db: Database) -> None:
    """Index the words of passages, so that those about a question are found."""
    db.execute("CREATE VIRTUAL TABLE passages_search USING fts5(words, content = '')")
    db.conn.create_function("words_of", 2, passage_words, deterministic=True)
    db.execute(
        "INSERT INTO passages_search (rowid, words)"
        " SELECT id, words_of(heading, text) FROM passages"
    )


_RUN_LINKS = """
-- Read off the settings, so that rows of all versions have them.
ALTER TABLE runs ADD COLUMN after_id INTEGER
    GENERATED ALWAYS AS (json_extract(settings, '$.after')) VIRTUAL;
ALTER TABLE runs ADD COLUMN model TEXT
    GENERATED ALWAYS AS (json_extract(settings, '$.model.model')) VIRTUAL;
ALTER TABLE runs ADD COLUMN quantization TEXT
    GENERATED ALWAYS AS (json_extract(settings, '$.model.quantization')) VIRTUAL;
ALTER TABLE runs ADD COLUMN model_digest TEXT
    GENERATED ALWAYS AS (json_extract(settings, '$.model_digest')) VIRTUAL;
ALTER TABLE runs ADD COLUMN round_id INTEGER
    GENERATED ALWAYS AS (json_extract(settings, '$.model.round_id')) VIRTUAL;
ALTER TABLE runs ADD COLUMN conversation INTEGER
    GENERATED ALWAYS AS (json_extract(settings, '$.conversation')) VIRTUAL;
CREATE INDEX runs_by_after ON runs(after_id);
CREATE INDEX runs_by_conversation ON runs(conversation, id);
CREATE INDEX runs_by_kind ON runs(kind, id);
CREATE INDEX runs_by_model ON runs(kind, model_digest, round_id, id);
"""


@MIGRATIONS()
def m012_run_links(db: Database) -> None:
    """Let runs be found by the run before them, their model and their round."""
    execute_all(db, _RUN_LINKS)


_QUIZZES = """
ALTER TABLE questions ADD COLUMN scorer TEXT NOT NULL DEFAULT 'contains'
    CHECK (scorer IN ('contains', 'exact', 'f1', 'number', 'choice', 'none'));
ALTER TABLE questions ADD COLUMN aliases TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(aliases));
ALTER TABLE questions ADD COLUMN choices TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(choices));
-- Questions with the same words and other options are two questions.
DROP INDEX questions_imported;
CREATE UNIQUE INDEX questions_imported
    ON questions(text, split, coalesce(passage_id, 0), choices) WHERE step_id IS NULL;
ALTER TABLE quiz_results ADD COLUMN truncated INTEGER NOT NULL DEFAULT 0
    CHECK (truncated IN (0, 1));
UPDATE quiz_results SET truncated = 1
    WHERE generation_id IN (SELECT id FROM generations WHERE finish = 'length');
-- Quiz and control as they were frozen, with their scorers and aliases.
CREATE TABLE quizzes (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    questions TEXT NOT NULL CHECK (json_valid(questions)),
    locked INTEGER NOT NULL CHECK (locked IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
"""


@MIGRATIONS()
def m013_quizzes(db: Database) -> None:
    """Freeze quizzes in versions, with a scorer and aliases for each question."""
    execute_all(db, _QUIZZES)


_EXPERIMENTS = """
CREATE TABLE experiments (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('compare', 'evolve')),
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE TABLE experiment_runs (
    id INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiments(id),
    task TEXT NOT NULL,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    reused INTEGER NOT NULL CHECK (reused IN (0, 1)),
    UNIQUE (experiment_id, task)
) STRICT;
CREATE INDEX experiment_runs_by_run ON experiment_runs(run_id);
"""


@MIGRATIONS()
def m014_experiments(db: Database) -> None:
    """Keep experiments and their runs; let a quiz be asked in more ways."""
    execute_all(db, _EXPERIMENTS)
    before = "('closed_book', 'open_book')"
    after = "('closed_book', 'open_book', 'retrieval', 'refined', 'consistent')"
    replace_in_table(db, "quiz_results", before, after)


_READING = """
-- The name of the file in the folder originals, and how it was read (core.reading).
ALTER TABLE documents ADD COLUMN original TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN reading TEXT NOT NULL DEFAULT '{}'
    CHECK (json_valid(reading));
ALTER TABLE exclusions ADD COLUMN place TEXT NOT NULL DEFAULT '';
-- The exclusion that a person has taken in as this passage.
ALTER TABLE passages ADD COLUMN exclusion_id INTEGER REFERENCES exclusions(id);
CREATE INDEX passages_by_exclusion ON passages(exclusion_id);
-- Let passages be deleted without a look at all others.
CREATE INDEX passages_by_repeat ON passages(repeats_id);
CREATE INDEX samples_by_passage ON samples(passage_id);
CREATE INDEX skips_by_passage ON skips(passage_id);
CREATE INDEX exclusions_by_place ON exclusions(document_id, at);
"""


@MIGRATIONS()
def m015_reading(db: Database) -> None:
    """Let files be read again, and let exclusions be taken in."""
    execute_all(db, _READING)


_RECOVERY = """
-- The newest decision that was known when this one was made; NULL: not stated.
ALTER TABLE decisions ADD COLUMN seen INTEGER;
-- The step that kept a generation for itself; NULL: it belongs to other records.
ALTER TABLE generations ADD COLUMN step_id INTEGER REFERENCES steps(id);
CREATE INDEX generations_by_step ON generations(step_id) WHERE step_id IS NOT NULL;
"""


@MIGRATIONS()
def m016_recovery(db: Database) -> None:
    """Let decisions say what they were made on, and generations be made once."""
    execute_all(db, _RECOVERY)


_REVIEW = """
-- Samples that look best come first: few flags, then a sure gap.
ALTER TABLE samples ADD COLUMN demerit REAL NOT NULL GENERATED ALWAYS AS (
    json_array_length(flags) - gap_probability
) VIRTUAL;
CREATE INDEX samples_by_state_and_demerit ON samples(
    state, demerit, id, gap, gap_probability, flags, run_id, passage_id, critique_id
);
-- A document that was deleted although samples were made from it keeps its row.
ALTER TABLE documents ADD COLUMN removed INTEGER NOT NULL DEFAULT 0
    CHECK (removed IN (0, 1));
"""


@MIGRATIONS()
def m017_review(db: Database) -> None:
    """Order samples by how good they look, and let documents be deleted."""
    execute_all(db, _REVIEW)


@MIGRATIONS()
def m018_plain_names(db: Database) -> None:
    """Store the terms of the glossary in place of older words."""
    replace_in_table(db, "round_items", "'gauge'", "'drift_probe'")
    plain_names.rename(db)


_SIZES = """
-- Documents are counted, and excluded passages found, without a look at the texts.
CREATE INDEX passages_by_size ON passages(document_id, excluded, position, n_tokens);
CREATE INDEX passages_excluded ON passages(id) WHERE excluded;
"""


@MIGRATIONS()
def m019_sizes(db: Database) -> None:
    """Let large libraries be drawn quickly."""
    execute_all(db, _SIZES)
