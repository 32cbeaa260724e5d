"""Runs are named, and their progress counted, in the same words everywhere."""

import pytest

from autolearn.core.records import Run
from autolearn.core.settings import ModelSettings
from autolearn.services import pipeline
from autolearn.ui.views import labels, status
from tests.support.texts import put_text


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("quiz", "1,200 of 4,800"),
        ("train", "1,200 of 4,800"),
        ("download", "1 MiB of 5 MiB"),
        ("study", "25 %"),
        ("skills", "25 %"),
        ("import", "25 %"),
    ],
)
def test_progress_is_counted_in_what_a_person_knows(kind, shown):
    assert labels.progress(Run(kind, {}, done=1200, total=4800)) == shown


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
