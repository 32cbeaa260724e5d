"""What the page's process keeps of visits that are over."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Queue
from typing import Any

import httpx2
import pytest
import uvicorn

from autolearn.ui.launch import prepare
from benchmarks.visitor import Visitor
from tests.support.pages import until

N_VISITS = 11
"""More than are kept after their end."""


class _Server(uvicorn.Server):
    """Runs in a thread, so it hears no signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def served(folder):
    """The page of a workspace behind a real server: its address and its visits."""
    prepare(folder / "lab", None)
    ready: Queue[tuple[_Server, Any]] = Queue()

    async def serve() -> None:
        # Gradio would make an event loop of its own if none was running.
        from autolearn.ui import server  # noqa: PLC0415  # takes seconds

        app = server.gradio_app(folder / "lab")
        web = _Server(uvicorn.Config(app, port=0, log_level="warning"))
        ready.put((web, server.mounted_page(app)))
        await web.serve()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "temporary"))
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        web, app = ready.get(timeout=60)
        until(lambda: web.started)
        (socket,) = web.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}", app.state_holder
        app.stop_event.set()
        web.should_exit = True
        thread.join()


def test_of_visits_that_are_over_only_the_last_ones_are_kept(served):
    from autolearn.ui import closed_pages  # noqa: PLC0415

    address, kept = served
    with Visitor(address) as open_one:
        with ExitStack() as others:
            keys = [others.enter_context(Visitor(address)).key for _ in range(N_VISITS)]
            assert set(kept.session_data) >= {open_one.key, *keys}
        until(lambda: len(kept.session_data), lambda n: n <= closed_pages.KEPT + 1)
        assert open_one.key in kept.session_data
        assert set(kept.time_last_used) == set(kept.session_data)
        open_one.open_tab("Library")
        open_one.type_into("model-name", "built-in")


NAMES = (
    "../../evil.md",
    "/etc/evil.md",
    "..\\evil.md",
    "a" * 400 + ".md",
    "\u202ea.md",
)


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_stays_in_the_temporary_folder_whatever_its_name(
    served, folder, name
):
    address, _ = served
    before, content = set(folder.rglob("*")), name.encode()
    answer = httpx2.post(
        f"{address}/gradio_api/upload", files={"files": (name, content)}, timeout=60
    )
    files = {path for path in folder.rglob("*") if path.is_file()} - before
    assert len(files) == (answer.status_code == 200)
    for path in files:
        assert path.is_relative_to(folder / "temporary")
        assert path.read_bytes() == content


def test_names_of_visits_that_somebody_makes_up_do_not_fill_the_memory(
    served, monkeypatch
):
    from autolearn.ui import closed_pages  # noqa: PLC0415

    address, kept = served
    assert kept.capacity == closed_pages.CAPACITY
    monkeypatch.setattr(kept, "capacity", 10)
    with Visitor(address) as visitor:
        for number in range(15):
            visitor.key = f"made-up-{number}"
            visitor.look()
            assert len(kept.session_data) <= 10
    assert set(kept.time_last_used) == set(kept.session_data)
