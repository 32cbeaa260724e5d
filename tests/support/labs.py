"""A small workspace on the built-in model, and its worker."""

from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import run_control, worker_processes
from autolearn.services.demo_library import LIBRARY
from autolearn.store import Store
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
    worker_processes.ensure_worker(store.folder)
    last = run_control.wait(store, run.id)
    assert last.state == "done", last.error
    return last


def rows(store, sql):
    return [tuple(row) for row in store.db.rows(sql)]
