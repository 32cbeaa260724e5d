"""Which model a workspace is opened with, and which one an open page keeps."""

from argparse import Namespace

import pytest

from autolearn.cli import main
from autolearn.cli.common import model_of, workspace_of
from autolearn.core.errors import JobError
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs import model_references
from autolearn.runs.model_choice import (
    choose_last_used,
    choose_model,
    chosen_model,
    last_used_model,
)
from autolearn.services.model_scope import shown_digest
from autolearn.store import Store, connection
from autolearn.ui import launch
from autolearn.ui.views import model as model_views
from tests.support.two_models import study

BUILT_IN = ModelSettings()
OTHER = ModelSettings("/models/other-7b", "none")
ON_SERVER = ModelSettings("http://127.0.0.1:9/v1#a-model")
PRECISE = ModelSettings(quantization="none")


def run_with(store, model, kind="study", **settings):
    """Queue a run with a model, as a command does."""
    return store.runs.create(kind, {"model": model.as_dict(), **settings})


def test_an_empty_workspace_opens_with_the_built_in_model(store):
    assert chosen_model(store) == BUILT_IN
    choose_last_used(store)
    assert chosen_model(store) == BUILT_IN


@pytest.mark.parametrize("model", [OTHER, ON_SERVER, PRECISE])
@pytest.mark.parametrize("kind", ["study", "train", "quiz", "chat"])
def test_the_page_opens_with_the_model_of_the_newest_run(store, model, kind):
    choose_model(store, BUILT_IN)
    run_with(store, BUILT_IN)
    run_with(store, model, kind)
    launch.prepare(store.folder, None)
    assert chosen_model(store) == model


def test_a_model_that_was_chosen_after_the_newest_run_is_kept(store):
    run_with(store, OTHER)
    choose_model(store, PRECISE)
    launch.prepare(store.folder, None)
    assert chosen_model(store) == PRECISE


def test_a_model_that_was_chosen_while_another_was_checked_stays_in_use(
    store, monkeypatch
):
    """A slow server took the place of the model that was chosen after it."""

    def answer_late(store, model):
        if model == ON_SERVER.model:
            choose_model(store, PRECISE)

    monkeypatch.setattr(model_references, "ask", answer_late)
    monkeypatch.setattr(model_references, "check", lambda *_: None)
    with pytest.raises(JobError, match="built-in was chosen while http"):
        choose_model(store, ON_SERVER)
    assert chosen_model(store) == PRECISE
    choose_model(store, BUILT_IN)
    assert chosen_model(store) == BUILT_IN


def test_a_choice_of_an_earlier_version_gives_way_to_a_run(store):
    store.choices.set("model", PRECISE.as_dict())
    assert last_used_model(store) == PRECISE
    run_with(store, OTHER)
    assert last_used_model(store) == OTHER


def test_the_adapter_that_was_chosen_stays_when_the_same_model_was_used(store):
    with_round = ModelSettings(round_id=3)
    store.choices.set("model", with_round.as_dict())
    run_with(store, BUILT_IN)
    assert last_used_model(store) == with_round
    run_with(store, ModelSettings(OTHER.model, OTHER.quantization, 7))
    assert last_used_model(store) == OTHER


def test_a_page_that_is_open_keeps_its_model_while_another_is_used(store):
    launch.prepare(store.folder, None)
    run_with(store, OTHER)
    assert chosen_model(store) == BUILT_IN


def test_neither_a_skill_check_nor_what_follows_in_a_round_is_a_use(store):
    first = run_with(store, OTHER)
    run_with(store, BUILT_IN, "skills")
    run_with(store, BUILT_IN, "quiz", after=first.id)
    assert last_used_model(store) == OTHER


def test_a_model_that_is_gone_is_named_and_all_data_are_shown(store):
    study(store, BUILT_IN)
    study(store, OTHER)
    launch.prepare(store.folder, None)
    assert chosen_model(store) == OTHER
    assert shown_digest(store) is None
    about = model_views.about(store, OTHER.model, OTHER.quantization)
    assert "There is no folder /models/other-7b" in about


def test_a_workspace_that_is_only_read_shows_the_model_that_was_used_last(
    store, monkeypatch
):
    choose_model(store, BUILT_IN)
    run_with(store, OTHER)
    monkeypatch.setattr(connection, "is_read_only", lambda path: True)
    monkeypatch.setattr("autolearn.store.database.is_read_only", lambda path: True)
    with Store.open(store.folder) as reader:
        assert reader.read_only
        assert chosen_model(reader) == OTHER


def call(**options):
    defaults = {"model": None, "quantization": None, "round": None, "json": False}
    return Namespace(**defaults | options)


def test_a_command_without_a_model_takes_the_one_used_last_and_says_so(store, capsys):
    assert model_of(store, call()) == BUILT_IN
    assert capsys.readouterr().err == ""
    run_with(store, OTHER)
    assert model_of(store, call()) == OTHER
    assert model_of(store, call(quantization="nf4")).quantization == "nf4"
    assert "Model: /models/other-7b, used last" in capsys.readouterr().err


def test_a_command_with_a_model_is_as_it_was(store, capsys):
    run_with(store, OTHER)
    assert model_of(store, call(model="built-in")) == BUILT_IN
    assert model_of(store, call(model=OTHER.model)).quantization == "nf4"
    assert capsys.readouterr().err == ""


def test_a_model_in_a_relative_folder_is_found_from_another_one(
    store, tmp_path, monkeypatch
):
    """A worker or a later command that was started elsewhere did not find it."""
    (tmp_path / "own").symlink_to(model_files.BUILT_IN)
    monkeypatch.chdir(tmp_path)
    choose_model(store, ModelSettings("own"))
    models = [chosen_model(store), model_of(store, call(model="./own"))]
    monkeypatch.chdir("/")
    assert [model_files.locate(m.model) for m in models] == [model_files.BUILT_IN] * 2


def test_page_and_command_name_a_workspace_as_its_worker_does(tmp_path, monkeypatch):
    """A model that was converted into it had two names, and was listed twice."""
    monkeypatch.chdir(tmp_path)
    args = main.parser().parse_args(["runs"])
    folders = [workspace_of(args), launch._flags([]).workspace]
    assert folders == [tmp_path / "workspace"] * 2
