"""What the tests of the page do with a page."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import APIResponse, Page, Request, Route, expect

from autolearn.core.records import Run, RunKind, SampleState
from autolearn.store import RunFilter, Store

ROOT = Path(__file__).parents[2]
PATIENCE = 30_000
"""Milliseconds until a slow machine is given up."""
START_SECONDS = 120.0
"""Seconds until an app that does not answer is killed."""

T = TypeVar("T")


@dataclass
class App:
    """A running `app.py`, and what its pages did that they should not."""

    folder: Path
    process: subprocess.Popen[str]
    url: str
    """Its address with the token."""
    strays: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Its address without the token."""
        return self.url.partition("/?")[0]

    def store(self) -> Store:
        return Store.open(self.folder)

    def end(self, number: int = signal.SIGINT) -> None:
        """End it as Ctrl-C does, or as a kill."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()


_ports: list[int] = []
"""Ports of the apps that this process has started."""


def _unused_port() -> int:
    """Return a port that an app has had before, or else one of the system's choice.

    By its address the browser knows what it has loaded before, and compiled. Apps that
    are begun at once have different ports.
    """
    for port in (*_ports, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            unused = int(probe.getsockname()[1])
            if unused not in _ports:
                _ports.append(unused)
            return unused
    raise AssertionError("no port is free")


def start_app(folder: Path) -> App:
    """Start the app on a workspace, and wait until it answers.

    Raises:
        AssertionError: It ended before that; with what it wrote.
    """
    # What runs without a terminal ignores Ctrl-C, and so would the app that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    place = ("--workspace", str(folder), "--port", str(_unused_port()))
    process = subprocess.Popen(
        [sys.executable, "app.py", *place, "--no-browser"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if match := re.search(r"autolearn is at (\S+)", line):
                return App(folder, process, match[1])
    finally:
        watchdog.cancel()
    process.communicate()
    raise AssertionError("".join(lines))


def load_anew(page: Page, app: App) -> None:
    """Load a page anew; the browser may tell of the streams that it cuts by that."""
    n = len(app.strays)
    page.reload()
    page.locator(".al-status").wait_for()
    cut = ("AbortError", "Connection errored out")
    app.strays[n:] = [s for s in app.strays[n:] if not any(sign in s for sign in cut)]


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def open_review(page: Page) -> None:
    """Open the review, and wait until it is drawn and its keys work."""
    open_tab(page, "Review")
    expect(page.locator("#review-card")).not_to_be_empty()
    # Off until the page knows what the person has chosen.
    expect(page.locator("#review-keys input")).to_be_checked()


def name_model(page: Page, name: str) -> None:
    """Type the name of a model, once the page has filled in the one in use."""
    open_tab(page, "Model")
    box = page.locator("#model-name").get_by_role("textbox")
    expect(box).not_to_have_value("")
    box.fill(name)


def begin_short_study(page: Page) -> None:
    """Study the passage of a small workspace, with few questions."""
    open_tab(page, "Study")
    # What opening the tab draws may move the button.
    expect(page.locator("#study-effort")).to_contain_text("1 passage; ")
    fill(page, "study-ask_rounds", 1)
    fill(page, "study-paraphrases", 1)
    page.locator("#study").click()


def plan_short_round(page: Page) -> None:
    """Plan a round of a few steps, once the preset has filled in its values."""
    open_tab(page, "Train")
    expect(page.locator("#train-plan")).to_contain_text("Ready to train")
    fill(page, "train-replay_weight", 0)
    fill(page, "train-max_steps", 12)


def until(
    read: Callable[[], T],
    holds: Callable[[T], object] = bool,
    *,
    seconds: float = 120,
) -> None:
    """Wait until what is read holds; else tell what was read last."""
    deadline = time.monotonic() + seconds
    while not holds(last := read()):
        assert time.monotonic() < deadline, f"it never came to hold, last: {last!r}"
        time.sleep(0.2)


def until_is(
    wanted: object, read: Callable[[], object], *, seconds: float = 120
) -> None:
    """Wait until something has a value; else tell which one it had last."""
    until(read, lambda last: last == wanted, seconds=seconds)


def fill(page: Page, setting: str, value: object) -> None:
    """Enter the value of a setting that is a number."""
    page.locator(f"#{setting}").get_by_role("spinbutton").last.fill(str(value))


def counts(app: App) -> dict[SampleState, int]:
    """Return how many samples are in each state."""
    with app.store() as store:
        return store.samples.counts()


def runs(app: App, *kinds: RunKind) -> list[Run]:
    """Return the runs of these kinds, or all, the oldest first.

    Raises:
        AssertionError: One has failed or was interrupted; with its reason.
    """
    with app.store() as store:
        found = store.runs.find(RunFilter(kinds or None))
    lost = [run for run in found if run.state in ("failed", "interrupted")]
    assert not lost, [(run.kind, run.state, run.error) for run in lost]
    return found[::-1]


def done(app: App) -> list[RunKind]:
    """Return the kinds of the runs that are done, the oldest first."""
    return [run.kind for run in runs(app) if run.state == "done"]


def until_begun(app: App, kind: RunKind) -> None:
    """Wait until a worker has begun a run of a kind.

    It may have ended since: who waits for the state "running" can miss it.
    """
    until(
        lambda: [run.state for run in runs(app, kind)],
        lambda states: {"running", "done"} & set(states),
    )


def until_done(app: App, kind: RunKind) -> None:
    """Wait until there are runs of a kind and all of them are done."""
    until_is({"done"}, lambda: {run.state for run in runs(app, kind)})


EVENT_JS = """([part, event, then]) => {
  const { components, dependencies } = window.gradio_config;
  const { id } = components.find(
    ({ props }) => props.elem_id === part || props.id === part);
  const first = dependencies.find(
    ({ targets }) => targets.some(([target, name]) => target === id && name === event));
  const next = dependencies.find(
    (one) => one.trigger_after === first.id && one.backend_fn);
  return (then ? next : first).id;
}"""
"""Returns the number of an event, or of what follows it, by the id of its part."""


class LateAnswer:
    """Holds the first answer to an event of a page, which the server has given."""

    def __init__(
        self, page: Page, part: str, event: str, *, then: bool = False
    ) -> None:
        self._page = page
        self._number = page.evaluate(EVENT_JS, [part, event, then])
        self._held: list[tuple[Route, APIResponse]] = []
        self._is_taken = False
        page.route("**/run/predict*", self._answer)

    def _answer(self, route: Route) -> None:
        if self._is_taken or number_of(route.request) != self._number:
            route.continue_()
            return
        self._is_taken = True
        # Retried if the server has just closed a connection that was kept.
        self._held.append((route, route.fetch(max_retries=2)))

    def wait(self) -> None:
        """Wait until the server has given it."""
        wait_until(self._page, lambda: self._is_taken)
        wait_until(self._page, lambda: self._held)

    def arrive(self) -> None:
        """Let it arrive."""
        (held,) = self._held
        route, response = held
        route.fulfill(response=response)


def number_of(request: Request) -> int | None:
    """Return the number of the event that a request asks about."""
    body: Any = request.post_data_json
    number: int | None = body.get("fn_index") if isinstance(body, dict) else None
    return number


def wait_until(page: Page, condition: Callable[[], object]) -> None:
    """Wait until something holds, while the events of a page are told."""
    for _ in range(PATIENCE // 50):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never came to hold")
