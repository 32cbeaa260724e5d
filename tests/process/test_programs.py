"""A whole round by a program: over HTTP, over MCP, and from Python."""

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict

import pytest
from anyio.from_thread import start_blocking_portal
from httpx2 import Client as HTTPClient
from mcp import Client, StdioServerParameters

from autolearn import Lab
from autolearn.api.operations import OPERATIONS
from autolearn.runs import queues, worker_processes
from tests.support.pages import ROOT, start_app

TEXT = "The harbour of {} was built in 1731 by the mason Tamsin Reed.\n"
READS = {operation.name for operation in OPERATIONS if not operation.changes}


@contextmanager
def over_http(folder):
    command = [sys.executable, "-m", "autolearn", "token", "--workspace", str(folder)]
    app = start_app(folder)
    try:
        text = subprocess.check_output(command, text=True, cwd=ROOT)
        headers = {"Authorization": f"Bearer {text.split()[-1]}"}
        base = f"{app.origin}/api"
        with HTTPClient() as stranger:
            assert stranger.get(f"{base}/workspace").status_code == 403
        with HTTPClient(base_url=base, headers=headers, timeout=120) as client:

            def call(name, /, **arguments):
                if name in READS:
                    answer = client.get(f"/{name}", params=arguments)
                else:
                    answer = client.post(f"/{name}", json=arguments)
                assert answer.status_code == 200, answer.text
                return answer.json()

            yield call
    finally:
        app.end()


@contextmanager
def over_mcp(folder):
    arguments = ["-m", "autolearn", "mcp", "--workspace", str(folder)]
    server = StdioServerParameters(
        command=sys.executable, args=arguments, cwd=ROOT, env=None
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server)) as client,
    ):

        def call(name, /, **arguments):
            answer = portal.call(client.call_tool, name, arguments)
            assert not answer.is_error, answer.content
            content = answer.structured_content
            return content["result"] if set(content) == {"result"} else content

        yield call


@contextmanager
def in_python(folder):
    with Lab(folder) as lab:

        def call(name, /, **arguments):
            value = getattr(lab, name)(**arguments)
            if isinstance(value, list):
                return [asdict(entry) for entry in value]
            return value if isinstance(value, int) else asdict(value)

        yield call


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A workspace whose worker goes on from one program to the next."""
    folder = tmp_path_factory.mktemp("workspace")
    yield folder
    worker_processes.stop_worker(folder)
    worker_processes.stop_worker(folder, queue=queues.IMPORT_QUEUE)


@pytest.mark.torch_model
@pytest.mark.parametrize(
    ("way", "town"), [(in_python, "Orvel"), (over_mcp, "Tessen"), (over_http, "Brin")]
)
def test_a_program_takes_a_text_through_a_whole_round(folder, way, town):
    with way(folder) as call:

        def finished(run):
            while run["state"] in ("queued", "running"):
                run = call("wait", run=run["id"], seconds=5)
            assert run["state"] == "done", run["error"]
            return run["result"]

        assert call("use_model")["round"] is None
        finished(call("add_text", name=town, text=TEXT.format(town)))
        (document,) = (d["id"] for d in call("documents") if d["name"] == town)
        assert finished(call("study", documents=[document]))["samples"]
        ids = [s["id"] for s in call("samples", state="pending", limit=4)]
        assert ids
        assert call("approve", samples=ids) == len(ids)
        trained = finished(call("train", max_steps=2))
        assert trained["steps"] == 2
        used = call("use_model", round=trained["round"])
        assert used["round"] == trained["round"]
        if way is not in_python:
            pairs = [{"question": "What is this?", "answer": "a harbour"}]
            assert call("add_questions", questions=pairs) == 1
        assert finished(call("chat", question="What is a harbour?"))["answer"]
        round_ = call("rounds")[-1]
        assert (round_["id"], round_["steps"]) == (trained["round"], 2)
