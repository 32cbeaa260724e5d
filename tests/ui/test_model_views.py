"""What the model tab and the sidebar say about a model."""

import shutil
from dataclasses import replace

import gradio as gr
import pytest

from autolearn.core.errors import JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Round, Run
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.models.sources.hub import Offer
from autolearn.runs import worker_locks, worker_processes
from autolearn.runs.model_choice import choose_model
from autolearn.services import model_actions
from autolearn.services.estimates import memory_needs
from autolearn.services.integrity import Finding
from autolearn.ui import html
from autolearn.ui.session import Session
from autolearn.ui.tabs import model, study
from autolearn.ui.views import labels, status
from autolearn.ui.views import model as views
from tests.support.rounds import one_round

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(hardware, "gpus", lambda: ())


def test_the_page_says_whether_a_model_fits(store, monkeypatch):
    assert "fits" in views.about(store, "built-in", "nf4")
    assert "in use" in views.about(store, "built-in", "nf4")
    assert "kept unpacked" in views.about(store, "built-in", "nf4")
    assert "unpacked" not in views.about(store, "built-in", "none")
    monkeypatch.setattr(hardware, "free_memory", lambda: 10)
    markup = views.about(store, "built-in", "none")
    assert "does not fit" in markup
    assert "not in use" in markup


def test_the_card_tells_the_memory_of_a_study_and_not_only_of_the_weights(store):
    """It said 707 MiB “for answering” of a model whose study took 2.2 GiB."""
    study = StudySettings()
    fit = memory_needs.of_study(store, ModelSettings(), study, study.passages_per_step)
    markup = views.about(store, "built-in", "nf4")
    assert f"{html.size(fit.need.total)} at the peak of a study" in markup
    assert f"{html.size(fit.need.n_loaded)} in 4 bit once it is loaded" in markup


def test_the_card_counts_the_passages_of_the_library_as_the_tab_study_does(
    store, library
):
    """It named the memory of a full step of a library of two passages."""
    fit = memory_needs.of_study(store, ModelSettings(), StudySettings(), 2)
    markup = views.about(store, "built-in", "nf4")
    assert f"{html.size(fit.need.total)} at the peak of a study of all texts" in markup


@pytest.mark.parametrize("in_worker", [0, 3 << 30])
def test_the_tabs_model_and_study_announce_the_same_memory(
    store, library, monkeypatch, in_worker
):
    """What the worker used when a tab was drawn was added there."""
    monkeypatch.setattr(hardware, "free_memory", lambda: 20 << 30)
    monkeypatch.setattr(hardware, "worker_memory", lambda path: in_worker or None)
    run = store.runs.create("study", {"model": ModelSettings().as_dict(), "study": {}})
    store.runs.claim(1, ("study",))
    values = [getattr(StudySettings(), name) for name in study.LABELS]
    line = study._effort(Session(store.folder), [], *values)
    fit = memory_needs.of_study(store, ModelSettings(), StudySettings(), 2)
    peak, free = html.size(fit.need.total), html.size((20 << 30) + in_worker)
    assert f"memory about {peak} of {free} free" in line
    markup = views.about(store, "built-in", "nf4")
    assert f"{peak} at the peak of a study of all texts" in markup
    assert f"{free} are free in main memory" in markup
    assert store.runs.get(run.id).state == "running"


def test_the_licence_that_the_hub_stated_is_kept(store, tmp_path):
    """The folder of a model without a model card does not say it."""
    folder = tmp_path / "models--org--tiny" / "snapshots" / "abc"
    shutil.copytree(
        model_files.BUILT_IN, folder, ignore=shutil.ignore_patterns("README.md")
    )
    assert "not stated in its folder" in views.about(store, str(folder), "nf4")
    names = ("former/name", "org/tiny")
    offer = Offer(*names, "abc", "mit", False, (), 0, 1 << 40, "", "")
    model_actions.download(store, offer)
    assert "mit (as the hub stated it)" in views.about(store, str(folder), "nf4")


def test_a_hostile_name_is_text(store):
    markup = views.about(store, HOSTILE, "nf4")
    assert "al-problem" in markup
    assert not any(part in markup for part in ("<img", "${", "{{"))


def test_only_finished_rounds_can_be_chosen(store):
    run = store.runs.create("train", {})
    base = ModelIdentity("built-in", "abc", "nf4", "", "")
    new = Round("refined_sft", run.id, {}, base)
    store.rounds.create(new, [])
    rolled_back = replace(new, state="rolled_back", adapter="adapters/round-2")
    store.rounds.create(rolled_back, [])
    assert labels.finished(store) == [
        ("round 2: Both papers combined (refined SFT), rolled back", 2)
    ]


def test_a_model_that_is_in_use_need_not_be_in_memory(store, monkeypatch):
    """“No model is loaded” stood beside a model that was “in use”."""
    assert "model in use is not in memory" in views.worker(store)
    assert "A run loads it into memory" in views.chosen(ModelSettings())
    monkeypatch.setattr(hardware, "worker_memory", lambda path: 3 << 30)
    assert "uses 3.0 GiB of memory" in views.worker(store)
    monkeypatch.setattr(hardware, "worker_memory", lambda path: None)
    server = ModelSettings("http://127.0.0.1:8080/v1#tiny")
    monkeypatch.setattr(views, "chosen_model", lambda store: server)
    assert "on a server; none is in memory here" in views.worker(store)


def test_the_model_is_unloaded_only_while_nothing_runs(store):
    session = Session(store.folder)
    assert "nothing to unload" in model._free(session)
    store.runs.create("study", {})
    with pytest.raises(JobError, match="in progress or queued"):
        model._free(session)


def test_a_model_can_be_unloaded_only_while_one_is_in_memory(store, monkeypatch):
    """The button was active, and said that there was nothing to unload."""
    for n_bytes in (None, 3 << 30):
        monkeypatch.setattr(hardware, "worker_memory", lambda path, n=n_bytes: n)
        _, button = model._worker(Session(store.folder))
        assert button.interactive == (n_bytes is not None)


def test_memory_is_said_to_be_freed_only_if_a_worker_was_there(store, monkeypatch):
    monkeypatch.setattr(worker_processes, "stop_worker", lambda folder: True)
    with worker_locks.worker_lock(store.folder):
        markup = model._free(Session(store.folder))
    assert "No model is in memory now" in markup
    assert "No model is in memory now" not in model._free(Session(store.folder))


def test_a_model_begins_with_what_a_person_needs_and_folds_its_digest(store):
    markup = views.about(store, "built-in", "nf4")
    assert markup.index("<summary>Files") < markup.index("Digest")


def test_checks_can_be_copied():
    checks = [Finding("disk", True, "9 GiB free"), Finding("torch", False, HOSTILE)]
    first, second = views.report(checks).splitlines()
    assert first == "OK       disk: 9 GiB free"
    assert second.startswith("Problem  torch: ")  # it may be there and fail
    assert "Problem" in views.checks(checks)
    assert "<img" not in views.checks(checks)


def test_the_sidebar_shows_the_chosen_model_in_as_many_rows_as_ever(store):
    before = status.draw(store)
    store.runs.create("study", {"model": ModelSettings("other").as_dict()})
    choose_model(store, ModelSettings(quantization="none"))
    after = status.draw(store)
    assert before.count("<dt>") == after.count("<dt>")
    assert "16 or 32 bit" in after
    assert "other" not in after


def test_the_sidebar_says_that_no_model_is_loaded_once_the_worker_has_ended(
    store, monkeypatch
):
    """Its memory became a dash without a word."""
    monkeypatch.setattr(hardware, "worker_memory", lambda path: 3 << 30)
    assert "3.0 GiB" in status.draw(store)
    monkeypatch.setattr(hardware, "worker_memory", lambda path: None)
    assert "not loaded" in status.draw(store)


def test_the_idle_sidebar_says_what_ended_last(store):
    """A quiz in another tab ended without a trace."""
    assert "Last:" not in status.draw(store)
    run = store.runs.create("quiz", {})
    store.runs.finish(run.id, "done")
    assert f"(run {run.id}), done, 2" in status.draw(store)


def test_what_comes_and_goes_in_the_sidebar_has_a_place_that_is_kept(store, context):
    """The buttons and the steps jumped when a run began, and when it ended."""
    page = replace(context, revision_boxes={})
    for state in ("idle", "queued", "running"):
        if state == "queued":
            store.runs.create("study", {})
        elif state == "running":
            store.runs.claim(1, ["study"])
        sidebar, steps, *_ = page._refresh("Start")
        assert sidebar.count("al-activity") == 1
        assert steps.count("al-below-button") == 1


def test_a_running_run_shows_the_time_left_and_no_rate(store):
    run = Run("train", {}, state="running", stage="training", done=3, total=9, id=1)
    early = replace(run, rate=2.0)
    for unknown in (run, early):
        assert "estimating the time left" in status._running(store, unknown)
    quiz = replace(run, model="/models/1B", round_id=3)
    assert "with 1B, round 3" in status._running(store, quiz)
    markup = status._running(store, replace(early, eta_seconds=63))
    assert "time left: 1 min 03 s" in markup
    late = replace(run, rate=1.0, eta_seconds=0.0)
    assert "time left: longer than estimated" in status._running(store, late)
    assert "a second" not in markup


@pytest.mark.parametrize("seconds", [None, 0.0])
def test_a_stage_whose_units_are_all_done_is_finishing(store, seconds):
    run = Run("train", {}, state="running", stage="training", done=9, total=9, id=1)
    markup = status._running(store, replace(run, rate=1.0, eta_seconds=seconds))
    assert "finishing" in markup
    assert "time left" not in markup


def test_only_the_last_stage_of_a_run_is_finishing(store):
    """Replay was “finishing” for minutes, and the training was still to come."""
    run = Run("train", {}, state="running", stage="texts read again", id=1)
    markup = status._running(store, replace(run, done=82, total=82, eta_seconds=0.0))
    assert "preparing the next stage" in markup
    assert "finishing" not in markup


def test_the_sidebar_says_that_the_time_left_of_a_preparation_is_of_its_stage(store):
    """One minute was followed by sixteen more."""
    run = Run("train", {}, state="running", stage="similar questions", id=1)
    markup = status._running(store, replace(run, rate=1.0, eta_seconds=60.0))
    assert "time left of this stage: 1 min 00 s" in markup


def test_a_skill_check_shows_the_time_of_the_last_one_until_it_knows_its_own(store):
    model = {"model": ModelSettings().as_dict()}
    last = store.runs.create("skills", model)
    store.runs.finish(last.id, "done")
    store.db.write(
        "UPDATE runs SET started_at = created_at, worked_seconds = 348 WHERE id = ?",
        last.id,
    )
    run = replace(store.runs.create("skills", model), state="running", rate=1.0)
    assert "about 6 min in all" in status._running(store, run)
    assert "time left: 2 min 00 s" in status._running(
        store, replace(run, eta_seconds=120.0)
    )


def test_a_round_is_kept_however_the_place_of_its_model_is_written(
    store, tmp_path, monkeypatch
):
    """It was dropped: the base model was used and checked in its place."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    store.choices.set("model", ModelSettings(str(folder)).as_dict())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_actions, "converted_folder", lambda *_: folder)
    names = ("tiny", "tiny/", str(folder), "tiny.gguf", "")
    ids = [model_actions.selected(store, name, "nf4", 3).round_id for name in names]
    assert ids == [3] * len(names)
    assert model_actions.selected(store, "built-in", "nf4", 3).round_id is None


def test_a_round_in_use_whose_model_is_gone_is_not_chosen(store):
    """It is not offered either, and Gradio refuses all that reads such a field."""
    model_in_use = ModelSettings("/models/gone", round_id=3)
    store.choices.set("model", model_in_use.as_dict())
    assert model._adapter(Session(store.folder)).value == 0


def test_an_open_tab_offers_a_round_as_soon_as_it_has_ended(store, monkeypatch):
    """It was offered only once the tab had been opened again."""
    session = Session(store.folder)

    def offer(choices, chosen, default):
        """Return what is offered, what stays chosen, and its default."""
        return choices, chosen, default

    monkeypatch.setattr(model, "offer", offer)
    before = model._adapters(session)
    taught = one_round(store, "meta")
    offered, known = model._renewed_adapters(session, before, 0)
    assert offered == (known, 0, 0)
    assert [number for _, number in known] == [0, taught.id]
    _, unchanged = model._renewed_adapters(session, known, taught.id)
    assert unchanged == gr.skip()
