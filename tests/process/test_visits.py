"""What the page's process keeps of visits that are over."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn

from autolearn.ui.launch import prepare
from benchmarks.visitor import Visitor
from tests.support.pages import until

N_VISITS = 20


class _Server(uvicorn.Server):
    """Runs in a thread, so it hears no signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
def served(tmp_path):
    """The page of a workspace behind a real server: its address and its visits."""
    from autolearn.ui import server  # noqa: PLC0415  # Gradio takes seconds

    prepare(tmp_path, None)
    app = server.gradio_app(tmp_path)
    web = _Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=web.run)
    thread.start()
    until(lambda: web.started, 30)
    (socket,) = web.servers[0].sockets
    (mount,) = app.routes
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}", mount.app.state_holder
    finally:
        mount.app.stop_event.set()
        web.should_exit = True
        thread.join()


def test_of_visits_that_are_over_only_the_last_ones_are_kept(served):
    from autolearn.ui import visits  # noqa: PLC0415

    address, kept = served
    with Visitor(address) as open_one:
        with ExitStack() as others:
            keys = [others.enter_context(Visitor(address)).key for _ in range(N_VISITS)]
            assert set(kept.session_data) == {open_one.key, *keys}
        until(lambda: len(kept.session_data) <= visits.KEPT + 1, 30)
        assert open_one.key in kept.session_data
        assert set(kept.time_last_used) == set(kept.session_data)
        open_one.open_tab("Library")
