"""Start the app as a person does, and end it; open its page in a browser."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def start(
    workspace: Path | str, environment: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[str], str]:
    """Start the app on a workspace; return its process and address once it answers.

    Raises:
        RuntimeError: It ended before that.
    """
    app = subprocess.Popen(
        [sys.executable, "app.py", "--workspace", str(workspace), "--no-browser"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert app.stdout
    for line in app.stdout:
        if match := re.search(r"autolearn is at (\S+)", line):
            return app, match[1]
    raise RuntimeError("The app did not start.")


def end(app: subprocess.Popen[str]) -> None:
    """End an app and its workers."""
    app.terminate()
    app.communicate()


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield the system's Chromium, without a window."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        window = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield window
        window.close()
