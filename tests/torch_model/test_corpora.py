"""Meta-skill rounds by command, on the real worker and the built-in model."""

import json
import re

import pytest

from autolearn.cli.main import main
from autolearn.metaskills import items
from autolearn.runs import queues, worker_processes
from autolearn.store import Store

pytestmark = pytest.mark.torch_model


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace whose worker goes on from one test to the next."""
    folder = tmp_path_factory.mktemp("corpora") / "lab"
    yield folder
    worker_processes.stop_worker(folder, queue=queues.IMPORT_QUEUE)
    worker_processes.stop_worker(folder)


@pytest.fixture
def run(workspace, capsys):
    def run(*words, code=0):
        arguments = [*map(str, words), "--workspace", str(workspace), "--json"]
        assert main(arguments) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def town(i):
    return {
        "title": f"Avel {i}",
        "text": f"The town of Avel {i} has {300 + i} inhabitants. Ada founded it.",
        "qa": [
            {"question": f"How many live in Avel {i}?", "answer": f"{300 + i}"},
            {"question": f"Who founded Avel {i}?", "answer": "Ada"},
        ],
    }


def test_a_corpus_is_added_listed_trained_and_removed_by_command(
    run, workspace, tmp_path
):
    Store.open(workspace).close()
    refusal = run("train", "--method", "meta", code=1)
    assert "built-in corpus of the invented world" in refusal["error"]
    file = tmp_path / "towns.jsonl"
    file.write_text("\n".join(json.dumps(town(i)) for i in range(12)))
    result = run("add", "--corpus", file, "--licence", "CC0")
    assert result["corpus"] == {
        "corpus": 1,
        "examples": 24,
        "texts": 12,
        "n_refused": 0,
    }
    (row,) = run("corpora")
    assert (row["name"], row["used"]) == ("towns.jsonl", "yes")
    refusal = run("train", "--method", "meta", "--corpus", file, code=1)
    assert f"python -m autolearn add --corpus {file}" in refusal["error"]
    quiz = tmp_path / "quiz.jsonl"
    quiz.write_text(json.dumps({"question": "Who founded Avel 3?", "answer": "Ada"}))
    run("add", "--quiz", quiz)
    result = run(
        *("train", "--method", "meta", "--meta-examples", 24, "--max-steps", 2),
        *("--replay-share", 0),
    )
    with Store.open(workspace) as store:
        train_items = [i for i in store.rounds.items(result["round"]) if i.teaches]
    assert len(train_items) == result["items"]
    assert {items.skill_of(item) for item in train_items} >= {
        "ask",
        "answer",
        "verdict",
    }
    assert result["dropped"] == 0
    text = "\n".join(f"{i.chat[-1].content}\n{i.chosen}" for i in train_items)
    questions = set(re.findall(r"^Question: (.*)$", text, re.M))
    assert "Who founded Avel 3?" not in questions
    assert "Who founded Avel 4?" in questions
    (row,) = run("corpora", "--leave-out", 1)
    assert row["used"] == "no"
    assert run("corpora", "--remove", 1) == []


def test_the_invented_world_is_added_where_a_round_names_it(run):
    result = run(
        *("train", "--method", "meta", "--corpus", "invented", "--max-steps", 1),
        *("--meta-examples", 16, "--replay-share", 0),
    )
    assert result["items"] == 16
    assert [row["name"] for row in run("corpora")] == ["invented world"]
    refusal = run("train", "--method", "meta", "--corpus", "nowhere.jsonl", code=1)
    assert "no corpus 'nowhere.jsonl'" in refusal["error"]
