"""What a handler gets for a run: the store, a stop signal, and progress reports.

The rate of the work is measured from these reports.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autolearn.core.ports import Progress, Stop
from autolearn.core.records import Metric, Run, RunKind
from autolearn.core.run_kinds import TRAINING_STAGE
from autolearn.core.run_results import RunResult
from autolearn.store import Pace, RunJournal, Store

RATE_SECONDS = 60.0
"""The rate covers at least the last minute."""

RATE_SHARE = 0.25
"""The rate covers at least this share of the whole: units of one stage take longer than
those of another, and batched work is counted many units at once, and then not for
minutes.
"""

LEAST_SECONDS = 20.0
"""No time left is reported before: first batches take longer."""

LEAST_SHARE = 0.05
"""And once this share of what was left is done, or after ``ENOUGH_SECONDS``."""

ENOUGH_SECONDS = 120.0

LEAST_STEPS = 5
"""Of a training, whose steps are alike, this many are enough."""

REPORT_SECONDS = 0.2
"""Least time between two writes of progress."""


@dataclass(frozen=True)
class RunContext:
    """One run as its handler sees it.

    A handler returns the result of the run. If ``stop`` returned True before it was
    done, it raises ``Cancelled``.
    """

    store: Store
    run: Run
    stop: Stop
    progress: Progress

    @property
    def workspace(self) -> Path:
        """Return the folder of the workspace."""
        return self.store.folder

    @property
    def journal(self) -> RunJournal:
        """Return the journal of the run."""
        return self.store.journal(self.run.id)

    def report(self, stage: str, total: int, n_done: int) -> None:
        """Report the progress of a stage whose total is known; see ``progress``."""
        self.progress(stage, n_done, total)

    def save_result(self, result: RunResult) -> None:
        """Store the result before its sources are moved or removed.

        A run that is killed after this and before its end reads it when it is resumed.
        """
        with self.store.atomic():  # so it is on the disk before anything is moved
            self.store.runs.save_partial_result(self.run.id, result.as_dict())

    def at_begin(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Return numbers as they were when the run began first, by their names.

        What a run reads of the workspace may change before it is resumed.
        """
        stored = {
            name: metric.value
            for name in numbers
            for metric in self.store.runs.metrics(self.run.id, name)
        }
        if not stored:
            self.add_metrics(0, numbers)
        return {**numbers, **stored}

    def add_metrics(self, step: int, numbers: Mapping[str, float]) -> None:
        """Store numbers of the run at a step, by their names."""
        rows = [Metric(step, name, value) for name, value in numbers.items()]
        self.store.runs.add_metrics(self.run.id, rows)


Handler = Callable[[RunContext], RunResult]
"""Does a run of one kind and returns its result."""

Handlers = dict[RunKind, Handler]


class RateMeter:
    """Rate and time left of what is being counted, be it one stage or several."""

    def __init__(self) -> None:
        self._total = -1
        self._measurements: deque[tuple[float, int]] = deque()
        """When each count was reached."""
        self._first = (0.0, 0)
        """The first measurement, which may be older than those."""

    def read(self, stage: str, n_done: int, total: int, now: float) -> Pace:
        """Return the pace, given what is done at this time.

        Stages that count towards the same total are measured as one. The time left is
        None while too little is done to tell it.
        """
        if total != self._total or (
            self._measurements and n_done < self._measurements[-1][1]
        ):
            self._total = total
            self._measurements.clear()
            self._first = (now, n_done)
        if not self._measurements or n_done > self._measurements[-1][1]:
            self._measurements.append((now, n_done))
        while (
            len(self._measurements) > 2
            and now - self._measurements[1][0] > RATE_SECONDS
            and n_done - self._measurements[1][1] >= RATE_SHARE * total
        ):
            self._measurements.popleft()
        began, before = self._measurements[0]
        rate = (n_done - before) / (now - began) if now > began else 0.0
        is_told = rate > 0 and self._is_enough(stage, n_done, now)
        eta = (total - n_done) / rate if is_told else None
        return Pace(stage, n_done, total, rate, eta)

    def _is_enough(self, stage: str, n_done: int, now: float) -> bool:
        """Return whether enough was measured to tell the time left."""
        began, before = self._first
        seconds, n_new = now - began, n_done - before
        if stage == TRAINING_STAGE:
            return n_new >= LEAST_STEPS
        is_share = n_new >= LEAST_SHARE * (self._total - before)
        return seconds >= LEAST_SECONDS and (is_share or seconds >= ENOUGH_SECONDS)


class Reporter:
    """Writes progress into the row of a run, seldom enough to cost nothing."""

    def __init__(self, store: Store, run_id: int) -> None:
        self._store = store
        self._run_id = run_id
        self._meter = RateMeter()
        self._last_entry: tuple[str, float] = ("", 0.0)

    def __call__(self, stage: str, n_done: int, total: int) -> None:
        """Record progress; a new stage and its end are always written."""
        now = time.monotonic()
        last_stage, last_time = self._last_entry
        is_soon = now - last_time < REPORT_SECONDS
        if stage == last_stage and is_soon and n_done != total:
            return
        self._last_entry = (stage, now)
        pace = self._meter.read(stage, n_done, total, now)
        self._store.runs.save_progress(self._run_id, pace)
