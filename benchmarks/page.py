"""Measure how long a person waits for the page: python -m benchmarks.page."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page

from autolearn.store import Store
from benchmarks import apps
from benchmarks.review import fill

PLACES = {
    "Start": "#start-ways",
    "Model": "#model-about",
    "Library": "#library-documents",
    "Study": "#study-found",
    "Review": "#review-card",
    "Train": "#train-plan dl",
    "Evaluation": "#evaluation-result",
    "Chat": "#chat-conversation",
    "History": "#history-runs",
}
"""Each tab with the element that must be visible before a person can begin."""
SETTLE_SECONDS = 3
"""Time for a browser to settle after its start."""
STARTS = 5
"""Number of starts; the first ones wait for the disk."""


def main() -> int:
    """Measure the start, the tabs and the next card, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.page")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, apps.browser() as browser:
        with Store.open(Path(folder)) as store:
            fill(store, flags.samples)
        os.sync()  # or the start waits for what was just written
        time.sleep(SETTLE_SECONDS)
        starts = [_first_page(browser, folder) for _ in range(STARTS)]
        for what, times in (
            ("server ready", [server_seconds for server_seconds, _ in starts]),
            ("first page", [page_seconds for _, page_seconds in starts]),
        ):
            _say(
                f"{what}: {statistics.median(times):.1f} s from the command "
                f"({min(times):.1f} to {max(times):.1f}, the first {times[0]:.1f})"
            )
        app, url = apps.start(folder)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(url)
            page.locator(PLACES["Start"]).wait_for()
            _measure_page(page, flags.repeats)
        finally:
            apps.end(app)
    return 0


def _first_page(browser: Browser, folder: str) -> tuple[float, float]:
    """Return the seconds from the command to a ready server, and to a usable page.

    A new process and an empty browser cache are used each time.
    """
    started_at = time.perf_counter()
    app, url = apps.start(folder)
    ready = time.perf_counter() - started_at
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.locator(f"{PLACES['Start']} .al-card").first.wait_for()
        return ready, time.perf_counter() - started_at
    finally:
        page.close()
        apps.end(app)


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
    """Return a script that opens a tab and detects its content."""
    return (
        "const tab = [...document.querySelectorAll('[role=tab]')]"
        f".find((one) => one.textContent.trim() === '{name}');"
        f"const place = () => document.querySelector('{place}');"
        "const done = () => place()?.offsetHeight > 0 && place().innerText.trim();"
        "tab.click();"
    )


def _pressed(key: str) -> str:
    """Return a script that presses a key and detects the next card."""
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
    times = []
    for _ in range(repeats):
        before()
        script = (
            "() => new Promise((resolve) => { const begun = performance.now();"
            + act
            + "const look = () => done() ? resolve(performance.now() - begun)"
            " : requestAnimationFrame(look); look(); })"
        )
        times.append(page.evaluate(script))
    row = (statistics.median(times), min(times), max(times))
    _say(f"{name:32}" + "".join(f"{value:9.0f}" for value in row))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
