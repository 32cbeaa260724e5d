"""The real page in a real browser: Debian's chromium, driven by Playwright.

Without a chromium these tests are skipped, except in CI, where one is installed.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    ViewportSize,
    sync_playwright,
)

from autolearn.runs import queues, worker_locks
from autolearn.services import gold_actions
from autolearn.store import Store
from tests.support.pages import PATIENCE, App, start_app
from tests.support.texts import put, write_excerpt

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Names of other people that lead to this computer.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
]
SIZE: ViewportSize = {"width": 1280, "height": 800}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM or "CI" in os.environ:
        return
    reason = pytest.mark.skip(reason="no chromium on this machine")
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(reason)


_open_pages: list[Page] = []
"""The pages of the test that is at work."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Add to a failure what the pages of the test showed then."""
    report: pytest.TestReport = yield
    if report.failed and report.when == "call":
        for page in _open_pages:
            with suppress(Error):  # it is closed
                texts = page.locator("#status, #notice").all_inner_texts()
                report.sections.append((f"shown at {page.url}", "\n".join(texts)))
    return report


Start = Callable[..., App]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the app on a workspace; what is left at the end is ended."""
    with running_apps() as start:
        yield lambda folder=tmp_path / "workspace": start(folder)


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start an app that the tests of a module share, on a workspace or a new one."""
    with running_apps() as start:
        yield lambda folder=None: start(
            folder or tmp_path_factory.mktemp("shared") / "workspace"
        )


@contextmanager
def running_apps() -> Iterator[Start]:
    """Start apps, and end them with their workers."""
    running: list[App] = []

    def started(folder: Path) -> App:
        running.append(start_app(folder))
        return running[-1]

    yield started
    for app in running:
        app.end()
    alive = [
        app.folder
        for app in running
        for queue in queues.QUEUES.values()
        if worker_locks.worker_alive(app.folder, queue)
    ]
    assert not alive, "Ctrl-C ends the workers too"
    assert [stray for app in running for stray in app.strays] == []


@pytest.fixture(scope="package")
def made_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one passage of the library, and a short quiz and control.

    It is made once; what uses it copies it.
    """
    place = tmp_path_factory.mktemp("made")
    folder = place / "workspace"
    text, quiz, control = write_excerpt(place)
    with Store.open(folder) as store:
        put(store, text)
        gold_actions.add_gold(store, quiz, "quiz")
        gold_actions.add_gold(store, control, "control")
    return folder


@pytest.fixture
def small(made_small: Path, tmp_path: Path) -> Path:
    """A copy of this workspace."""
    folder = tmp_path / "workspace"
    shutil.copytree(made_small, folder)
    return folder


@pytest.fixture(scope="module")
def small_app(
    made_small: Path, start_shared: Start, tmp_path_factory: pytest.TempPathFactory
) -> App:
    """An app on such a copy, which the tests of a module share."""
    folder = tmp_path_factory.mktemp("small") / "workspace"
    shutil.copytree(made_small, folder)
    return start_shared(folder)


@pytest.fixture(scope="package")
def driver() -> Iterator[Playwright]:
    # Not for the whole session: Playwright's event loop runs in this thread for as
    # long as the driver is open, and tests that start a loop of their own would fail.
    # The tests of this folder come first and in one go, see ``tests/conftest.py``.
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(driver: Playwright) -> Iterator[Browser]:
    """A browser in which each test may be several persons."""
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def profile(
    driver: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """The browser of one person, which all tests of this process share.

    It keeps the scripts of the page, and what it has compiled of them: that is half of
    what it takes to load the page. To start it takes two seconds of processor time.
    """
    profile = driver.chromium.launch_persistent_context(
        tmp_path_factory.getbasetemp() / "profile",
        executable_path=CHROMIUM,
        args=FLAGS,
        viewport=SIZE,
    )
    profile.set_default_timeout(PATIENCE)
    yield profile
    profile.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(profile: BrowserContext) -> Iterator[Visit]:
    """Open the page of an app; errors in its console and requests out are noted."""
    pages: list[tuple[Page, App]] = []

    def visited(app: App, **media: Any) -> Page:
        page = profile.new_page()
        page.emulate_media(**media)
        pages.append((page, app))
        _open_pages.append(page)
        watch(page, app)
        page.goto(app.url)
        page.locator(".al-status").wait_for()
        return page

    yield visited
    _open_pages.clear()
    for page, _ in pages:
        page.close()
    profile.clear_cookies()
    assert [stray for _, app in pages for stray in app.strays] == []


def watch(page: Page, app: App) -> None:
    def hear(kind: str, text: str) -> None:
        app.strays.append(f"{kind}: {text}")

    page.on("console", lambda m: hear("console", m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: hear("error", str(error)))
    own = (app.origin, "data:", "blob:")

    def asked(url: str) -> None:
        if not url.startswith(own):
            hear("request out", url)
        if "/queue/" in url:
            hear("queued, where an answer can be missed", url)

    page.on("request", lambda request: asked(request.url))
