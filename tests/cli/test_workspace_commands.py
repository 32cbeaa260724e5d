"""The commands for a workspace as a whole: backup, restore and check."""

import json
import sqlite3
from contextlib import closing

import pytest

from autolearn.cli import main
from autolearn.services import doctor
from autolearn.store import Store
from tests.support.texts import put_text


@pytest.fixture
def lab(store):
    put_text(store, "a.md", "Ada leads Avel.")
    return store


@pytest.mark.parametrize("target", ["copy", "copy.zip"])
def test_a_workspace_is_checked_backed_up_and_restored(lab, target, tmp_path, capsys):
    backup, new = str(tmp_path / target), str(tmp_path / "new")
    assert main.main(["check", "--workspace", str(lab.folder)]) == 0
    assert main.main(["backup", backup, "--workspace", str(lab.folder)]) == 0
    assert main.main(["restore", backup, "--workspace", new]) == 0
    capsys.readouterr()
    assert main.main(["check", "--workspace", new, "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert "database" in [finding["what"] for finding in findings]
    assert all(finding["ok"] for finding in findings)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_damaged_workspace_is_an_error_with_all_findings(lab, as_json, capsys):
    lab.close()
    with closing(sqlite3.connect(lab.path)) as db, db:
        db.execute("UPDATE documents SET original = 'gone.md'")
    arguments = ["check", "--workspace", str(lab.folder)]
    assert main.main([*arguments, "--json"] if as_json else arguments) == 1
    said = capsys.readouterr()
    assert "damaged" in said.err
    if as_json:
        findings = json.loads(said.out)  # one value: the error was another one
        assert [row["what"] for row in findings if not row["ok"]] == ["originals"]
    else:
        assert "1 missing or damaged: a.md" in said.out


def test_general_knowledge_is_added_as_control_set(tmp_path, capsys):
    arguments = ["add", "--general-knowledge", "--workspace", str(tmp_path / "w")]
    assert main.main(arguments) == 0
    assert "general knowledge: 171" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", ["samples", "documents", "runs", "study", "train", "cancel", "experiments"]
)
def test_a_mistyped_workspace_is_reported_and_not_made(words, tmp_path, capsys):
    folder = tmp_path / "typo"
    assert main.main([words, "--workspace", str(folder)]) == 1
    assert f"There is no workspace {folder}" in capsys.readouterr().err
    assert not folder.exists()


def test_no_token_is_made_where_no_workspace_is(tmp_path, capsys):
    """It was that of no page, and its key was written into a folder of the user."""
    assert main.main(["token", "--workspace", str(tmp_path)]) == 1
    assert "There is no workspace" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_named_corpus_is_learned_in_a_new_workspace(tmp_path, capsys):
    (tmp_path / "empty.jsonl").write_text("")
    words = ["train", "--method", "meta", "--corpus", str(tmp_path / "empty.jsonl")]
    assert main.main([*words, "--workspace", str(tmp_path / "new")]) == 1
    assert "There is no workspace" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [("--quiz", "bad.jsonl"), ("--model", "http://127.0.0.1:9/v1")]
)
def test_a_run_that_is_refused_has_added_nothing(option, tmp_path, monkeypatch):
    """Its text was in the library, so the corrected command was refused as well."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("Ada leads Avel.")
    (tmp_path / "bad.jsonl").write_text('{"question": "Who?"}')
    assert main.main(["run", "a.md", *option]) == 1
    with Store.open(tmp_path / "workspace") as store:
        assert store.runs.newest() == []


def test_the_doctor_makes_no_workspace(tmp_path):
    finding = doctor._workspace(tmp_path / "new")
    assert (finding.ok, finding.result) == (True, f"none yet in {tmp_path / 'new'}")
    assert list(tmp_path.iterdir()) == []
