"""A small workspace on the built-in model, and its worker."""

import importlib
import signal

from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import queues, run_control, worker, worker_processes
from autolearn.services.demo_library import LIBRARY
from autolearn.store import Store
from autolearn.study import prompts
from tests.support.texts import put

MODEL = ModelSettings()
STUDY = StudySettings(ask_rounds=1, paraphrases=1, passages_per_step=3, quiz_share=0.3)
TRAIN = TrainSettings(max_steps=40, replay_share=0.25, checkpoint_seconds=1.0)


def open_library(folder, n_documents=2):
    store = Store.open(folder)
    texts = sorted(LIBRARY.glob("*.md"))[:n_documents]
    put(store, *texts)
    return store


def finish(store, run):
    """Let a worker do a run, in a process of its own."""
    worker_processes.ensure_worker(store.folder)
    last = run_control.wait(store, run.id)
    assert last.state == "done", last.error
    return last


def finish_here(store, run):
    """Let a worker do a run in this process, see ``work_here``."""
    last = work_here(store, run)
    assert last.state == "done", last.error
    return last


def work_here(store, run, load=None):
    """Be the worker of the model until no run waits; return a run as it ended.

    For what depends on the model, not on processes: a worker takes five seconds of
    processor time to import torch and its packages, which this process has done.
    ``load`` returns other handlers than those of the model.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    usual = [signal.getsignal(number) for number in numbers]
    try:
        worker.serve(store.folder, queues.MODEL_QUEUE, load or _handlers, idle=0.01)
    finally:
        prompts.use(None)
        for number, handler in zip(numbers, usual, strict=True):
            signal.signal(number, handler)
    return store.runs.get(run.id)


def _handlers():
    # By name: most tests of this helper have nothing to do with torch.
    return importlib.import_module(queues.MODEL_QUEUE.handlers).HANDLERS


def rows(store, sql):
    return [tuple(row) for row in store.db.rows(sql)]
