"""Backups of a workspace in use, restored elsewhere, and the check of its files."""

import json
import shutil
import threading
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest
from filelock import FileLock

from autolearn.core import atomic, digests
from autolearn.core.errors import InputError, JobError, StoreError
from autolearn.core.records import Skip
from autolearn.ingest import importer
from autolearn.models import files as model_files
from autolearn.runs import worker_locks
from autolearn.runs.context import RunContext
from autolearn.services import actions, backups, doctor, integrity
from autolearn.store import Store, layout
from tests.support.rounds import approve, one_round
from tests.support.texts import put


@pytest.fixture
def lab(store, tmp_path):
    """A workspace with a text, decisions and a round with its adapter."""
    text = tmp_path / "avel.txt"
    text.write_text("Avel was founded in 1711.")
    assert put(store, text) == []
    approve(store, [None] * 3)
    round_ = one_round(store, "refined_sft")
    folder = store.folder / round_.adapter
    folder.mkdir(parents=True)
    for name in model_files.ADAPTER_FILES:
        (folder / name).write_text(f"of {name}")
    digest = model_files.adapter_digest(folder)
    store.rounds.finish(round_.id, round_.adapter, digest, 3)
    (store.folder / "prompts").mkdir()
    (store.folder / "prompts" / "ask.md").write_text("mine")
    (store.folder / "logs").mkdir()
    (store.folder / "logs" / "worker.log").write_text("long")
    return store


def contents(folder):
    """All rows of a workspace, and its files without what can be made again."""
    with Store.open(folder) as store:
        tables = store.db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [row["name"] for row in tables if "search" not in row["name"]]
        rows = {
            name: [tuple(row) for row in store.db.rows(f'SELECT * FROM "{name}"')]
            for name in names
        }
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for name in backups.FOLDERS
        for path in (folder / name).rglob("*")
        if path.is_file()
    }
    return rows, files


@pytest.mark.parametrize("name", ["copy", "copy.zip"])
def test_a_backup_restored_is_the_same_workspace(lab, tmp_path, name):
    target = tmp_path / "elsewhere" / name
    result = backups.back_up(lab.folder, target)
    assert result.missing == ()
    assert result.n_files == 5  # database, text, prompt, two files of the adapter
    backups.restore(target, tmp_path / "new")
    assert contents(tmp_path / "new") == contents(lab.folder)
    assert all(finding.ok for finding in integrity.check(tmp_path / "new"))
    assert [path.name for path in target.parent.iterdir()] == [name]


def test_a_backup_is_consistent_while_a_worker_writes(lab, tmp_path):
    stop = threading.Event()

    def write():
        with Store.open(lab.folder) as store:
            journal = store.journal(store.runs.create("study", {}).id)
            n = 0
            while not stop.is_set():
                n += 1
                skips = [Skip("ask", f"{n}-{i}") for i in range(3)]
                journal.step(f"step {n}", partial(list, skips))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            backups.back_up(lab.folder, tmp_path / f"{number}.zip")
    finally:
        stop.set()
        writer.join()
    counts = []
    for number in range(3):
        backups.restore(tmp_path / f"{number}.zip", tmp_path / f"lab-{number}")
        with Store.open(tmp_path / f"lab-{number}") as copy:
            steps = copy.db.rows(
                "SELECT count(*) AS n, (SELECT count(*) FROM skips) AS skips"
                " FROM steps WHERE name LIKE 'step %'"
            )[0]
            assert steps["skips"] == 3 * steps["n"]
            counts.append(steps["n"])
    assert counts == sorted(counts)
    assert counts[-1] > 0


def test_a_workspace_with_something_in_it_is_never_overwritten_in_silence(
    lab, tmp_path
):
    backups.back_up(lab.folder, tmp_path / "b.zip")
    lab.runs.create("study", {})
    before = contents(lab.folder)
    with pytest.raises(InputError, match=r"is not empty; .*--replace"):
        backups.restore(tmp_path / "b.zip", lab.folder)
    with (
        worker_locks.worker_lock(lab.folder),
        pytest.raises(JobError, match=r"at work in .*; stop it first"),
    ):
        backups.restore(tmp_path / "b.zip", lab.folder, replace=True)
    assert contents(lab.folder) == before
    lab.close()
    backups.restore(tmp_path / "b.zip", lab.folder, replace=True)
    (aside,) = tmp_path.glob("workspace.before-*")
    assert contents(aside) == before
    assert contents(lab.folder) != before
    with pytest.raises(InputError, match="exists already; name a new"):
        backups.back_up(lab.folder, tmp_path / "b.zip")


def test_a_workspace_that_is_opened_during_a_restore_is_not_replaced(
    lab, tmp_path, monkeypatch
):
    """It was only looked at before the backup was unpacked, which takes minutes."""
    backups.back_up(lab.folder, tmp_path / "b.zip")
    lab.runs.create("study", {})
    before = contents(lab.folder)
    page = FileLock(lab.folder / layout.PAGE_LOCK)
    unpack = backups._unpack

    def unpack_as_a_page_opens(*arguments):
        page.acquire()
        unpack(*arguments)

    monkeypatch.setattr(backups, "_unpack", unpack_as_a_page_opens)
    try:
        with pytest.raises(JobError, match="is open in a page; close it first"):
            backups.restore(tmp_path / "b.zip", lab.folder, replace=True)
    finally:
        page.release()
    assert contents(lab.folder) == before
    assert list(tmp_path.glob("workspace.before-*")) == []


def test_a_damaged_or_foreign_backup_is_refused_and_leaves_nothing(lab, tmp_path):
    backups.back_up(lab.folder, tmp_path / "b")
    adapter = tmp_path / "b" / "adapters" / "round-1" / "adapter_config.json"
    content = adapter.read_text()
    for damage, says in (
        (lambda: adapter.write_text("another"), "adapter_config.json has changed"),
        (adapter.unlink, "adapter_config.json is missing"),
    ):
        damage()
        with pytest.raises(InputError, match=says):
            backups.restore(tmp_path / "b", tmp_path / "new")
        adapter.write_text(content)
    manifest = tmp_path / "b" / "backup.json"
    values = json.loads(manifest.read_text())
    outside = {"../evil.txt": "0", "/etc/evil": "0", "other/x": "0"}
    for name, digest in outside.items():
        files = values["files"] | {name: digest}
        manifest.write_text(json.dumps(values | {"files": files}))
        with pytest.raises(InputError, match="is not a backup of autolearn"):
            backups.restore(tmp_path / "b", tmp_path / "new")
    with ZipFile(tmp_path / "foreign.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    for name, says in (
        ("foreign.zip", "is not a backup"),
        ("none.zip", "There is no backup"),
        ("avel.txt", "is damaged, or no backup"),
    ):
        with pytest.raises(InputError, match=says):
            backups.restore(tmp_path / name, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert list(tmp_path.glob(".*")) == []


def test_a_backup_is_restored_into_the_current_folder_but_not_into_a_file(
    lab, tmp_path, monkeypatch
):
    """Both ended with a traceback."""
    backups.back_up(lab.folder, tmp_path / "b.zip")
    (tmp_path / "new").mkdir()
    monkeypatch.chdir(tmp_path / "new")
    backups.restore(tmp_path / "b.zip", Path("."))
    monkeypatch.chdir(tmp_path)
    assert contents(tmp_path / "new") == contents(lab.folder)
    with pytest.raises(InputError, match=r"cannot be written .*choose another folder"):
        backups.restore(tmp_path / "b.zip", tmp_path / "avel.txt")


@pytest.mark.parametrize("name", ["copy", "copy.zip"])
def test_a_text_that_is_deleted_during_a_backup_is_named(
    lab, tmp_path, monkeypatch, name
):
    """The backup failed, and said that its own file could not be written."""
    collect = backups._collect

    def collect_before_a_person_deletes(*arguments):
        contents = collect(*arguments)
        shutil.rmtree(lab.folder / "originals")
        return contents

    monkeypatch.setattr(backups, "_collect", collect_before_a_person_deletes)
    result = backups.back_up(lab.folder, tmp_path / name)
    assert result.n_files == 4
    (sentence,) = result.missing
    assert sentence.startswith("originals/")
    assert backups.restore(tmp_path / name, tmp_path / "new").missing == (sentence,)


def test_an_import_reads_the_uploads_of_the_workspace_that_was_restored(lab, tmp_path):
    """It read those of the workspace of the backup, and deleted them there."""
    pasted = actions.Uploads(pasted_text=("Orvel", "Orvel was built in 1731."))
    run = actions.add_texts(lab, [], "built-in", 320, uploads=pasted)
    backups.back_up(lab.folder, tmp_path / "b.zip")
    backups.restore(tmp_path / "b.zip", tmp_path / "new")
    with Store.open(tmp_path / "new") as store:
        run = store.runs.get(run.id)
        importer.import_(RunContext(store, run, lambda: False, lambda *_: None))
        assert "Orvel" in [document.name for document in store.library.documents()]
    assert list((tmp_path / "new" / "incoming").iterdir()) == []
    assert len(list((lab.folder / "incoming").glob("*/pasted.txt"))) == 1


def test_nothing_is_backed_up_where_no_workspace_is(tmp_path):
    with pytest.raises(StoreError, match="holds no workspace"):
        backups.back_up(tmp_path / "none", tmp_path / "b.zip")
    assert not (tmp_path / "none").exists()


def test_a_check_finds_what_was_damaged_and_names_what_was_left(lab, tmp_path):
    assert all(finding.ok for finding in integrity.check(lab.folder))
    (lab.folder / "adapters" / "round-1" / "adapter_model.safetensors").write_text("?")
    (text,) = (lab.folder / "originals").iterdir()
    text.write_text("Avel was founded in 1712.")
    for name in ("adapters/round-7", "incoming/tmp1", "exports/.x.draft"):
        (lab.folder / name).mkdir(parents=True)
    findings = {finding.what: finding for finding in integrity.check(lab.folder)}
    assert [name for name, finding in findings.items() if not finding.ok] == [
        "adapters",
        "originals",
    ]
    assert "round 1" in findings["adapters"].result
    assert "avel.txt" in findings["originals"].result
    for name in ("adapters/round-7", "incoming/tmp1", "exports/.x.draft"):
        assert name in findings["leftovers"].result
    result = backups.back_up(lab.folder, tmp_path / "b")
    assert result.missing == ("The adapter of round 1 is missing or damaged.",)


def test_a_checkpoint_that_a_training_deletes_during_a_check_is_not_damaged(
    lab, monkeypatch
):
    """It was, or the check ended with a traceback."""
    for step in (1, 2, 3):
        folder = lab.folder / "checkpoints" / "round-2" / f"step-{step}"
        folder.mkdir(parents=True)
        (folder / "state.pt").write_text(f"state {step}")
        (folder / "state.sha256").write_text(digests.of_file(folder / "state.pt"))
    (folder / "state.pt").write_text("another")
    digest_of_file = digests.of_file

    def digest_as_the_training_deletes(file):
        if file.parent.name == "step-1":
            atomic.remove_folder(file.parent)
        return digest_of_file(file)

    monkeypatch.setattr(digests, "of_file", digest_as_the_training_deletes)
    (finding,) = [f for f in integrity.check(lab.folder) if f.what == "checkpoints"]
    assert finding.result.endswith("1 missing or damaged: checkpoints/round-2/step-3")


def test_a_damaged_database_is_told_by_check_and_doctor(lab):
    lab.db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    lab.close()
    path = lab.folder / "autolearn.db"
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    path.write_bytes(bytes(content))
    assert not integrity.check(lab.folder)[0].ok
    assert not doctor._workspace(lab.folder).ok
    assert "damaged" in doctor._workspace(lab.folder).result
