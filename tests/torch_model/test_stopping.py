"""Cancelling, killing and resuming a worker with the built-in model."""

import os
import random
import signal
import time
from dataclasses import replace
from functools import partial

import pytest

from autolearn.core.errors import JobError, WorkerLost
from autolearn.models import files as model_files
from autolearn.runs import queues, run_control, worker_locks, worker_processes
from autolearn.services import actions
from autolearn.store import Store
from tests.support.labs import (
    MODEL,
    STUDY,
    TRAIN,
    finish,
    finish_here,
    open_library,
    rows,
    work_here,
)
from tests.support.pages import until
from tests.support.texts import put

pytestmark = pytest.mark.torch_model


def stored_texts(store):
    """Return what a workspace knows, without ids, times and runs."""
    tables = {
        "questions": "text, split, origin, flags, passage_id",
        "answers": 'kind, text, evidence, start, "end", sample_index, flags',
        "feedback": "purpose, text, verdict, probability",
        "samples": "prompt, chosen, rejected, gap, gap_probability, flags, state",
        "steps": "name, n_records",
        "generated_instructions": "draw, text",
        "round_items": "kind, chat, chosen, rejected, position",
        # Memory is measured anew by whoever goes on.
        "metrics WHERE name NOT LIKE 'memory%'": "name, step",
    }
    return {
        table: rows(store, f"SELECT {columns} FROM {table} ORDER BY {columns}")
        for table, columns in tables.items()
    }


def kill_worker(store):
    """Kill the worker, and wait until it has gone: until then, none is started."""
    os.kill(int((store.folder / "worker.pid").read_text()), signal.SIGKILL)
    until(lambda: not worker_locks.worker_alive(store.folder, queues.MODEL_QUEUE))


def has_begun(store, run_id):
    return store.runs.get(run_id).state != "queued"


def finish_through_kills(store, run, kills, draw):
    """Finish a run whose worker is killed so many times at random moments."""
    for _ in range(kills):
        worker_processes.ensure_worker(store.folder)
        until(partial(has_begun, store, run.id))
        time.sleep(draw.uniform(0.0, 5.0))
        kill_worker(store)
        try:
            last = run_control.wait(store, run.id)
        except WorkerLost:
            run = run_control.resume(store, run.id)
        else:
            return last
    return finish(store, run)


def run_everything(folder, finish):
    with open_library(folder, n_documents=1) as store:
        finish(store, actions.study(store, MODEL, STUDY))
        actions.approve(store, "open-book")
        finish(store, actions.train(store, MODEL, replace(TRAIN, max_steps=24)))
        adapter = store.folder / store.rounds.get(1).adapter
        story = stored_texts(store), model_files.adapter_digest(adapter)
        assert worker_processes.stop_worker(folder)
        return story


def test_a_worker_that_is_killed_again_and_again_ends_as_if_it_had_not(
    tmp_path, request
):
    kills, draw = request.config.getoption("kills"), random.Random(7)
    calm = run_everything(tmp_path / "calm", finish_here)
    killed = run_everything(
        tmp_path / "killed",
        lambda store, run: finish_through_kills(store, run, kills, draw),
    )
    assert killed == calm


def test_a_study_is_cancelled_within_a_moment_and_resumed(tmp_path):
    with open_library(tmp_path / "lab") as store:
        run = actions.study(store, MODEL, STUDY)
        worker_processes.ensure_worker(store.folder)
        while store.runs.get(run.id).done < 3:
            time.sleep(0.05)
        start = time.monotonic()
        run_control.cancel(store, run.id)
        assert run_control.wait(store, run.id).state == "cancelled"
        assert time.monotonic() - start < 3.0
        n_questions = len(store.library.questions())
        with pytest.raises(JobError, match="nothing to stop"):
            run_control.cancel(store, run.id)
        finish(store, run_control.resume(store, run.id))
        assert len(store.library.questions()) > n_questions
        assert worker_processes.stop_worker(store.folder)


def test_a_passage_that_is_too_long_fails_the_study_with_its_reason(tmp_path):
    long = tmp_path / "long.txt"
    long.write_text("Avel was founded in 1711 by many people. " * 200)
    with Store.open(tmp_path / "lab") as store:
        put(store, long, tokens=4096)
        last = work_here(store, actions.study(store, MODEL, STUDY))
        assert last.state == "failed"
        assert "do not fit the context" in str(last.error)
