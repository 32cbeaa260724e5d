"""The tables of the first release; what changed since is in `migrations`."""

INITIAL = """
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    media_type TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES documents(id),
    position INTEGER NOT NULL,
    start INTEGER NOT NULL CHECK (start >= 0),
    "end" INTEGER NOT NULL,
    text TEXT NOT NULL,
    n_tokens INTEGER NOT NULL,
    heading TEXT NOT NULL,
    excluded INTEGER NOT NULL CHECK (excluded IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (document_id, position),
    CHECK (start <= "end")
) STRICT;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('study', 'train', 'quiz', 'chat', 'export')),
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN
        ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')),
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    stage TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    rate REAL NOT NULL DEFAULT 0,
    eta_seconds REAL,
    error TEXT,
    result TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(result)),
    versions TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(versions)),
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    pid INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    started_at TEXT,
    heartbeat_at TEXT,
    finished_at TEXT
) STRICT;
CREATE INDEX runs_by_state ON runs(state, id);

CREATE TABLE metrics (
    run_id INTEGER NOT NULL REFERENCES runs(id),
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    value REAL NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (run_id, name, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    name TEXT NOT NULL,
    n_records INTEGER NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (run_id, name)
) STRICT;

CREATE TABLE rounds (
    id INTEGER PRIMARY KEY,
    method TEXT NOT NULL,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    model TEXT NOT NULL CHECK (json_valid(model)),
    parent_id INTEGER REFERENCES rounds(id),
    state TEXT NOT NULL CHECK (state IN
        ('training', 'trained', 'failed', 'kept', 'rolled_back')),
    adapter TEXT,
    adapter_digest TEXT,
    n_steps INTEGER NOT NULL,
    scores TEXT NOT NULL CHECK (json_valid(scores)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX rounds_by_run ON rounds(run_id);

CREATE TABLE generations (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    prompt_name TEXT NOT NULL,
    prompt_digest TEXT NOT NULL,
    prompt TEXT NOT NULL CHECK (json_valid(prompt)),
    raw TEXT NOT NULL,
    finish TEXT NOT NULL CHECK (finish IN ('stop', 'length', 'cancelled', 'overlong')),
    n_prompt_tokens INTEGER NOT NULL,
    n_tokens INTEGER NOT NULL,
    temperature REAL NOT NULL,
    top_p REAL NOT NULL,
    max_new_tokens INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_digest TEXT NOT NULL,
    quantization TEXT NOT NULL,
    dtype TEXT NOT NULL,
    device TEXT NOT NULL,
    round_id INTEGER REFERENCES rounds(id),
    adapter_digest TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX generations_by_run ON generations(run_id);

CREATE TABLE questions (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    split TEXT NOT NULL CHECK (split IN ('study', 'quiz', 'control')),
    origin TEXT NOT NULL CHECK (origin IN ('model', 'paraphrase', 'gold', 'person')),
    passage_id INTEGER REFERENCES passages(id),
    parent_id INTEGER REFERENCES questions(id),
    gold_answer TEXT,
    gold_value TEXT,
    flags TEXT NOT NULL CHECK (json_valid(flags)),
    generation_id INTEGER REFERENCES generations(id),
    run_id INTEGER REFERENCES runs(id),
    step_id INTEGER REFERENCES steps(id),
    step_position INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX questions_by_split ON questions(split, id);
CREATE INDEX questions_by_passage ON questions(passage_id);
CREATE INDEX questions_by_parent ON questions(parent_id);
CREATE INDEX questions_by_run ON questions(run_id, id);
CREATE INDEX questions_by_step ON questions(step_id);
-- What was imported twice is kept once.
CREATE UNIQUE INDEX questions_imported
    ON questions(text, split, coalesce(passage_id, 0)) WHERE step_id IS NULL;

CREATE TABLE answers (
    id INTEGER PRIMARY KEY,
    question_id INTEGER NOT NULL REFERENCES questions(id),
    kind TEXT NOT NULL CHECK (kind IN ('closed_book', 'open_book', 'refined', 'human')),
    text TEXT NOT NULL,
    evidence TEXT NOT NULL,
    evidence_score REAL,
    start INTEGER,
    "end" INTEGER,
    sample_index INTEGER NOT NULL,
    flags TEXT NOT NULL CHECK (json_valid(flags)),
    generation_id INTEGER REFERENCES generations(id),
    run_id INTEGER REFERENCES runs(id),
    step_id INTEGER REFERENCES steps(id),
    step_position INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX answers_by_question ON answers(question_id);
CREATE INDEX answers_by_step ON answers(step_id);

CREATE TABLE feedback (
    id INTEGER PRIMARY KEY,
    answer_id INTEGER NOT NULL REFERENCES answers(id),
    purpose TEXT NOT NULL CHECK (purpose IN ('critique', 'check')),
    text TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('correct', 'incorrect', 'unclear')),
    probability REAL CHECK (probability BETWEEN 0 AND 1),
    reference_id INTEGER REFERENCES answers(id),
    generation_id INTEGER REFERENCES generations(id),
    run_id INTEGER REFERENCES runs(id),
    step_id INTEGER REFERENCES steps(id),
    step_position INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX feedback_by_answer ON feedback(answer_id);
CREATE INDEX feedback_by_step ON feedback(step_id);

CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    question_id INTEGER NOT NULL REFERENCES questions(id),
    prompt TEXT NOT NULL,
    chosen TEXT NOT NULL,
    rejected TEXT NOT NULL,
    gap INTEGER NOT NULL CHECK (gap IN (0, 1)),
    gap_probability REAL NOT NULL CHECK (gap_probability BETWEEN 0 AND 1),
    passage_id INTEGER REFERENCES passages(id),
    open_answer_id INTEGER REFERENCES answers(id),
    closed_answer_id INTEGER REFERENCES answers(id),
    critique_id INTEGER REFERENCES feedback(id),
    refined_answer_id INTEGER REFERENCES answers(id),
    check_id INTEGER REFERENCES feedback(id),
    flags TEXT NOT NULL CHECK (json_valid(flags)),
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected')),
    feedback TEXT, -- a person's words; NULL as long as the model's stand
    refined TEXT,  -- likewise
    run_id INTEGER REFERENCES runs(id),
    step_id INTEGER REFERENCES steps(id),
    step_position INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX samples_by_state ON samples(state, id);
CREATE INDEX samples_by_question ON samples(question_id);
CREATE INDEX samples_by_run ON samples(run_id, id);
CREATE INDEX samples_by_step ON samples(step_id);
CREATE VIRTUAL TABLE samples_search USING fts5(
    prompt, chosen, rejected, content='samples', content_rowid='id'
);

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    sample_id INTEGER NOT NULL REFERENCES samples(id),
    action TEXT NOT NULL CHECK (action IN ('approve', 'reject', 'edit', 'undo')),
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    before TEXT NOT NULL CHECK (json_valid(before)),
    after TEXT NOT NULL CHECK (json_valid(after)),
    undoes_id INTEGER UNIQUE REFERENCES decisions(id),
    batch INTEGER REFERENCES decisions(id), -- the first of those made together
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CHECK ((action = 'undo') = (undoes_id IS NOT NULL))
) STRICT;
CREATE INDEX decisions_by_sample ON decisions(sample_id, id);
CREATE INDEX decisions_by_batch ON decisions(batch);
CREATE VIEW standing_decisions AS
    SELECT * FROM decisions AS d WHERE action <> 'undo'
    AND NOT EXISTS (SELECT 1 FROM decisions WHERE undoes_id = d.id);

CREATE TABLE skips (
    id INTEGER PRIMARY KEY,
    stage TEXT NOT NULL,
    reason TEXT NOT NULL,
    passage_id INTEGER REFERENCES passages(id),
    question_id INTEGER REFERENCES questions(id),
    generation_id INTEGER REFERENCES generations(id),
    run_id INTEGER REFERENCES runs(id),
    step_id INTEGER REFERENCES steps(id),
    step_position INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX skips_by_run ON skips(run_id);
CREATE INDEX skips_by_step ON skips(step_id);

CREATE TABLE round_items (
    id INTEGER PRIMARY KEY,
    round_id INTEGER NOT NULL REFERENCES rounds(id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sft', 'dpo', 'replay', 'text')),
    chat TEXT NOT NULL CHECK (json_valid(chat)),
    chosen TEXT NOT NULL,
    rejected TEXT,
    weight REAL NOT NULL,
    sample_id INTEGER REFERENCES samples(id),
    UNIQUE (round_id, position)
) STRICT;

CREATE TABLE quiz_results (
    id INTEGER PRIMARY KEY,
    question_id INTEGER NOT NULL REFERENCES questions(id),
    mode TEXT NOT NULL CHECK (mode IN ('closed_book', 'open_book')),
    text TEXT NOT NULL,
    right INTEGER NOT NULL CHECK (right IN (0, 1)),
    exact INTEGER NOT NULL CHECK (exact IN (0, 1)),
    f1 REAL NOT NULL CHECK (f1 BETWEEN 0 AND 1),
    round_id INTEGER REFERENCES rounds(id),
    generation_id INTEGER REFERENCES generations(id),
    run_id INTEGER REFERENCES runs(id),
    step_id INTEGER REFERENCES steps(id),
    step_position INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX quiz_results_by_run ON quiz_results(run_id);
CREATE INDEX quiz_results_by_question ON quiz_results(question_id);
CREATE INDEX quiz_results_by_step ON quiz_results(step_id);

-- For people with a database browser: what belongs together, side by side.
CREATE VIEW sample_overview AS
SELECT samples.id, documents.name AS document, samples.state, samples.gap,
    samples.gap_probability, samples.prompt AS question,
    closed.text AS closed_book, opened.text AS open_book, opened.evidence,
    critique.text AS feedback, critique.verdict, critique.probability,
    refined.text AS refined, checked.verdict AS second_check, samples.chosen,
    samples.flags, samples.run_id
FROM samples
    LEFT JOIN passages ON passages.id = samples.passage_id
    LEFT JOIN documents ON documents.id = passages.document_id
    LEFT JOIN answers AS closed ON closed.id = samples.closed_answer_id
    LEFT JOIN answers AS opened ON opened.id = samples.open_answer_id
    LEFT JOIN answers AS refined ON refined.id = samples.refined_answer_id
    LEFT JOIN feedback AS critique ON critique.id = samples.critique_id
    LEFT JOIN feedback AS checked ON checked.id = samples.check_id;

CREATE VIEW quiz_overview AS
SELECT quiz_results.id, questions.split, questions.origin, quiz_results.mode,
    quiz_results.round_id, questions.text AS question, questions.gold_answer,
    quiz_results.text AS answer, quiz_results.right, quiz_results.exact,
    quiz_results.f1, quiz_results.run_id
FROM quiz_results JOIN questions ON questions.id = quiz_results.question_id;
"""
