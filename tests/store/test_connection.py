"""How the database of a workspace is made, refused, and opened for reading only."""

import errno
import os
import sqlite3

import pytest
import sqlite_utils

from autolearn.core import atomic
from autolearn.core.errors import JobError, StoreError
from autolearn.core.records import Skip
from autolearn.store import Store, copies, schema_sql
from autolearn.store.migrations import MIGRATIONS


@pytest.fixture
def filled_workspace(workspace):
    """A workspace with one run, closed."""
    with Store.open(workspace) as store:
        run = store.runs.create("study", {"seed": 3})
        store.journal(run.id).step("ask", lambda: [Skip("ask", "nothing")])
    return workspace


@pytest.fixture
def forbid(monkeypatch):
    """Let a folder look as if this user may not write there; root always may."""

    def forbid(folder):
        usual = os.access

        def access(path, mode):
            is_there = os.path.abspath(path).startswith(str(folder))
            return usual(path, mode) and not (is_there and mode & os.W_OK)

        monkeypatch.setattr(os, "access", access)

    return forbid


def test_an_empty_file_is_refused_and_never_becomes_a_new_database(filled_workspace):
    path = filled_workspace / "autolearn.db"
    path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"0 bytes.*Restore a backup"):
            Store.open(filled_workspace)
    assert path.stat().st_size == 0


def test_a_new_database_has_its_name_only_once_it_is_complete(workspace, monkeypatch):
    def die(draft, path):
        draft.write_bytes(draft.read_bytes()[:5000])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "put_in_place", die)
        with pytest.raises(KeyboardInterrupt):
            Store.open(workspace)
    assert len(list(workspace.glob(".autolearn.db.*"))) == 1
    assert not (workspace / "autolearn.db").exists()
    with Store.open(workspace) as store:
        assert store.runs.newest() == []


def test_a_full_disk_leaves_no_database_and_is_named(workspace, monkeypatch):
    def is_full(draft, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "put_in_place", is_full)
        with pytest.raises(StoreError, match=r"disk is full"):
            Store.open(workspace)
    with Store.open(workspace) as store:
        assert store.runs.newest() == []


def test_new_databases_are_equal_and_independent(tmp_path):
    with (
        Store.open(tmp_path / "first") as first,
        Store.open(tmp_path / "other") as other,
    ):
        assert schema_sql(first.db) == schema_sql(other.db) != ""
        first.runs.create("study", {})
        assert other.runs.newest() == []


@pytest.mark.parametrize("has_wal", [False, True])
def test_a_read_only_workspace_is_looked_at_and_says_why_it_cannot_change(
    filled_workspace, forbid, has_wal
):
    writer = Store.open(filled_workspace) if has_wal else None
    forbid(filled_workspace)
    with Store.open(filled_workspace) as store:
        assert store.read_only
        assert [run.settings for run in store.runs.newest()] == [{"seed": 3}]
        assert [skip.reason for skip in store.runs.skips(1)] == ["nothing"]
        for change in (
            lambda: store.runs.create("study", {}),
            lambda: store.runs.finish(1, "done"),
            lambda: store.choices.set("model", {}),
        ):
            with pytest.raises(StoreError, match="is read-only; make it writable"):
                change()
    if writer:
        writer.close()


def test_a_read_only_workspace_of_an_older_version_says_what_to_do(workspace, forbid):
    workspace.mkdir()
    old = sqlite_utils.Database(workspace / "autolearn.db")
    MIGRATIONS.apply(old, stop_before="m016_recovery")
    old.close()
    forbid(workspace)
    with pytest.raises(StoreError, match="copy the workspace to a writable place"):
        Store.open(workspace)


def test_what_is_committed_is_on_the_disk_and_progress_need_not_be(store):
    def level():
        return store.db.rows("PRAGMA synchronous")[0][0]

    assert level() == 2, "FULL"
    with store.db.unflushed():
        assert level() == 1, "NORMAL"
    assert level() == 2
    with store.atomic(), store.db.unflushed():
        assert level() == 2, "the whole transaction is flushed"


def test_a_transaction_within_another_belongs_to_it(store):
    with pytest.raises(JobError), store.atomic():
        store.runs.get(store.runs.create("study", {}).id + 1)
    assert store.runs.newest() == []


def test_damage_is_named_and_the_file_is_not_changed(filled_workspace):
    path = filled_workspace / "autolearn.db"
    assert copies.problems(path) == []
    raw = sqlite3.connect(path)
    raw.execute("INSERT INTO metrics (run_id, name, step, value) VALUES (9, 'x', 1, 1)")
    raw.execute("INSERT INTO steps (run_id, name, n_records) VALUES (8, 'x', 1)")
    raw.commit()
    raw.close()
    assert any("refers to a row of runs" in text for text in copies.problems(path))
    content = bytearray(path.read_bytes())
    content[4096 * 6 : 4096 * 12] = os.urandom(4096 * 6)
    path.write_bytes(bytes(content))
    assert copies.problems(path)
    assert path.read_bytes() == bytes(content)
    path.write_bytes(b"")
    assert copies.problems(path) == [f"{path} is missing or empty."]
