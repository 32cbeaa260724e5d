from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import pytest
import sqlite_utils

from autolearn.core import records
from autolearn.core.errors import SchemaTooNew
from autolearn.core.records import TrainItem
from autolearn.store import Store, schema_sql
from autolearn.store.migrations import MIGRATIONS


def test_opening_again_changes_nothing(workspace):
    with Store.open(workspace) as store:
        first = schema_sql(store.db)
        applied = store.db.rows("SELECT * FROM _sqlite_migrations")
    with Store.open(workspace) as store:
        assert schema_sql(store.db) == first
        assert store.db.rows("SELECT * FROM _sqlite_migrations") == applied


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
    workspace.mkdir()
    old = sqlite_utils.Database(workspace / "autolearn.db")
    MIGRATIONS.apply(old, stop_before="m002_imagined")
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


def test_every_table_is_strict(store):
    tables = store.db.rows("PRAGMA table_list")
    ours = [
        table
        for table in tables
        if table["type"] == "table" and "sqlite_" not in table["name"]
    ]
    assert len(ours) == 22
    assert all(table["strict"] for table in ours)


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("questions", "split", records.Split),
        ("questions", "origin", records.Origin),
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
    allowed = statement.split(f"CHECK ({column} IN", 1)[1].split(")", 1)[0]
    assert allowed.strip().strip("(").replace("'", "").split(", ") == list(
        get_args(words)
    )


def test_the_schema_leaves_out_what_others_keep(store):
    schema = schema_sql(store.db)
    assert "CREATE VIRTUAL TABLE samples_search" in schema
    assert "samples_search_data" not in schema
    assert "_sqlite_migrations" not in schema
