"""Control a run: submit it, wait for it, cancel it, resume it.

The worker of its queue does the run; see ``runs.worker``.
"""

import time
from collections.abc import Callable
from typing import Any

from autolearn.core.errors import AlreadyQueued, JobError, WorkerLost
from autolearn.core.records import ACTIVE_STATES, END_STATES, Run, RunKind
from autolearn.core.run_settings import RunSettings
from autolearn.runs.queues import MODEL_QUEUE, queue_of
from autolearn.runs.versions import versions
from autolearn.runs.waiting import waiting_for
from autolearn.runs.worker_locks import recover
from autolearn.runs.worker_processes import is_starting, replace_dead_workers, why_ended
from autolearn.store import Store, layout

_ONCE: tuple[RunKind, ...] = ("study", "train", "quiz")
"""Kinds of runs that take long, and give the same a second time."""

POLL_SECONDS = 0.2
"""How often a waiting caller checks its run."""

START_SECONDS = 30.0
"""How long a queued run may wait for a worker to take the lock."""


def submit(store: Store, settings: RunSettings) -> Run:
    """Put a run with these settings into the queue; a worker will take it.

    Raises:
        AlreadyQueued: It would do once more what a run in the queue will do.
    """
    assert settings.kind is not None
    values = settings.as_dict()
    with store.atomic():  # of two clicks at once, the second sees the run of the first
        if settings.kind in _ONCE:
            _refuse_twin(store, settings.kind, values)
        return store.runs.create(settings.kind, values, versions())


def _refuse_twin(store: Store, kind: RunKind, values: dict[str, Any]) -> None:
    if run := store.runs.same(kind, values, *ACTIVE_STATES):
        raise AlreadyQueued(
            f"Run {run.id} does exactly this and is {run.state}; wait for its end, or "
            "stop it first.",
            command=f"cancel {run.id}",
        )


def wait(
    store: Store,
    run_id: int,
    on_progress: Callable[[Run], None] | None = None,
    seconds: float | None = None,
) -> Run:
    """Wait until a run has ended, or for some seconds, showing its progress.

    A page that is ended meanwhile leaves the run alone.

    Raises:
        WorkerLost: The worker ended in the middle of it, or none began.
    """
    with waiting_for(store, run_id):
        return _wait(store, run_id, on_progress, seconds)


def _wait(
    store: Store,
    run_id: int,
    on_progress: Callable[[Run], None] | None,
    seconds: float | None,
) -> Run:
    began = seen_alive = time.monotonic()
    while True:
        run = store.runs.get(run_id)
        if on_progress:
            on_progress(run)
        is_late = seconds is not None and time.monotonic() - began >= seconds
        if run.state in END_STATES or is_late:
            return run
        queue = queue_of(run.kind)
        if queue in recover(store):
            seen_alive = time.monotonic()
        elif run.state == "running":
            _refuse_interrupted(store.runs.get(run_id))
        elif time.monotonic() - seen_alive > START_SECONDS and not is_starting(
            store.folder, queue
        ):
            error = why_ended(store, queue)
            quote = f" (“{error}”)" if error else ""
            raise WorkerLost(
                f"No worker takes run {run_id}; the reason is in "
                f"{layout.worker_log(store.folder, queue.name)}{quote}. The run stays "
                "queued: fix that, then resume it.",
                command=f"resume {run_id}",
            )
        else:
            replace_dead_workers(store)
        time.sleep(POLL_SECONDS)


def current(store: Store) -> Run | None:
    """Return the run in progress, or else the one that is next; None: there is none.

    Texts may be read, and models be downloaded, at the same time: they come last.
    """
    # A resumed run waits with a lower id than the one in progress.
    return min(
        store.runs.in_state(*ACTIVE_STATES),
        key=lambda run: (run.state == "queued", queue_of(run.kind) != MODEL_QUEUE),
        default=None,
    )


def cancel(store: Store, run_id: int | None = None) -> Run:
    """Ask a run to stop; one that is still queued is cancelled at once.

    Args:
        store: The workspace.
        run_id: None: the run in progress, or else the one that is next.

    Raises:
        JobError: It has already ended, or there is none.
    """
    recover(store)
    if run_id is None:
        run = current(store)
        if run is None:
            raise JobError("Nothing is running, so there is nothing to stop.")
        run_id = run.id
    is_requested = store.runs.request_cancel(run_id)
    run = store.runs.get(run_id)
    if not is_requested:
        raise JobError(f"Run {run_id} is {run.state}; there is nothing to stop.")
    return run


def resume(store: Store, run_id: int) -> Run:
    """Put a run that did not finish back into the queue, to continue where it ended.

    One that is queued already stays so; its worker may have died before it began.

    Raises:
        JobError: It is done, or in progress.
    """
    recover(store)
    store.runs.requeue(run_id)
    run = store.runs.get(run_id)
    if run.state == "running":
        raise JobError(
            f"Run {run_id} is running; wait for it, or stop it first.",
            command=f"cancel {run_id}",
        )
    if run.state == "done":
        raise JobError(f"Run {run_id} is done; there is nothing to resume.")
    return run


def _refuse_interrupted(run: Run) -> None:
    if run.state == "interrupted":
        raise WorkerLost(
            f"The worker ended during run {run.id}; resume it.",
            command=f"resume {run.id}",
        )
