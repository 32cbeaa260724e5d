"""How rounds, runs, their differences and exports are shown."""

from pathlib import Path
from zipfile import ZipFile

import gradio as gr
import pytest

from autolearn.api.lab import Lab
from autolearn.core.errors import JobError
from autolearn.core.model_calls import Message, ModelIdentity
from autolearn.core.records import Metric, Round, TrainItem
from autolearn.core.run_settings import ExportRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.runs import queues
from autolearn.runs.model_choice import choose_model
from autolearn.ui.html import Html
from autolearn.ui.session import Session
from autolearn.ui.tabs import history
from autolearn.ui.tabs import workspace as workspace_tab
from autolearn.ui.views import evaluation
from autolearn.ui.views import history as views
from tests.support.rounds import approve
from tests.support.two_models import OTHER, study

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
MODEL = {"model": "built-in", "round_id": None}


def one_round(store, parent=None, **more):
    run = store.runs.create("train", {"model": MODEL, "train": {"rank": 8}})
    base = ModelIdentity(HOSTILE, "abc", "nf4", "", "")
    new = Round("join", run.id, run.settings, base, parent, **more)
    items = [TrainItem("sft", (Message("user", "Q?"),), "A.")]
    return store.rounds.create(new, items)


def is_safe(markup):
    return not any(part in markup for part in ("<img", "${", "{{"))


def test_empty_places_say_what_to_do(store):
    assert "No round yet" in views.lineage(store)
    assert "No runs yet" in views.runs(store, 0)
    assert "No exports yet" in views.exports(store)
    assert views.details(store, "") == ""
    assert "two different runs" in views.compare(store, 0, 3)


def test_an_empty_place_does_not_deny_what_other_models_have(store):
    """It said that there was nothing, though other models had runs."""
    study(store, OTHER, approve=False)
    choose_model(store, ModelSettings())
    assert "No round of this model yet" in views.lineage(store)
    assert "No runs of this model yet" in views.runs(store, 0)


def base_quiz(store, digest, right):
    """Keep a quiz of the base model with these files."""
    settings = {
        "model": MODEL,
        "model_digest": digest,
        "parts": [["quiz", "closed_book"]],
    }
    quiz = store.runs.create("quiz", settings)
    result = {"gold_closed_book": {"n": 100, "right": right}}
    store.runs.finish(quiz.id, "done", result=result)


def test_a_round_stands_below_what_it_was_built_on_with_its_scores(store):
    base_quiz(store, "abc", 0.03)
    scores = {
        "gold_closed_book": {"n": 100, "right": 0.62},
        "control_closed_book": {"right": 1.0},
    }
    first = one_round(store, state="kept", scores=scores)
    one_round(store, parent=first.id, state="training")
    markup = views.lineage(store)
    assert markup.index("round 1: Both") < markup.index("round 2: Both")
    assert markup.count("<ul>") == 2
    assert markup.index("3 %") < markup.index("62 %") < markup.index("100 %")
    details = views.round_details(store, first.id)
    assert "1 sft" in details
    assert is_safe(details)


def test_a_round_whose_training_was_cut_short_has_the_state_of_its_run(
    store, workspace
):
    round_ = one_round(store)
    store.runs.finish(round_.run_id, "interrupted")
    for markup in (
        views.lineage(store),
        views.round_details(store, round_.id),
        evaluation.rounds(store),
    ):
        assert "interrupted" in markup
        assert "training" not in markup
    (listed,) = Lab(workspace).rounds()
    assert listed.state == "interrupted"


def test_a_round_is_compared_with_the_base_quiz_of_its_own_model(store):
    scores = {"gold_closed_book": {"n": 100, "right": 0.62}}
    one_round(store, state="kept", scores=scores)
    base_quiz(store, "abc", 0.03)
    base_quiz(store, "another model", 0.47)
    markup = views.lineage(store)
    assert ">3 %<" in markup
    assert "47 %" not in markup


def test_a_round_on_a_round_without_a_quiz_is_compared_with_the_base_too(store):
    """It showed no score before, where Evaluation compared it with the base model."""
    base_quiz(store, "abc", 0.03)
    skills = one_round(store, state="kept")
    scores = {"gold_closed_book": {"n": 100, "right": 0.62}}
    one_round(store, parent=skills.id, state="kept", scores=scores)
    markup = views.lineage(store)
    assert markup.index("round 2: Both") < markup.index("3 %") < markup.index("62 %")


def test_runs_come_in_pages_by_their_number(store):
    for _ in range(views.RUNS_A_PAGE + 1):
        store.runs.create("study", {})
    assert 'data-pick="run-2"' in views.runs(store, 0)
    assert 'data-pick="run-1"' not in views.runs(store, 0)
    assert 'data-pick="run-1"' in views.runs(store, 2)
    session = Session(store.folder)
    assert history._older(session, 0, True) == 2
    assert history._older(session, 2, True) == 2
    for before_id, enabled in ((0, (False, True)), (2, (True, False))):
        _, *buttons = history._page(session, before_id, True)
        assert tuple(button.interactive for button in buttons) == enabled


def test_hidden_chats_are_not_denied(store):
    store.runs.create("chat", {"model": MODEL})
    assert "There are only chats yet" in views.runs(store, 0, with_chats=False)
    assert "No runs yet" not in views.runs(store, 0, with_chats=False)
    assert 'data-pick="run-1"' in views.runs(store, 0)


def test_a_run_shows_error_settings_and_the_end_of_its_log_as_text(store):
    run = store.runs.create("study", {"study": {"name": HOSTILE}})
    assert "has no log" in views.run_details(store, run.id)
    store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    store.runs.finish(run.id, "failed", HOSTILE)
    lines = [f"line {n} {HOSTILE}" for n in range(300)]
    (store.subfolder("logs") / f"run-{run.id}.log").write_text("\n".join(lines))
    markup = views.run_details(store, run.id)
    assert is_safe(markup)
    assert "line 299" in markup
    assert "line 199" not in markup
    assert "study.name" in markup
    assert is_safe(views.runs(store, 0))


def test_two_runs_differ_in_what_differs_only(store):
    one = store.runs.create("train", {"train": {"rank": 8, "seed": 0}})
    other = store.runs.create("train", {"train": {"rank": 16, "seed": 0}})
    for run in (one, other):
        store.runs.add_metrics(run.id, [Metric(n, "loss", 1 / n) for n in (1, 2, 3)])
    markup = views.compare(store, one.id, other.id)
    assert "train.rank" in markup
    assert "train.seed" not in markup
    assert markup.count("<polyline") == 2
    assert "Results that differ: none." in markup


def test_what_has_not_changed_is_not_drawn_again_and_a_stopped_run_is_resumed(store):
    """So it stays unfolded, and a late drawing does not empty what was opened since."""
    run, session = store.runs.create("study", {}), Session(store.folder)
    key, nothing = f"{views.RUN}{run.id}", (gr.skip(), gr.skip())
    assert history._redraw(session, "", Html("")) == nothing
    content, drawn = history._draw(session, key)
    assert "Resume" not in content
    assert history._redraw(session, key, drawn) == nothing
    store.runs.request_cancel(run.id)
    content, _ = history._redraw(session, key, drawn)
    assert "Resume this run" in content
    assert f'data-pick="{key}"' in content
    history._resume(session, key)
    assert store.runs.get(run.id).state == "queued"


def test_an_export_is_queued_listed_and_zipped(store):
    session = Session(store.folder)
    round_ = one_round(store, state="trained", adapter="adapters/round-1")
    history._export(session, round_.id, "chat")
    run = store.runs.newest(1)[0]
    assert ("chats (SFT)", "chat") in history.WHAT
    assert "chats (SFT) of round 1" in views.exports(store)
    with pytest.raises(JobError, match="no longer exist"):
        history._zip_file(session, run.id)
    folder = store.subfolder("exports")
    (folder / "data.jsonl").write_text("{}")
    result = {"path": str(folder / "data.jsonl"), "samples": 1}
    store.runs.finish(run.id, "done", result=result)
    assert "Download" in views.exports(store)
    assert ">1 line<" in views.exports(store)
    assert history._zip_file(session, run.id).endswith("round-1-chat.zip")


def test_a_hand_over_is_a_folder_and_comes_as_one_zip(store):
    session = Session(store.folder)
    approve(store)
    history._export(session, history.OWN, "llama-factory")
    run = store.runs.newest(1)[0]
    assert "folder for LLaMA-Factory of a planned round" in views.exports(store)
    folder = Path(ExportRunSettings.of(run).target)
    assert folder.parent == store.folder / "exports"
    (folder / "data").mkdir(parents=True)
    for name in ("README.md", "config.yaml", "data/train.jsonl"):
        (folder / name).write_text("{}")
    result = {"path": str(folder), "samples": 1, "card": str(folder / "README.md")}
    store.runs.finish(run.id, "done", result=result)
    with ZipFile(history._zip_file(session, run.id)) as archive:
        names = {name.removeprefix(f"{folder.name}/") for name in archive.namelist()}
    assert names >= {"README.md", "config.yaml", "data/train.jsonl"}


def test_a_backup_is_not_restored_into_a_folder_that_is_there(tmp_path):
    place = tmp_path / "restored"
    for name in ("restored", "restored-2", "restored-3"):
        folder = workspace_tab.unused(place)
        assert folder.name == name
        folder.mkdir()
