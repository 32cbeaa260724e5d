"""Kill everything, again and again, and look whether anything is lost or doubled.

    python -m tests.fire.kills --kills 1000 --seed 1 --report benchmarks/results/kills

A trial begins a workload anew, kills it at one to eight moments and lets it end. After
each kill the database must be sound and hold every row that was committed. At the end
the workspace must be what an uninterrupted run gives.
"""

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from autolearn.core.errors import AutolearnError, StoreError
from autolearn.runs import queues, worker_locks
from autolearn.store import Store, copies
from tests.fire import inspection, killer, models
from tests.fire.inspection import Story
from tests.fire.killer import Kill
from tests.fire.workloads import WORKLOADS, Rig, Workload

MOST = 8
"""Kills of one trial at most."""
AT_EVENT = 0.75
"""Share of kills at a write; the others come after a random time."""
NAMES = ("SIGKILL", "SIGKILL", "SIGSTOP", "SIGTERM")


@dataclass
class Row:
    """What came of the trials of one workload."""

    workload: str
    trials: int = 0
    kills: int = 0
    """Processes that ended by the signal, in the middle of their work."""
    by_signal: dict[str, int] = field(default_factory=dict)
    n_events: int = 0
    """Writes of an uninterrupted run, the places where it can be killed."""
    violations: list[str] = field(default_factory=list)
    """Committed rows that were lost, and what is not sound; empty: nothing."""
    different: list[str] = field(default_factory=list)
    """Tables that differ from those of an uninterrupted run; empty: none."""


class Campaign:
    """Trials of workloads, all drawn from one seed."""

    def __init__(self, rig: Rig, place: Path, seed: int) -> None:
        self._rig, self._place = rig, place
        self._draw = random.Random(seed)
        self._calm: dict[str, tuple[Story, int, float]] = {}
        self.rows: dict[str, Row] = {}

    def calm(self, name: str) -> tuple[Story, int, float]:
        """Return the story of an uninterrupted run, its writes and its seconds."""
        if name not in self._calm:
            workload, folder = WORKLOADS[name], self._folder("calm")
            workload.prepare(self._rig, folder)
            began, n_events, is_left = time.monotonic(), 0, True
            while is_left:
                ending = killer.run(lambda: workload.act(self._rig, folder), folder)
                assert not ending.error, ending.error
                n_events += ending.n_events
                is_left = workload.resume(folder)
            seconds = time.monotonic() - began
            story = inspection.story(workload.result(folder))
            self._calm[name] = story, n_events, seconds
        return self._calm[name]

    def trial(self, name: str) -> Row:
        """Kill a workload some times, let it end, and compare."""
        workload = WORKLOADS[name]
        story, n_events, seconds = self.calm(name)
        row = self.rows.setdefault(name, Row(name, n_events=n_events))
        row.trials += 1
        folder = self._folder("killed")
        workload.prepare(self._rig, folder)
        n_kills = self._draw.randint(1, MOST)
        # So far apart that most of them come, and some of them late.
        reach = 1.6 / n_kills
        kills = [
            self._kill(workload, max(1, round(reach * n_events)), reach * seconds)
            for _ in range(n_kills)
        ]
        try:
            is_left = True
            while is_left:
                kill = kills.pop() if kills else None
                self._act(row, workload, folder, kill)
                is_left = workload.resume(folder)
            other = inspection.story(workload.result(folder))
            row.different += inspection.differences(other, story)
        except (AutolearnError, AssertionError) as error:
            row.violations.append(f"not resumed: {error}")
        return row

    def _act(
        self, row: Row, workload: Workload, folder: Path, kill: Kill | None
    ) -> None:
        has_database = (folder / "autolearn.db").exists()
        is_opened = has_database and not workload.is_old
        before = inspection.committed(folder) if is_opened else set()
        ending = killer.run(
            lambda: workload.act(self._rig, folder),
            folder,
            kill,
            partial(_look_while_stopped, row, workload, folder),
        )
        if kill and ending.was_killed:
            row.kills += 1
            row.by_signal[kill.name] = row.by_signal.get(kill.name, 0) + 1
        elif ending.error:
            row.violations.append(ending.error.strip().splitlines()[-1])
        if workload.is_old:
            row.violations += copies.problems(folder / "autolearn.db")
        elif (folder / "autolearn.db").exists():
            row.violations += inspection.violations(folder, before)
        elif has_database:
            row.violations.append("the database is gone")

    def _kill(self, workload: Workload, n_events: int, seconds: float) -> Kill:
        names = NAMES if workload.is_graceful else NAMES[:-1]
        name = self._draw.choice(names)
        if self._draw.random() < AT_EVENT:
            return Kill(name, event=self._draw.randint(1, n_events))
        return Kill(name, seconds=self._draw.uniform(0, seconds))

    def _folder(self, name: str) -> Path:
        for path in self._place.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return self._place / name


def _look_while_stopped(row: Row, workload: Workload, folder: Path) -> None:
    """Check that a worker that is stopped keeps its run.

    This cannot be seen if it was stopped while SQLite had locked the whole file for it,
    as when the last connection closes.
    """
    if not workload.is_graceful:
        return
    try:
        with Store.open(folder) as store:
            running = store.runs.in_state("running")
    except StoreError:
        return
    for run in running:
        if not worker_locks.worker_alive(folder, queues.queue_of(run.kind)):
            row.violations.append("a stopped worker does not own its run")


def campaign(
    place: Path,
    seed: int,
    names: Iterable[str],
    n_kills: int,
    tell: Callable[[list[Row], Row], None] = lambda rows, last: None,
) -> list[Row]:
    """Run trials in turn until there were so many kills."""
    torch.set_num_threads(1)
    network, settings = models.load(place / "model")
    trials = Campaign(Rig(network, settings), place, seed)
    names = list(names)
    while sum(row.kills for row in trials.rows.values()) < n_kills:
        for name in names:
            row = trials.trial(name)
            tell(list(trials.rows.values()), row)
    return list(trials.rows.values())


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [
        "| workload | trials | kills | SIGKILL | SIGSTOP, SIGKILL | SIGTERM | writes |"
        " lost, doubled or damaged | unlike uninterrupted |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        signals = [row.by_signal.get(name, 0) for name in killer.SIGNALS]
        kill, term, stop = signals
        counts = [row.trials, row.kills, kill, stop, term, row.n_events]
        counts += [len(row.violations), len(row.different)]
        cells = " | ".join(map(str, counts))
        lines.append(f"| {row.workload} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Kill as often as asked for; exit 1 if anything was lost, doubled or unlike."""
    parser = argparse.ArgumentParser(prog="python -m tests.fire.kills")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=WORKLOADS, action="append")
    parser.add_argument("--report", type=Path, help="without extension: .json and .md")
    flags = parser.parse_args()
    began = time.monotonic()

    def tell(rows: list[Row], last: Row) -> None:
        seconds = time.monotonic() - began
        n_kills = sum(row.kills for row in rows)
        sys.stdout.write(f"{seconds:7.1f} s, {n_kills} kills, last {last.workload}\n")
        for text in (*last.violations, *last.different):
            sys.stdout.write(f"  {last.workload}: {text}\n")
        sys.stdout.flush()
        if flags.report:
            _write(flags.report, flags.seed, seconds, rows)

    with TemporaryDirectory() as place:
        names = flags.only or WORKLOADS
        rows = campaign(Path(place), flags.seed, names, flags.kills, tell)
    sys.stdout.write(table(rows))
    return int(any(row.violations or row.different for row in rows))


def _write(report: Path, seed: int, seconds: float, rows: list[Row]) -> None:
    """Write the results so far, so that a campaign may be ended at any time."""
    n_kills = sum(row.kills for row in rows)
    values = {"seed": seed, "kills": n_kills, "seconds": round(seconds)}
    text = json.dumps(values | {"rows": [asdict(row) for row in rows]}, indent=1)
    report.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    head = f"{n_kills} kills, seed {seed}, {round(seconds)} s\n\n"
    report.with_suffix(".md").write_text(head + table(rows), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
