import os
import sqlite3
import threading

import pytest

from autolearn.core.errors import StoreError
from autolearn.core.records import Metric, Question, Skip
from autolearn.store import Store


def test_a_file_that_is_no_database_raises_an_error_of_one_sentence(workspace):
    workspace.mkdir()
    (workspace / "autolearn.db").write_bytes(os.urandom(4096))
    with pytest.raises(StoreError, match=r"autolearn\.db is not a database.*damaged"):
        Store.open(workspace)


def test_a_damaged_database_raises_an_error_of_one_sentence(workspace):
    with Store.open(workspace) as store:
        store.db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    path = workspace / "autolearn.db"
    content = bytearray(path.read_bytes())
    content[100:2000] = b"\xff" * 1900
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="damaged; put back a copy"):
        Store.open(workspace)


def test_a_workspace_that_is_a_file_is_refused(workspace):
    workspace.write_text("")
    with pytest.raises(StoreError, match="is not a folder"):
        Store.open(workspace)


def test_a_database_that_cannot_be_opened_raises_an_error(workspace):
    (workspace / "autolearn.db").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(workspace)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_raises_an_error(workspace):
    workspace.mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"cannot be opened|is read-only"):
        Store.open(workspace)


def test_a_read_only_database_raises_an_error(store):
    store.db.write("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="is read-only; make it writable"):
        store.runs.create("study", {})


def test_a_full_disk_loses_nothing_that_was_committed(store):
    run = store.runs.create("study", {})
    journal = store.journal(run.id)
    journal.step("first", lambda: [Skip("ask", "nothing found")])
    (pages,) = store.db.rows("PRAGMA page_count")[0]
    store.db.write(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"disk is full\. Nothing.*free some space"):
        journal.step("second", lambda: [Skip("ask", "x" * 100_000)])
    store.db.write("PRAGMA max_page_count = 1000000")
    assert journal.step("second", lambda: []) == ()
    assert [skip.reason for skip in store.runs.skips(run.id)] == ["nothing found"]


def test_foreign_keys_are_enforced(store):
    with pytest.raises(StoreError, match=r"does not fit.*FOREIGN KEY"):
        store.library.add_questions([Question("Why?", "study", "gold", passage_id=7)])


def test_two_handles_in_two_threads_see_the_same(store):
    run = store.runs.create("study", {})

    def beat_many_times():
        with Store.open(store.folder) as other:
            for _ in range(50):
                other.runs.beat(run.id)

    thread = threading.Thread(target=beat_many_times)
    thread.start()
    for step in range(50):
        store.runs.add_metrics(run.id, [Metric(step, "loss", 1 / (step + 1))])
    thread.join()
    assert len(store.runs.metrics(run.id, "loss")) == 50
    assert store.runs.get(run.id).heartbeat_at is not None


def test_a_handle_belongs_to_one_thread(store):
    errors = []

    def use():
        try:
            store.runs.newest()
        except sqlite3.ProgrammingError as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(errors) == 1
