"""What the tests of the page do with a page."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from autolearn.store import Store

PATIENCE = 30_000
"""Milliseconds until a slow machine is given up."""


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


def load_anew(page: Page, app: App) -> None:
    """Load a page anew; the browser may tell of the streams that it cuts by that."""
    n = len(app.strays)
    page.reload()
    page.locator(".al-status").wait_for()
    cut = ("AbortError", "Connection errored out")
    app.strays[n:] = [s for s in app.strays[n:] if not any(sign in s for sign in cut)]


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.1)
