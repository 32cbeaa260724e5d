"""The command line, without a model: what it says, and with which exit code."""

import json
from dataclasses import replace

import pytest

from autolearn.cli.main import main
from autolearn.core.errors import JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Round
from autolearn.core.settings import TrainSettings
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.runs import queues, worker_processes
from autolearn.services import actions
from autolearn.store import Store
from autolearn.store.runs import Runs
from autolearn.training import presets


@pytest.fixture
def run(tmp_path, capsys):
    Store.open(tmp_path / "lab").close()

    def run(*words, code=0):
        arguments = [*map(str, words), "--workspace", str(tmp_path / "lab")]
        assert main(arguments) == code
        return capsys.readouterr()

    yield run
    assert worker_processes.stop_worker(tmp_path / "lab", queue=queues.IMPORT_QUEUE)


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "avel.txt"
    file.write_text("Avel was founded in 1711.")
    return file


def test_adding_a_text_tells_how_much_there_is(run, text):
    result = json.loads(run("add", text, "--json").out.splitlines()[-1])
    assert (result["documents"], result["passages"], result["refused"]) == (1, 1, 0)


def test_a_refused_file_is_one_sentence_and_exit_1(run, tmp_path):
    output = run("add", tmp_path / "none.txt", code=1)
    assert output.err.splitlines()[-1].startswith("There is no file")
    assert "Traceback" not in output.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["study"], "There is no text to study"),
        (["approve", "--rule", "default"], "There are no samples yet"),
        (["approve"], "Name the samples"),
        (["train"], "No sample is approved"),
        (["quiz"], "There is no quiz"),
        (["undo"], "no decision to undo"),
        (["resume"], "no unfinished run"),
        (["resume", "7"], "There is no run 7"),
        (["resume", "0"], "There is no run 0"),
        (["cancel"], "Nothing is running"),
        (["add"], "Name a text file"),
        (["reject", "5"], "There is no sample 5"),
        (["edit", "5"], "Give the new text with --answer"),
        (["train", "--learning-rate", "-1"], "learning_rate must be from 0 to 1"),
        (["study", "--quantization", "int3"], "quantization must be one of"),
    ],
)
def test_an_action_that_cannot_be_done_gives_one_sentence(run, words, says):
    output = run(*words, code=1)
    sentence, *command = output.err.strip().splitlines()
    assert says in sentence
    assert len(command) <= 1
    assert all(line.startswith("Command: python -m autolearn ") for line in command)


def test_settings_that_are_not_given_follow_from_the_size_of_the_model(
    run, monkeypatch
):
    calls = []

    def train(store, model, settings, *others):
        calls.append(settings)
        raise JobError("Enough.")

    large = replace(model_shape.of(model_files.BUILT_IN), parameters=8 * 10**9)
    monkeypatch.setattr(model_shape, "of", lambda folder: large)
    monkeypatch.setattr(actions, "train", train)
    run("train", "--rank", 8, code=1)
    usual = presets.PRESETS["facts"].apply(TrainSettings())
    assert calls == [replace(usual, rank=8)]


def test_an_error_is_json_too_when_json_is_wanted(run):
    output = run("study", "--json", code=1)
    assert "no text" in json.loads(output.out)["error"]


def test_a_stop_is_json_too_when_json_is_wanted(run, monkeypatch):
    def interrupt(store, limit):
        raise KeyboardInterrupt

    monkeypatch.setattr(Runs, "newest", interrupt)
    output = run("runs", "--json", code=1)
    assert json.loads(output.out) == {"error": "Stopped."}


@pytest.mark.parametrize(
    "words",
    [["fly"], [], ["train", "--method", "magic"], ["approve", "--rule", "magic"]],
)
def test_a_wrong_call_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(words)
    assert exit_.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_an_empty_workspace_lists_nothing(run):
    assert run("runs").out == "(none)\n"
    assert run("rounds").out == "(none)\n"
    assert run("samples").out == "(none)\n"


def test_a_workspace_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert main(["runs", "--workspace", str(tmp_path / "file")]) == 1
    assert "not a folder" in capsys.readouterr().err


def test_a_damaged_database_is_refused(run, tmp_path):
    (tmp_path / "lab" / "autolearn.db").write_bytes(b"x" * 5000)
    assert "not a database" in run("runs", code=1).err


def test_a_demo_wants_an_empty_workspace(run, text):
    run("add", text)
    assert "has documents already" in run("demo", code=1).err


def test_a_round_is_listed_with_what_it_learned_and_forgot(run, tmp_path):
    scores: dict[str, object] = {
        "validation": 0.95,
        "forgetting_kl": 0.031,
        "scale": 0.85,
    }
    with Store.open(tmp_path / "lab") as store:
        made_by = store.runs.create("train", {})
        model = ModelIdentity("built-in", "d", "nf4", "", "")
        store.rounds.create(
            Round("refined_sft", made_by.id, {}, model, scores=scores), []
        )
    (row,) = json.loads(run("rounds", "--json").out)
    assert {name: row[name] for name in scores} == scores
    assert "0.031" in run("rounds").out


def test_prompts_are_listed_shown_changed_and_reset(run, tmp_path):
    def states():
        rows = json.loads(run("prompts", "--json").out)
        return {row["prompt"]: row["state"] for row in rows}

    assert set(states().values()) == {"default"}
    file = tmp_path / "mine.md"
    file.write_text(run("prompts", "show", "ask").out.replace("one fact", "one thing"))
    assert "state: changed" in run("prompts", "set", "ask", file).out
    assert states()["ask"] == "changed"
    assert run("prompts", "show", "ask").out == file.read_text()
    file.write_text("nothing")
    assert "needs the parts" in run("prompts", "set", "ask", file, code=1).err
    assert "Name the prompt" in run("prompts", "reset", code=1).err
    assert "no prompt 'asks'" in run("prompts", "show", "asks", code=1).err
    assert "cannot be read" in run("prompts", "set", "ask", tmp_path, code=1).err
    assert "state: default" in run("prompts", "reset", "ask").out
    assert set(states().values()) == {"default"}
