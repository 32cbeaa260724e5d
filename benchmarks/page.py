"""How long a person waits for the page: python -m benchmarks.page."""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from autolearn.store import Store
from benchmarks.review import fill

ROOT = Path(__file__).parents[1]
PLACES = {
    "Model": "#model-about",
    "Library": "#library-documents",
    "Study": "#study-found",
    "Review": "#review-card",
    "Train": "#train-plan dl",
    "Evaluation": "#proof-rounds",
    "Chat": "#ask-conversation",
    "History": "#history-runs",
}
"""Each tab with what has to be there for a person to begin."""
SETTLE_SECONDS = 3
"""A browser that has just been started is still busy with itself."""
STARTS = 5
"""What was just written to the disk makes the first ones wait."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> int:
    """Measure the start, the tabs and the next card, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.page")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        with Store.open(Path(folder)) as store:
            fill(store, flags.samples)
        os.sync()  # or the start waits for what was just written
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        time.sleep(SETTLE_SECONDS)
        first = [_first_page(browser, folder) for _ in range(STARTS)]
        for what, took in (
            ("server ready", [ready for ready, _ in first]),
            ("first page", [shown for _, shown in first]),
        ):
            _say(
                f"{what}: {statistics.median(took):.1f} s from the command "
                f"({min(took):.1f} to {max(took):.1f}, the first {took[0]:.1f})"
            )
        app, url = _start(folder)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(url)
            page.locator(PLACES["Model"]).wait_for()
            _measure_page(page, flags.repeats)
        finally:
            _end(app)
            browser.close()
    return 0


def _first_page(browser: Browser, folder: str) -> tuple[float, float]:
    """Return the seconds from the command to a server, and to a page to work with.

    Each time by a new process, for a browser that has nothing of it in its cache.
    """
    begun = time.perf_counter()
    app, url = _start(folder)
    ready = time.perf_counter() - begun
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.locator(f"{PLACES['Model']} .al-card").wait_for()
        return ready, time.perf_counter() - begun
    finally:
        page.close()
        _end(app)


def _end(app: subprocess.Popen[str]) -> None:
    app.terminate()
    app.communicate()


def _start(folder: str) -> tuple[subprocess.Popen[str], str]:
    app = subprocess.Popen(
        [sys.executable, "app.py", "--workspace", folder, "--no-browser"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
    )
    assert app.stdout
    for line in app.stdout:
        if found := re.search(r"autolearn is at (\S+)", line):
            return app, found[1]
    raise RuntimeError("The app did not start.")


def _measure_page(page: Page, repeats: int) -> None:
    heads = ("median", "least", "most")
    _say(f"{'milliseconds':32}" + "".join(f"{head:>9}" for head in heads))
    for name, place in PLACES.items():
        other = "Chat" if name != "Chat" else "Model"

        def leave(tab: str = other) -> None:
            page.get_by_role("tab", name=tab, exact=True).click()
            page.locator(PLACES[tab]).wait_for()
            page.wait_for_timeout(300)

        _measure(page, f"tab {name}", leave, _opened(name, place), repeats)
    page.get_by_role("tab", name="Review", exact=True).click()
    page.locator("#review-card article").wait_for()
    pause = lambda: page.wait_for_timeout(500)  # noqa: E731
    for key in "jas":
        _measure(page, f"next card, key {key}", pause, _pressed(key), repeats)


def _opened(name: str, place: str) -> str:
    """Return how the page itself opens a tab, and sees that its content is there."""
    return (
        "const tab = [...document.querySelectorAll('[role=tab]')]"
        f".find((one) => one.textContent.trim() === '{name}');"
        f"const place = () => document.querySelector('{place}');"
        "const done = () => place()?.offsetHeight > 0 && place().innerText.trim();"
        "tab.click();"
    )


def _pressed(key: str) -> str:
    """Return how the page itself presses a key, and sees that the card is another."""
    return (
        "const card = () => document.querySelector('#review-card article')?.ariaLabel;"
        "const was = card();"
        "const done = () => card() && card() !== was;"
        f"const key = new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}});"
        "document.body.dispatchEvent(key);"
    )


def _measure(
    page: Page,
    name: str,
    before: Callable[[], None],
    act: str,
    repeats: int,
) -> None:
    took = []
    for _ in range(repeats):
        before()
        script = (
            "() => new Promise((resolve) => { const begun = performance.now();"
            + act
            + "const look = () => done() ? resolve(performance.now() - begun)"
            " : requestAnimationFrame(look); look(); })"
        )
        took.append(page.evaluate(script))
    row = (statistics.median(took), min(took), max(took))
    _say(f"{name:32}" + "".join(f"{value:9.0f}" for value in row))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
