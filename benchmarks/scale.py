"""Measure a large workspace: python -m benchmarks.scale --samples 10000 100000 1000000.

Each size is a database of its own, with five samples for each passage. Its size on the
disk, the time of each query that the page makes, the tables that a query reads whole,
and the memory of the page's process after each tab are printed.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from autolearn.store import SampleFilter, Store
from autolearn.store.database import Database
from autolearn.ui.views import (
    document,
    history,
    knowledge_grid,
    knowledge_map,
    library,
    start,
    study,
)
from autolearn.ui.views import review as review_views
from autolearn.ui.views.knowledge_map import MapView
from benchmarks import apps, review
from benchmarks.visitor import Visitor

TABS = ("Library", "Study", "Review", "Train", "Evaluation", "Chat", "History")
SAMPLES_PER_PASSAGE = 5
REPEATS = 3
LARGE = ("passages", "questions", "answers", "feedback", "samples", "generations")
"""Tables that grow with the texts."""

PENDING = SampleFilter(state="pending")

Query = tuple[str, Callable[[int], object]]


def main() -> int:
    """Build each size in a temporary folder, measure, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale")
    parser.add_argument("--samples", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--plans", action="store_true", help="tables read whole")
    flags = parser.parse_args()
    for n_samples in flags.samples:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), n_samples, with_plans=flags.plans)
    return 0


def _measure(folder: Path, n_samples: int, *, with_plans: bool) -> None:
    started_at = time.perf_counter()
    n_passages = n_samples // SAMPLES_PER_PASSAGE
    with Store.open(folder) as store:
        review.fill(store, n_samples, n_passages // review.PASSAGES)
        seconds = time.perf_counter() - started_at
        _say(f"{n_samples:,} samples of {n_passages:,} passages, in {seconds:.0f} s")
        size = sum(file.stat().st_size for file in folder.glob("autolearn.db*"))
        _say(f"  database: {size >> 20:,} MiB, {size / n_samples:.0f} bytes a sample")
        for name, act in [*_of_tabs(store), *review.measured(store, n_samples)]:
            _time(name, act)
            if with_plans and (tables := _whole_tables(store.db, act)):
                _say(f"{'':6}reads the whole of: {', '.join(tables)}")
    os.sync()
    _visit(folder)


def _of_tabs(store: Store) -> Sequence[Query]:
    """Return what the tabs draw first."""
    return [
        ("start: the three ways", lambda _: start.ways(store)),
        ("library: documents", lambda _: library.documents(store)),
        (
            "library: a document",
            lambda _: document.draw(store, document.LibraryViewState()),
        ),
        ("library: search", lambda _: library.search_results(store, "kaloka")),
        ("study: newest samples", lambda _: study.newest(store, only_last=False)),
        ("study: knowledge map", lambda _: knowledge_grid.draw(store, MapView())),
        ("study: map of a document", lambda _: knowledge_map.draw(store, MapView(1))),
        ("review: histogram", lambda _: review_views.histogram(store, PENDING)),
        ("history: runs", lambda _: history.runs(store, 0)),
    ]


def _time(name: str, act: Callable[[int], object]) -> None:
    wall_times, cpu_times = [], []
    for call in range(REPEATS):
        started_at, work = time.perf_counter(), time.process_time()
        act(call)
        wall_times.append(1000 * (time.perf_counter() - started_at))
        cpu_times.append(1000 * (time.process_time() - work))
    wall, cpu = statistics.median(wall_times), statistics.median(cpu_times)
    _say(f"  {name:40}{wall:10.1f} ms, {cpu:8.1f} of the processor")


def _whole_tables(db: Database, act: Callable[[int], object]) -> list[str]:
    """Return the large tables of which an action reads every row."""
    tables, statements = set(), list[str]()
    connection = db._connection
    connection.set_trace_callback(statements.append)
    act(0)
    connection.set_trace_callback(None)
    for sql in statements:
        if sql.lstrip().upper().startswith(("SELECT", "WITH")):
            for row in db.rows(f"EXPLAIN QUERY PLAN {sql}"):
                match = re.match(r"SCAN (\w+)(?! VIRTUAL)", row["detail"])
                if match and match[1] in LARGE:
                    index = re.search(r"INDEX (\w+)", row["detail"])
                    tables.add(f"{match[1]} ({index[1] if index else 'no index'})")
    return sorted(tables)


def _visit(folder: Path) -> None:
    """Open each tab as a browser does; print the time and the memory of the page."""
    app, url = apps.start(folder)
    process = psutil.Process(app.pid)
    try:
        with Visitor(url) as visitor:
            for name in TABS:
                before = process.cpu_times().user
                wall = 1000 * visitor.open_tab(name)
                cpu = 1000 * (process.cpu_times().user - before)
                memory = process.memory_info().rss >> 20
                _say(
                    f"  {f'tab {name}':40}{wall:10.1f} ms, {cpu:8.1f} of the processor;"
                    f" page {memory} MiB"
                )
    finally:
        apps.end(app)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
