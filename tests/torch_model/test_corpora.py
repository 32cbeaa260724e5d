"""Meta-skill rounds by command, on the real worker and the built-in model."""

import json
import re

import pytest

from autolearn.cli.main import main
from autolearn.metaskills import items
from autolearn.runs import queues
from autolearn.store import Store

pytestmark = pytest.mark.torch_model


@pytest.fixture
def run(tmp_path, capsys):
    def run(*words, code=0):
        given = [*map(str, words), "--workspace", str(tmp_path / "lab"), "--json"]
        assert main(given) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    yield run
    queues.stop_worker(tmp_path / "lab", queue=queues.IMPORT_QUEUE)
    queues.stop_worker(tmp_path / "lab")


def town(i):
    return {
        "title": f"Avel {i}",
        "text": f"The town of Avel {i} has {300 + i} inhabitants. Ada founded it.",
        "qa": [
            {"question": f"How many live in Avel {i}?", "answer": f"{300 + i}"},
            {"question": f"Who founded Avel {i}?", "answer": "Ada"},
        ],
    }


def test_a_corpus_is_added_listed_trained_and_removed_by_command(run, tmp_path):
    refused = run("train", "--method", "meta", code=1)
    assert "--corpus invented" in refused["error"]
    file = tmp_path / "towns.jsonl"
    file.write_text("\n".join(json.dumps(town(i)) for i in range(12)))
    told = run("add", "--corpus", file, "--licence", "CC0")
    assert told["corpus"] == {"corpus": 1, "examples": 24, "texts": 12, "n_refused": 0}
    (listed,) = run("corpora")
    assert (listed["name"], listed["used"]) == ("towns.jsonl", "yes")
    refused = run("train", "--method", "meta", "--corpus", file, code=1)
    assert f"python -m autolearn add --corpus {file}" in refused["error"]
    quiz = tmp_path / "quiz.jsonl"
    quiz.write_text(json.dumps({"question": "Who founded Avel 3?", "answer": "Ada"}))
    run("add", "--quiz", quiz)
    told = run(
        *("train", "--method", "meta", "--meta-examples", 24, "--max-steps", 2),
        *("--replay-share", 0),
    )
    with Store.open(tmp_path / "lab") as store:
        frozen = [i for i in store.rounds.items(told["round"]) if i.teaches]
    assert len(frozen) == told["items"]
    assert {items.skill_of(item) for item in frozen} >= {"ask", "answer", "verdict"}
    assert told["dropped"] == 0
    shown = "\n".join(f"{i.chat[-1].content}\n{i.chosen}" for i in frozen)
    asked = set(re.findall(r"^Question: (.*)$", shown, re.M))
    assert "Who founded Avel 3?" not in asked
    assert "Who founded Avel 4?" in asked
    (listed,) = run("corpora", "--leave-out", 1)
    assert listed["used"] == "no"
    assert run("corpora", "--remove", 1) == []


def test_the_invented_world_is_added_where_a_round_names_it(run, tmp_path):
    told = run(
        *("train", "--method", "meta", "--corpus", "invented", "--max-steps", 1),
        *("--meta-examples", 16, "--replay-share", 0),
    )
    assert told["items"] == 16
    assert [one["name"] for one in run("corpora")] == ["invented world"]
    refused = run("train", "--method", "meta", "--corpus", "nowhere.jsonl", code=1)
    assert "neither a file nor a corpus 'nowhere.jsonl'" in refused["error"]
