"""What is offered to other programs, and what is not."""

import errno
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from fastapi.testclient import TestClient
from mcp import Client

from autolearn import Lab
from autolearn.api import http, mcp
from autolearn.api.operations import MOST_SECONDS, OPERATIONS
from autolearn.core.errors import InputError
from autolearn.core.records import Question, Sample
from autolearn.core.run_settings import ImportRunSettings, PromptSettings
from autolearn.ingest import importer
from autolearn.runs import worker_processes
from autolearn.services import gold_actions, prompt_editor
from autolearn.store import QuestionFilter, Store
from autolearn.study import prompts
from tests.support import model_server
from tests.support.texts import put_text

ROOT = Path(__file__).parents[2]
FOR_PYTHON_ALONE = {"add", "close", "export", "model"}
"""Methods that name files, and two that other operations tell too."""
JSON = {"Content-Type": "application/json"}
NAMES = {operation.name for operation in OPERATIONS}


@pytest.fixture
def folder(workspace):
    """A workspace with a document and two samples."""
    with Store.open(workspace) as store:
        put_text(store, "a.md", "Avel was founded in 1711.")
        passage = store.library.passages()[0].id
        run = store.runs.create("study", {})
        journal = store.journal(run.id)
        text = "When was Avel founded?"
        question = Question(text, "study", "model", passage)
        (asked,) = journal.step("questions", lambda: [question])
        first = Sample(asked.id, text, "In 1711.", "No.", True, 0.9, passage)
        second = replace(first, prompt="<b>Who?</b>", gap_probability=0.4)
        journal.step("samples", lambda: [first, second])
    return workspace


@pytest.fixture
def client(folder):
    return TestClient(http.app(folder))


def asked(folder, tool, /, **arguments):
    """What an MCP tool answers."""

    async def ask():
        async with Client(mcp.server(folder)) as client:
            return await client.call_tool(tool, arguments)

    return anyio.run(ask)


def test_all_methods_are_offered_but_those_that_name_files():
    methods = {name for name in vars(Lab) if not name.startswith("_")}
    assert methods == NAMES | FOR_PYTHON_ALONE
    assert "Path" not in str([operation.parameters for operation in OPERATIONS])


def test_every_operation_says_what_it_does_and_types_all():
    for operation in OPERATIONS:
        assert operation.text.endswith((".", ". ")), operation.name
        assert operation.result is not inspect.Parameter.empty
        for parameter in operation.parameters:
            assert parameter.annotation is not inspect.Parameter.empty


def test_openapi_describes_every_operation_with_its_types(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {path.strip("/") for path in paths} == NAMES
    for operation in OPERATIONS:
        (method,) = paths[f"/{operation.name}"]
        assert method == ("post" if operation.changes else "get")


def test_reading_is_a_get_with_a_query(client):
    assert client.get("/workspace").json()["samples"]["pending"] == 2
    (document,) = client.get("/documents").json()
    assert document["name"] == "a.md"
    first, second = client.get("/samples", params={"state": "pending"}).json()
    assert first["question"] == "When was Avel founded?"
    rest = client.get("/samples", params={"after": first["id"]}).json()
    assert [sample["id"] for sample in rest] == [second["id"]]


def test_decisions_of_a_program_are_marked_as_its_own(client, folder):
    first, second = (s["id"] for s in client.get("/samples").json())
    assert client.post("/approve", json={"samples": [first]}).json() == 1
    refusal = {"samples": [second], "reason": "no question"}
    assert client.post("/reject", json=refusal).json() == 1
    edited = client.post("/edit", json={"sample": first, "answer": "1711."}).json()
    assert edited["chosen"] == "1711."
    with Store.open(folder) as store:
        assert {d.author for d in store.decisions.of([first])} == {"program"}
        assert store.samples.counts()["approved"] == 1


def test_questions_with_answers_become_the_quiz(client, folder):
    pairs = [{"question": "Who leads Avel?", "answer": "Ada"}]
    assert client.post("/add_questions", json={"questions": pairs}).json() == 1
    assert asked(folder, "add_questions", questions=pairs).structured_content == {
        "result": 1
    }


def test_general_knowledge_becomes_the_control_set(client, folder):
    n = client.post("/add_general_knowledge", json={}).json()
    assert n == len(gold_actions.general_knowledge())
    assert asked(folder, "add_general_knowledge").structured_content == {"result": n}


def test_a_refusal_is_one_sentence(client, folder):
    answer = client.post("/approve_by_rule", json={"rule": "all"})
    assert answer.status_code == 400
    assert answer.json() == {"error": answer.json()["error"]}
    assert "all" in answer.json()["error"]
    assert client.post("/wait", json={"run": 99}).status_code == 405
    assert client.get("/wait", params={"run": 99}).status_code == 400
    told = asked(folder, "approve_by_rule", rule="all")
    assert told.is_error
    assert answer.json()["error"] in told.content[0].text


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("approve", {"samples": "all"}),
        ("approve", {}),
        ("samples", {"state": "everything"}),
        ("add_text", {"name": "a"}),
        ("train", {"method": "magic"}),
    ],
)
def test_wrong_arguments_change_nothing(client, folder, name, arguments):
    if name == "samples":
        answer = client.get("/samples", params=arguments)
    else:
        answer = client.post(f"/{name}", json=arguments)
    assert answer.status_code == 422
    assert asked(folder, name, **arguments).is_error
    with Store.open(folder) as store:
        assert store.samples.counts()["pending"] == 2
        assert len(store.runs.newest()) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("wait", {"run": 1 << 70}),
        ("cancel", {"run": 1 << 70}),
        ("study", {"documents": [-1 << 70]}),
        ("chat", {"question": "Who \ud83d?"}),
        ("add_questions", {"questions": [{"question": "?", "answer": "\ud83d"}]}),
    ],
)
def test_values_that_cannot_be_stored_are_one_sentence(client, name, arguments):
    if name == "wait":
        answer = client.get("/wait", params=arguments)
    else:
        answer = client.post(f"/{name}", content=json.dumps(arguments), headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_values_that_json_cannot_write_are_wrong_parameters(client):
    answer = client.post("/chat", content='{"question": NaN}', headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "question"]


def test_a_program_may_send_texts_only_to_servers_of_a_person(client, folder):
    with model_server.running() as server:
        body = {"model": server.address}
        refusal = client.post("/use_model", json=body)
        assert refusal.status_code == 400
        assert "a person has chosen" in refusal.json()["error"]
        with Lab(folder) as lab:
            assert lab.model().model == "built-in"
            lab.use_model(server.address)
            lab.use_model("built-in")
        assert client.post("/use_model", json=body).json()["model"] == server.address


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("edit", {"sample": 1, "answer": " "}, "cannot be left empty"),
        ("add_text", {"name": " /", "text": "Ada leads Avel."}, "Enter a name"),
        ("add_questions", {"questions": [{"question": "Who?", "answer": ""}]}, "empty"),
    ],
)
def test_what_is_empty_is_refused_as_on_the_page(client, folder, name, arguments, says):
    answer = client.post(f"/{name}", json=arguments)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    with Store.open(folder) as store:
        assert len(store.runs.newest()) == 1
        assert store.samples.find()[0].chosen == "In 1711."
        assert store.library.questions(QuestionFilter(split="quiz")) == []


def test_a_sample_that_is_named_twice_is_decided_once(client):
    (first, *_) = (s["id"] for s in client.get("/samples").json())
    assert client.post("/approve", json={"samples": [first, first]}).json() == 1


def test_a_text_that_cannot_be_put_aside_is_refused_in_one_sentence(
    client, folder, monkeypatch
):
    """In a read-only workspace and on a full disk, it was an internal error."""

    def fail(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    text = {"name": "Orvel", "text": "Orvel has a harbour."}
    monkeypatch.setattr(importer, "mkdtemp", fail)
    assert "No space left" in client.post("/add_text", json=text).json()["error"]
    (folder / "incoming").rmdir()
    (folder / "incoming").write_text("")
    assert "is not a folder" in client.post("/add_text", json=text).json()["error"]


def test_no_call_waits_longer_than_a_minute(folder, monkeypatch):
    seconds = []
    monkeypatch.setattr(Lab, "wait", lambda self, run, most: seconds.append(most))
    wait = next(o for o in OPERATIONS if o.name == "wait").as_function(folder)
    wait(run=1, seconds=1e9)
    wait(run=1, seconds=float("nan"))
    wait(run=1, seconds=2.0)
    assert seconds == [MOST_SECONDS, MOST_SECONDS, 2.0]


def test_a_closed_tool_server_says_nothing_but_the_protocol(folder):
    """Whatever else stood on standard output would break it."""
    command = [sys.executable, "-m", "autolearn", "mcp", "--workspace", str(folder)]
    process = subprocess.run(command, input="", capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (0, ""), process.stderr


def test_the_server_of_the_guide_starts_in_any_folder(tmp_path):
    """Its command was one for the folder of autolearn alone."""
    guide = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    servers = json.loads(example.replace("/home/me/autolearn", str(ROOT)))
    server = servers["mcpServers"]["autolearn"]
    *arguments, _ = server["args"]
    process = subprocess.run(
        [sys.executable, *arguments, str(tmp_path / "lab")],
        input="",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **server["env"]},
    )
    assert (process.returncode, process.stdout) == (0, ""), process.stderr


def test_a_notebook_gets_values_and_sentences(folder):
    with Lab(folder) as lab:
        assert lab.workspace().documents == 1
        assert [s.question for s in lab.samples(search="Avel")] == [
            "When was Avel founded?"
        ]
        assert lab.approve([lab.samples()[0].id]) == 1
        with pytest.raises(InputError, match="rule"):
            lab.approve_by_rule("all")
        json.dumps(lab.runs()[0].result)


@pytest.fixture
def no_worker(monkeypatch):
    """Leave runs in the queue, and the prompts of this process as they were."""
    monkeypatch.setattr(worker_processes, "start_worker_for", lambda *_: None)
    monkeypatch.setattr(prompts, "_folder", None)


def newest_run(folder):
    with Store.open(folder) as store:
        return store.runs.newest()[0]


@pytest.mark.usefixtures("no_worker")
def test_a_workspace_stays_where_it_was_opened(tmp_path, monkeypatch):
    """After a change of the current folder, its workers were started for another."""
    monkeypatch.chdir(tmp_path)
    with Lab("lab") as lab:
        monkeypatch.chdir("/")
        assert lab.workspace().folder == str(tmp_path / "lab")


@pytest.mark.usefixtures("no_worker")
def test_each_workspace_of_a_program_is_asked_by_its_own_prompts(tmp_path):
    """All were asked by the prompts of the one that was opened last."""
    text = prompts.default_text("ask").replace("one fact", "one thing")
    prompt_editor.save(tmp_path / "b", "ask", text)
    with Lab(tmp_path / "a", timeout=0) as a, Lab(tmp_path / "b", timeout=0) as b:
        for lab in (a, b):
            lab.chat("Who leads Avel?")
    runs = [newest_run(tmp_path / name) for name in "ab"]
    changed = [list(PromptSettings.of(run).changed_prompts or {}) for run in runs]
    assert changed == [[], ["ask"]]


@pytest.mark.usefixtures("no_worker")
def test_a_single_path_is_one_file(tmp_path, monkeypatch):
    """Each of its letters was a path, and the full stop all that is around it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("Ada leads Avel.")
    with Lab(tmp_path / "lab", timeout=0) as lab:
        lab.add("a.md")
    (source,) = ImportRunSettings.of(newest_run(tmp_path / "lab")).sources
    assert source.path == str(tmp_path / "a.md")
