"""Runs are named, and their progress counted, in the same words everywhere."""

import time

import pytest

from autolearn.core.records import Run
from autolearn.core.settings import ModelSettings
from autolearn.runs import queues, worker_processes
from autolearn.services import pipeline
from autolearn.ui.views import labels, status
from tests.support.texts import put_text


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("quiz", "1,200 of 4,800"),
        ("train", "1,200 of 4,800"),
        ("download", "1 MiB of 5 MiB"),
        ("study", "25\N{NO-BREAK SPACE}%"),
        ("skills", "25\N{NO-BREAK SPACE}%"),
        ("import", "25\N{NO-BREAK SPACE}%"),
    ],
)
def test_progress_is_counted_in_what_a_person_knows(kind, shown):
    assert labels.progress(Run(kind, {}, done=1200, total=4800)) == shown


@pytest.mark.parametrize(
    ("kind", "stage", "shown"),
    [
        ("train", "similar questions", "replay: questions like those of the round"),
        ("study", "generated instructions", "the model writes new instructions"),
        ("skills", "verdicts", "judging right and wrong answers"),
        ("train", "training", "training"),
        ("quiz", "", "preparing the run"),
    ],
)
def test_a_stage_is_called_by_what_is_done_in_it(store, kind, stage, shown):
    run = Run(kind, {}, state="running", stage=stage, done=1, total=2, id=1)
    assert labels.stage(run) == shown
    assert shown in status._running(store, run)


def test_a_running_study_names_its_model_after_another_one_is_chosen(store):
    put_text(store, "avel.md", "Avel was founded in 1711.")
    pipeline.begin(store, ModelSettings())
    store.runs.claim(1, ["study"])
    store.choices.set("model", ModelSettings("/models/<i>-1B").as_dict())
    sidebar = status.draw(store)
    assert "with built-in" in sidebar
    assert "&lt;i&gt;-1B" in sidebar
    assert "<i>" not in sidebar


@pytest.mark.parametrize(
    ("kind", "state", "can_resume"),
    [
        ("study", "failed", True),
        ("import", "interrupted", True),
        ("chat", "failed", False),
        ("quiz", "done", False),
    ],
)
def test_the_sidebar_says_where_a_run_that_failed_is_resumed(
    store, kind, state, can_resume
):
    run = store.runs.create(kind, {})
    store.runs.finish(run.id, state, "It failed.")
    sidebar = status.draw(store)
    assert "It failed." in sidebar
    assert ("It can be resumed under History." in sidebar) == can_resume


def test_a_worker_that_does_not_begin_is_told_beside_what_waits(store, monkeypatch):
    place = store.folder, queues.MODEL_QUEUE
    monkeypatch.setitem(worker_processes._errors, place, "No module is named <torch>.")
    store.runs.create("study", {})
    sidebar = status.draw(store)
    assert "The worker process ended with an error: No module is named &lt;" in sidebar
    assert "Check this computer" in sidebar
    store.runs.claim(1, ["study"])
    store.runs.create("study", {})
    assert "ended with an error" not in status.draw(store)


def test_the_last_error_is_that_of_the_run_that_ended_last(store):
    """A run that was resumed after a later one had ended failed without a word."""
    first, later = (store.runs.create("study", {}) for _ in range(2))
    store.runs.finish(first.id, "interrupted")
    store.runs.finish(later.id, "done")
    assert "al-failed" not in status.draw(store)
    store.runs.requeue(first.id)
    time.sleep(0.002)  # times have milliseconds
    store.runs.finish(first.id, "failed", "It failed.")
    assert "It failed." in status.draw(store)
