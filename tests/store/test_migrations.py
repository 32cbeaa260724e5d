import json
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import pytest

from autolearn.core import quiz_records, records
from autolearn.core.errors import SchemaTooNew
from autolearn.core.records import TrainItem
from autolearn.evaluation import quiz_sets, quiz_versions
from autolearn.store import RunFilter, Store, schema_sql
from tests.support import old_runs
from tests.support.texts import put_passages


def test_opening_again_changes_nothing(workspace):
    with Store.open(workspace) as store:
        first = schema_sql(store.db)
        migrations = store.db.rows("SELECT * FROM _sqlite_migrations")
    with Store.open(workspace) as store:
        assert schema_sql(store.db) == first
        assert store.db.rows("SELECT * FROM _sqlite_migrations") == migrations


def test_what_was_kept_is_there_after_opening_again(workspace):
    with Store.open(workspace) as store:
        run = store.runs.create("study", {"seed": 3})
    with Store.open(workspace) as store:
        assert store.runs.get(run.id) == run


def test_many_may_open_a_new_workspace_at_once(workspace):
    def open_and_close(_: int) -> str:
        with Store.open(workspace) as store:
            return schema_sql(store.db)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(open_and_close, range(16)))) == 1


def test_a_database_of_a_newer_version_is_refused(workspace):
    with Store.open(workspace) as store:
        store.db.write(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('autolearn', 'm999_later', '')"
        )
    with pytest.raises(SchemaTooNew, match=r"newer autolearn.*m999_later.*update"):
        Store.open(workspace)


def test_a_database_of_the_first_release_keeps_its_rounds(workspace):
    old = old_runs.old_database(workspace, "m002_imagined")
    old.execute("INSERT INTO runs (id, kind, settings) VALUES (1, 'train', '{}')")
    old.execute(
        "INSERT INTO rounds VALUES"
        " (1, 'join', 1, '{}', '{}', NULL, 'trained', NULL, NULL, 3, '{}', '')"
    )
    old.execute(
        "INSERT INTO round_items VALUES (7, 1, 0, 'replay', '[]', 'x', NULL, 1.0, NULL)"
    )
    old.conn.commit()
    old.close()
    with Store.open(workspace) as store:
        assert store.rounds.items(1) == [TrainItem("replay", (), "x")]
        assert [row["id"] for row in store.db.rows("SELECT id FROM round_items")] == [7]
        with Store.open(workspace.with_name("new")) as new:
            assert schema_sql(store.db) == schema_sql(new.db)


def test_the_runs_of_an_old_workspace_are_found_by_their_links(workspace):
    old_runs.write(old_runs.old_database(workspace, "m012_run_links"))
    with Store.open(workspace) as store:
        chain = [1]
        while following := store.runs.next_in_pipeline(chain[-1]):
            chain.append(following.id)
        assert chain == [1, 2, 3, 4]
        digest = old_runs.DIGEST
        assert [run.id for run in store.runs.quizzes(digest, None)] == [2]
        assert [run.id for run in store.runs.quizzes(digest, 1)] == [4]
        assert store.runs.quizzes("another", None) == []
        with_model = store.runs.find(RunFilter(model="built-in", quantization="nf4"))
        assert {run.kind for run in with_model} >= {"study", "train", "quiz", "chat"}
        run = store.runs.last("import")
        assert run
        assert run.model is None


def test_an_old_quiz_keeps_its_questions_and_scores(workspace):
    old = old_runs.old_database(workspace, "m013_quizzes")
    old.execute("INSERT INTO runs (id, kind, settings) VALUES (1, 'quiz', '{}')")
    for number, value in ((1, "A"), (2, "5")):
        old.execute(
            "INSERT INTO questions (id, text, split, origin, gold_answer, gold_value,"
            " flags) VALUES (?, ?, 'quiz', 'gold', ?, ?, '[]')",
            (number, f"Which {number}?", value, value),
        )
    for number, finish, right in ((1, "stop", 1), (2, "length", 1)):
        old.execute(
            "INSERT INTO generations (id, run_id, prompt_name, prompt_digest, prompt,"
            " raw, finish, n_prompt_tokens, n_tokens, temperature, top_p,"
            " max_new_tokens, seed, model, model_digest, quantization, dtype, device)"
            " VALUES (?, 1, '', '', '[]', '', ?, 1, 1, 0.0, 1.0, 96, 0, '', '', '', '',"
            " '')",
            (number, finish),
        )
        old.execute(
            "INSERT INTO quiz_results (question_id, mode, text, right, exact, f1,"
            " generation_id, run_id) VALUES (?, 'closed_book', '3.5', ?, 0, 0.0, ?, 1)",
            (number, right, number),
        )
    old.conn.commit()
    old.close()
    with Store.open(workspace) as store:
        results = store.runs.quiz_results(1)
        assert [result.right for result in results] == [True, True]
        assert [result.truncated for result in results] == [False, True]
        questions = quiz_sets.questions(store, "quiz")
        assert [q.question.scorer for q in questions] == ["contains", "contains"]
        assert [q.question.aliases for q in questions] == [(), ()]
        assert store.quizzes.newest() is None
        assert quiz_versions.freeze(store).version == 1
        with Store.open(workspace.with_name("new")) as new:
            assert schema_sql(store.db) == schema_sql(new.db)


def test_ids_that_old_runs_name_are_not_given_again(workspace):
    old = old_runs.old_database(workspace, "m022_counts")
    for kind, settings in (
        ("study", {"documents": [4, 5]}),
        ("import", {"document_id": 8}),
        ("chat", {"passages": [70], "messages": [{"content": "99"}]}),
        ("train", {"scope": {"documents": [6]}, "corpus_ids": [3], "seed": 1000}),
    ):
        row = (kind, json.dumps(settings))
        old.execute("INSERT INTO runs (kind, settings) VALUES (?, ?)", row)
    old.conn.commit()
    old.close()
    with Store.open(workspace) as store:
        (passage,) = put_passages(store, "avel.md", ["Avel was founded in 1711."])
        assert (passage.document_id, passage.id) == (9, 71)
        rows = store.db.rows("SELECT id FROM last_ids WHERE name = 'corpora'")
        assert [row["id"] for row in rows] == [3]


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("after_id = 1", "runs_by_after"),
        ("conversation = 1 ORDER BY id", "runs_by_conversation"),
        ("kind = 'study' ORDER BY id DESC", "runs_by_"),
        (
            "kind = 'quiz' AND model_digest = 'd' AND round_id IS NULL ORDER BY id",
            "runs_by_model",
        ),
    ],
)
def test_runs_are_found_by_their_links_through_an_index(store, condition, index):
    plan = store.db.rows(f"EXPLAIN QUERY PLAN SELECT * FROM runs WHERE {condition}")
    assert len(plan) == 1, "nothing is sorted"
    assert f"SEARCH runs USING INDEX {index}" in plan[0]["detail"]


def test_every_table_is_strict(store):
    tables = store.db.rows("PRAGMA table_list")
    ours = [
        table
        for table in tables
        if table["type"] == "table" and "sqlite_" not in table["name"]
    ]
    assert len(ours) == 26
    assert all(table["strict"] for table in ours)


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("questions", "split", records.Split),
        ("questions", "origin", records.Origin),
        ("questions", "scorer", quiz_records.Scorer),
        ("answers", "kind", records.AnswerKind),
        ("feedback", "verdict", records.Verdict),
        ("feedback", "purpose", records.Purpose),
        ("decisions", "action", records.Action),
        ("samples", "state", records.SampleState),
        ("runs", "kind", records.RunKind),
        ("runs", "state", records.RunState),
        ("round_items", "kind", records.ItemKind),
        ("rounds", "state", records.RoundState),
    ],
)
def test_the_tables_allow_exactly_the_words_of_the_records(store, table, column, words):
    statement = next(
        row["sql"]
        for row in store.db.rows("SELECT sql FROM sqlite_master")
        if row["sql"] and row["sql"].startswith(f"CREATE TABLE {table} ")
    )
    words_allowed = statement.split(f"CHECK ({column} IN", 1)[1].split(")", 1)[0]
    assert words_allowed.strip().strip("(").replace("'", "").split(", ") == list(
        get_args(words)
    )


def test_the_schema_leaves_out_what_others_keep(store):
    schema = schema_sql(store.db)
    assert "CREATE VIRTUAL TABLE samples_search" in schema
    assert "samples_search_data" not in schema
    assert "_sqlite_migrations" not in schema
