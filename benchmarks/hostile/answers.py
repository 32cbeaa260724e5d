"""How fast the page answers others while the app reads hostile files."""

import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import psutil

from autolearn.core.records import Run
from autolearn.core.run_results import ImportResult
from autolearn.runs import queues, run_control, worker_processes
from autolearn.services import actions
from autolearn.store import Store
from benchmarks import apps
from benchmarks.hostile import documents, folders
from benchmarks.visitor import Visitor

EVERY_SECONDS = 1.0
CALM_SECONDS = 30.0
TABS = ("Library", "Study", "Review", "History")
SLOW_SECONDS = 0.3
"""A person notices an answer that takes longer."""


class Answer(NamedTuple):
    """How long a tab took, and when it was opened, in seconds since the first."""

    seconds: float
    tab: str
    at: float


@dataclass
class Answers:
    """The times of answers, and the memory of the page's process."""

    all: list[Answer] = field(default_factory=list)
    peak_mib: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, address: str, pid: int) -> None:
        """Open one tab after the other until it is over."""
        process = psutil.Process(pid)
        with Visitor(address) as visitor:
            begin = time.monotonic()
            for name in cycle(TABS):
                if self.over.wait(EVERY_SECONDS):
                    return
                at = time.monotonic() - begin
                self.all.append(Answer(visitor.open_tab(name), name, at))
                memory = process.memory_info().rss >> 20
                self.peak_mib = max(self.peak_mib, memory)

    def lines(self, what: str) -> Iterator[str]:
        """Return how fast the answers were, and which were slow, as lines."""
        if not self.all:
            yield f"{what}: over before a tab was opened"
            return
        ordered = sorted(answer.seconds for answer in self.all)
        high = ordered[int(0.95 * (len(ordered) - 1))]
        slow = [answer for answer in self.all if answer.seconds > SLOW_SECONDS]
        yield (
            f"{what}: {len(ordered)} tabs opened meanwhile, median "
            f"{1000 * statistics.median(ordered):.0f} ms, 95 of 100 within "
            f"{1000 * high:.0f} ms, {len(slow)} above {1000 * SLOW_SECONDS:.0f} ms, "
            f"slowest {1000 * ordered[-1]:.0f} ms; "
            f"memory of the page's process at most {self.peak_mib} MiB"
        )
        for seconds, tab, at in slow:
            yield f"  {tab} took {1000 * seconds:.0f} ms after {at:,.0f} s"


@contextmanager
def _asked(address: str, pid: int) -> Iterator[Answers]:
    """Let somebody use the page while the block lasts."""
    answers = Answers()
    thread = threading.Thread(target=answers.ask, args=(address, pid))
    thread.start()
    try:
        yield answers
    finally:
        answers.over.set()
        thread.join()


def while_documents_are_read(place: Path, names: str) -> Iterator[str]:
    """Import the documents in a real app; yield lines."""
    files = place / "files"
    files.mkdir()
    for name, make in documents.ALL.items():
        if re.search(names, name):
            make(files / name)
    with _app(place) as (workspace, url, pid):
        yield from _calm(url, pid)
        with _asked(url, pid) as answers:
            run = _import(workspace, files)
        yield from answers.lines("an import reads the documents")
        yield _result(run)


def while_folders_are_chosen(place: Path, names: str) -> Iterator[str]:
    """Choose the model folders in a real app; yield lines."""
    with _app(place) as (_, url, pid):
        yield from _calm(url, pid)
        with _asked(url, pid) as answers:
            n_folders = _choose(url, place / "folders", names)
        yield from answers.lines(f"another visitor chooses {n_folders} model folders")


@contextmanager
def _app(place: Path) -> Iterator[tuple[Path, str, int]]:
    """Start an app; return its workspace, its address and its process."""
    workspace = place / "app"
    app, url = apps.start(workspace, {**os.environ, "TMPDIR": str(place)})
    try:
        yield workspace, url, app.pid
    finally:
        apps.end(app)


def _calm(url: str, pid: int) -> Iterator[str]:
    with _asked(url, pid) as answers:
        time.sleep(CALM_SECONDS)
    return answers.lines("nothing is read")


def _import(workspace: Path, files: Path) -> Run:
    with Store.open(workspace) as store:
        run = actions.add_texts(store, [files], "built-in", 320)
        worker_processes.ensure_worker(workspace, queue=queues.IMPORT_QUEUE)
        return run_control.wait(store, run.id)


def _result(run: Run) -> str:
    result = ImportResult.of(run)
    return (
        f"the import is {run.state} after {run.seconds or 0:.0f} s: "
        f"{result.documents} read, {len(result.refusals)} refused, "
        f"{len(result.others)} something else than texts"
    )


def _choose(url: str, place: Path, names: str) -> int:
    """Type the path of each folder into the field of the model, as a person does."""
    changes: dict[str, Callable[[Path], object]] = {
        name: change for name, change in folders.SEEN.items() if re.search(names, name)
    }
    with Visitor(url) as visitor:
        for name, change in changes.items():
            folder = place / name
            folder.parent.mkdir(exist_ok=True)
            folders.make(folder)
            change(folder)
            visitor.type_into("model-name", str(folder))
    return len(changes)
