"""Send the numbers of a training, and the quizzes of its round, to a tracker.

The database of the workspace has all numbers. Those that a tracker lacks are sent when
it is opened, and no step is sent twice. A run that is killed and resumed therefore has
every step once. A tracker that fails is not used any more; the training continues.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any

from autolearn.core.records import Run
from autolearn.core.run_results import Scores
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import Tracker
from autolearn.runs.context import RunContext
from autolearn.store import RunFilter, Store
from autolearn.tracking import trackers
from autolearn.tracking.trackers import TrackedRun, TrackerRun

log = logging.getLogger(__name__)


class Tracking:
    """An open tracker, or none if none was asked for or if it has failed."""

    def __init__(self, tracker: Tracker | None):
        self._tracker = tracker
        self._run: TrackerRun | None = None
        self._last_step = -1
        self.notes: list[str] = []
        """At most one sentence, on why nothing more was tracked."""

    def open(self, run: TrackedRun) -> None:
        """Open the tracker, if there is one."""
        if self._tracker is not None:
            self._run = self._try(trackers.OPEN[self._tracker], run)
        if self._run is not None:
            self._last_step = self._run.last_step

    def log(self, step: int, numbers: Mapping[str, float], group: str) -> None:
        """Send the numbers of a step, unless the tracker has it already."""
        if self._run is None or step <= self._last_step:
            return
        self._last_step = step
        named = {f"{group}/{name}": float(value) for name, value in numbers.items()}
        self._try(self._run.log, step, named)

    def close(self) -> None:
        """Close the tracker."""
        if self._run is not None:
            self._try(self._run.close)
        self._run = None

    def _try(self, action: Callable[..., Any], *arguments: Any) -> Any:
        """Return the result of a tracker's action; after a failure, stop using it.

        Its package is not ours: it may raise anything.
        """
        try:
            return action(*arguments)
        except Exception as error:
            log.warning("%s failed", self._tracker, exc_info=True)
            self._run = None
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            reason = reason or type(error).__name__
            self.notes = [f"Nothing more was sent to {self._tracker}: {reason}."]
            return None


@contextmanager
def of_training(context: RunContext) -> Iterator[Tracking]:
    """Yield the tracker of a training; it has the steps of earlier attempts."""
    with _open(context.store, context.run) as tracking:
        metrics = context.store.runs.all_metrics(context.run.id)
        for step, of_step in groupby(metrics, attrgetter("step")):
            tracking.log(step, {m.name: m.value for m in of_step}, "train")
        yield tracking


def track_quiz(
    context: RunContext,
    round_id: int,
    scores: Scores,
) -> tuple[str, ...] | None:
    """Send the scores of a quiz to the tracker of the training of its round.

    They follow the steps of the training: the first quiz two steps after the last one,
    each further quiz one step later.

    Returns:
        A sentence if the tracker failed; None otherwise.
    """
    store = context.store
    about = store.rounds.get(round_id)
    quizzes = store.runs.find(RunFilter(("quiz",), round_id=round_id))
    n_earlier = sum(run.id < context.run.id for run in quizzes)
    shares = {
        f"{part}_{mode}": score.right
        for (part, mode), score in scores.items()
        if score.n
    }
    with _open(store, store.runs.get(about.run_id)) as tracking:
        tracking.log(about.n_steps + 2 + n_earlier, shares, "quiz")
    return tuple(tracking.notes) or None


@contextmanager
def _open(store: Store, run: Run) -> Iterator[Tracking]:
    """Yield the tracker that a training asks for."""
    settings = TrainRunSettings.of(run).train
    tracking = Tracking(settings.tracker)
    # The time distinguishes runs with the same number in two workspaces.
    time = "".join(filter(str.isdigit, run.created_at))[:14]
    name = f"run-{run.id}-{time}"
    tracking.open(TrackedRun(store.folder, name, settings.as_dict()))
    try:
        yield tracking
    finally:
        tracking.close()
