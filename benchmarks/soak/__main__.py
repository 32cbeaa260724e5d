"""Work for hours and record what is taken: ``python -m benchmarks.soak``.

The table is renewed while it works, so that it may be ended at any time.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from autolearn.runs import queues, worker_processes
from autolearn.services import integrity
from benchmarks import apps
from benchmarks.side_by_side import RESULTS
from benchmarks.soak.usage import Growth, Recorder, Usage, as_rows, growth
from benchmarks.soak.work import Person

SAVE_SECONDS = 120.0
TITLES = {
    "app_mib": "memory of the page's process, MiB",
    "app_files": "its open files",
    "worker_mib": "memory of the worker, MiB",
    "worker_files": "its open files",
    "reader_mib": "memory of the reader, MiB",
    "temporary_files": "temporary files",
    "temporary_mib": "their size, MiB",
    "wal_mib": "write-ahead log, MiB",
    "database_mib": "database, MiB",
    "processor_seconds": "processor time, s",
}


def main() -> int:
    """Work for as long as the command line says; exit 1 if something is damaged."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--pause", type=float, default=12.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true", help="keep the table")
    flags = parser.parse_args()
    with TemporaryDirectory() as name:
        workspace = Path(name) / "workspace"
        _work(Path(name), workspace, flags)
        findings = integrity.check(workspace)
    for finding in findings:
        sys.stdout.write(f"{finding.what}: {finding.result}\n")
    return int(not all(finding.ok for finding in findings))


def _work(place: Path, workspace: Path, flags: argparse.Namespace) -> None:
    """Start the app, work in it, end it."""
    system, texts = place / "system", place / "texts"
    system.mkdir()
    with ExitStack() as stack:
        app, url = apps.start(workspace, {**os.environ, "TMPDIR": str(system)})
        stack.callback(apps.end, app)
        for queue in queues.QUEUES.values():
            stack.callback(worker_processes.stop_worker, workspace, queue=queue)
        browser = stack.enter_context(apps.browser())
        recorder = stack.enter_context(Recorder(workspace, system, app.pid))
        person = Person(workspace, texts, browser, url, flags.seed)
        end = time.monotonic() + 60 * flags.minutes
        saved_at = time.monotonic()
        while time.monotonic() < end:
            person.act()
            time.sleep(flags.pause)
            if flags.save and time.monotonic() - saved_at > SAVE_SECONDS:
                saved_at = time.monotonic()
                _save(recorder.samples, person)
        if flags.save:
            _save(recorder.samples, person)
        sys.stdout.write(table(growth(recorder.samples)))


def _save(samples: Sequence[Usage], person: Person) -> None:
    rows = growth(samples) if len(samples) > 1 else []
    minutes = round(samples[-1].seconds / 60) if samples else 0
    done = dict(person.done.most_common())
    values = {
        "minutes": minutes,
        "machine": f"{platform.system()}, {os.cpu_count()} processors",
        "done": done,
        "failures": person.failures,
        "growth": [asdict(row) for row in rows],
        "samples": as_rows(samples),
    }
    text = json.dumps(values, indent=1) + "\n"
    (RESULTS / "soak.json").write_text(text, encoding="utf-8")
    words = ", ".join(f"{n} x {name}" for name, n in done.items())
    lines = [
        "# Mixed work",
        "",
        f"{minutes} minutes, {sum(done.values())} things done: {words}. "
        f"Failures: {len(person.failures)}.",
        "",
        table(rows),
    ]
    (RESULTS / "soak.md").write_text("\n".join(lines), encoding="utf-8")


def table(rows: Sequence[Growth]) -> str:
    """Return how each quantity went, as Markdown."""
    lines = [
        "| | start | middle | end | most | per hour, second half |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        slope = "" if row.per_hour is None else f"{row.per_hour:+.1f}"
        values = (f"{v:.1f}" for v in (row.start, row.middle, row.end, row.most))
        lines.append(f"| {TITLES[row.name]} | {' | '.join(values)} | {slope} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
