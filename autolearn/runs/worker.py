"""The worker: the one process of a workspace's queue, which does its runs.

Started as ``python -m autolearn.runs.worker --queue NAME --workspace DIR``. It knows
when a run begins and how it ended; what a run does is up to its handler.
"""

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Self

from autolearn.containment import interrupt, stopped_by
from autolearn.core.errors import AutolearnError, OutOfMemory, ProcessLost, StoreError
from autolearn.core.heavy_imports import heavy_imports
from autolearn.core.ports import Cancelled
from autolearn.core.records import Run, RunState
from autolearn.core.run_results import FailedResult, RunResult
from autolearn.core.run_settings import PromptSettings
from autolearn.models import hardware
from autolearn.runs.context import Handlers, Reporter, RunContext
from autolearn.runs.queues import MODEL_QUEUE, QUEUES, WorkerQueue
from autolearn.runs.worker_locks import worker_lock
from autolearn.store import Store, layout
from autolearn.study import prompts

BEAT_SECONDS = 0.5
"""How often the heartbeat is written, and read whether to cancel."""

IDLE_SECONDS = 30.0
"""How long a worker without work stays, its model loaded."""

LOOK_SECONDS = 0.1
"""How often an idle worker checks the queue."""

LOCK_SECONDS = 1.0
"""Seconds that a new worker waits for the lock, which another process may hold for a
moment to test it."""

Outcome = tuple[RunState, str | None, RunResult]

log = logging.getLogger("autolearn")


class StopSignal:
    """Whether this process has been asked to end."""

    def __init__(self) -> None:
        self.is_requested = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Take a signal. A plain flag: a lock could already be held by this thread."""
        self.is_requested = True
        interrupt()


class Heartbeat:
    """Writes the heartbeat of a run, and reads whether the run is to be cancelled.

    In a thread with a separate store.
    """

    def __init__(self, folder: Path, run_id: int) -> None:
        self.cancellation = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(folder, run_id))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self, folder: Path, run_id: int) -> None:
        while not self._over.is_set():
            try:
                with Store.open(folder) as store:
                    self._beat_in(store, run_id)
            except StoreError as error:
                log.warning("A heartbeat was missed: %s", error)
                self._over.wait(BEAT_SECONDS)

    def _beat_in(self, store: Store, run_id: int) -> None:
        """Write heartbeats until the run is over, or one fails."""
        while not self._over.is_set():
            if store.runs.beat(run_id):
                self.cancellation.set()
                interrupt()
            self._over.wait(BEAT_SECONDS)


def serve(
    folder: Path,
    queue: WorkerQueue,
    load: Callable[[], Handlers],
    idle: float = IDLE_SECONDS,
) -> None:
    """Do the runs of a queue until none came for ``idle`` seconds.

    ``load`` is called with the lock held, so that a second worker ends before it has
    loaded anything heavy.

    Raises:
        WorkerBusy: Another worker is at work in the queue.
    """
    ending = StopSignal()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ending.ask)
    prompts.use(folder / prompts.FOLDER)
    with Store.open(folder) as store:
        is_needed = True
        while is_needed:
            with worker_lock(folder, LOCK_SECONDS, queue):
                (folder / queue.pid_file).write_text(str(os.getpid()))
                store.runs.interrupt_running(queue.kinds)
                _serve(store, queue, load(), idle, ending)
            # A caller that submitted a run while the lock was held relies on this
            # check.
            is_needed = not ending.is_requested and bool(
                store.runs.waiting(queue.kinds)
            )


def _serve(
    store: Store,
    queue: WorkerQueue,
    handlers: Handlers,
    idle: float,
    ending: StopSignal,
) -> None:
    last_work = time.monotonic()
    while not ending.is_requested and time.monotonic() - last_work < idle:
        run = store.runs.claim(os.getpid(), handlers)
        if run is None:
            time.sleep(LOOK_SECONDS)
        else:
            _do(store, run, queue, handlers, ending)
            last_work = time.monotonic()


def _do(
    store: Store,
    run: Run,
    queue: WorkerQueue,
    handlers: Handlers,
    ending: StopSignal,
) -> None:
    """Do one run, whatever it raises, and store how it ended."""
    with _run_log(store, run), Heartbeat(store.folder, run.id) as heart:
        context = RunContext(
            store=store,
            run=run,
            stop=lambda: ending.is_requested or heart.cancellation.is_set(),
            progress=Reporter(store, run.id),
        )
        state, error, result = _outcome(context, handlers)
        pipeline: ModuleType | None = None
        if state == "done" and queue.follow_up:
            pipeline = importlib.import_module(queue.follow_up)
            _queue_next(pipeline, context, result)
    with store.atomic():
        # Queueing takes time. Meanwhile an experiment may have come to wait for this
        # run, and the user may have stopped it.
        if pipeline:
            error = _queue_next(pipeline, context, result)
        ended = store.runs.finish(run.id, state, error, result.as_dict())
        if pipeline and ended.cancel_requested:
            pipeline.cancel_next(store, ended)
    hardware.release_memory()


def _queue_next(
    pipeline: ModuleType, context: RunContext, result: RunResult
) -> str | None:
    """Queue what follows on this run; return why it cannot, if it cannot."""
    try:
        pipeline.queue_next(context.store, context.run, result)
    except AutolearnError as error:
        return str(error)
    return None


def _outcome(context: RunContext, handlers: Handlers) -> Outcome:
    number = context.run.id
    try:
        new_texts = PromptSettings.of(context.run).changed_prompts
        with prompts.fixed(new_texts), stopped_by(context.stop):
            return "done", None, handlers[context.run.kind](context)
    except Cancelled:
        is_cancelled = context.store.runs.get(number).cancel_requested
        return "cancelled" if is_cancelled else "interrupted", None, RunResult()
    except ProcessLost as error:
        log.warning("Run %d is interrupted: %s", number, error)
        return "interrupted", str(error), RunResult()
    except OutOfMemory as error:
        log.warning("Run %d failed: %s", number, error, exc_info=True)
        return "failed", str(error), FailedResult(error.advice)
    except AutolearnError as error:
        log.warning("Run %d failed: %s", number, error, exc_info=True)
        return "failed", str(error), RunResult()
    except OSError as error:
        log.warning("Run %d failed: %s", number, error, exc_info=True)
        place = error.filename or context.workspace
        message = f"{place} cannot be read or written: {error.strerror or error}."
        message += " Fix that and resume; nothing committed is lost."
        return "failed", message, RunResult()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of Rust is not an Exception
        log.exception("Run %d failed unexpectedly", number)
        message = f"Unexpected error ({type(error).__name__})"
        message += f"; details in logs/run-{number}.log."
        return "failed", message, RunResult()


@contextmanager
def _run_log(store: Store, run: Run) -> Iterator[None]:
    """Let everything that is logged during a run go to its own file too."""
    path = layout.run_log(store.folder, run.id)
    path.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        log.info("Run %d (%s) begins", run.id, run.kind)
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _handlers(queue: WorkerQueue) -> Handlers:
    # By name, so that torch is loaded only once the lock is ours.
    with heavy_imports():
        handlers: Handlers = importlib.import_module(queue.handlers).HANDLERS
    return handlers


def main(
    arguments: Sequence[str] | None = None,
    load: Callable[[WorkerQueue], Handlers] = _handlers,
) -> None:
    """Run the worker of the queue and workspace that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m autolearn.runs.worker")
    parser.add_argument("--queue", choices=QUEUES, default=MODEL_QUEUE.name)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.captureWarnings(capture=True)
    log.setLevel(logging.INFO)
    try:
        queue = QUEUES[options.queue]
        serve(options.workspace, queue, lambda: load(queue), options.idle)
    except AutolearnError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
