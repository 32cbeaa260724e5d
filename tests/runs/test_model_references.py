"""A workspace works with a model on a server as with one on this computer."""

import pytest

from autolearn.core.errors import AutolearnError, BackendError, JobError
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Run
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.endpoints import detection
from autolearn.endpoints.client import RetryPolicy
from autolearn.runs import model_references
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.services import (
    actions,
    model_actions,
    model_scope,
    pipeline,
    prompt_editor,
    skill_actions,
)
from autolearn.services.estimates.durations import StudyTime
from autolearn.store import RunFilter, Store
from autolearn.training import presets
from autolearn.ui.tabs import train as train_tab
from autolearn.ui.views import model as model_view
from autolearn.ui.views import study as study_view
from tests.support import model_server


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(detection, "_QUICK", RetryPolicy(tries=1, read=5.0))


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "workspace") as store:
        yield store


@pytest.fixture
def server():
    with model_server.running() as server:
        yield server


def test_a_server_is_chosen_by_its_address(store, server):
    assert model_actions.use(store, ModelSettings(server.address)) is None
    assert chosen_model(store).model == server.address
    digest = model_references.digest(store, server.address)
    assert model_scope.chosen_digest(store) == digest
    assert model_references.context(store, server.address) == 2048
    assert skill_actions.newest_report(store, chosen_model(store)) is None
    assert prompt_editor.protocol_of(store, chosen_model(store)) == "guided"


def test_what_a_server_said_is_known_while_it_is_away(store):
    with model_server.running() as server:
        choose_model(store, ModelSettings(server.address))
        digest = model_references.digest(store, server.address)
    assert model_references.digest(store, server.address) == digest
    with pytest.raises(BackendError, match="cannot be reached"):
        skill_actions.check(store, ModelSettings(server.address))
    assert store.runs.find(RunFilter()) == []


def test_a_run_belongs_to_the_server_as_it_is_when_it_is_queued(store, server):
    run: Run = skill_actions.check(store, ModelSettings(server.address))
    assert run.model_digest == model_references.digest(store, server.address)
    server.pages["/props"] = server.pages["/props"] | {"model_path": "/m/other"}
    later = actions.chat(
        store,
        ModelSettings(server.address),
        [Message("user", "Hello?")],
        Sampling(),
    )
    assert later.model_digest != run.model_digest


def test_a_server_with_a_file_in_its_name_is_no_file(server):
    assert not model_actions.is_gguf(f"{server.address}#tiny.gguf")
    assert model_actions.is_gguf("tiny.gguf")


def test_training_on_a_server_is_refused_in_the_same_sentence_everywhere(store, server):
    model = ModelSettings(server.address)
    choose_model(store, model)
    orders = [
        lambda: actions.train(store, model, TrainSettings()),
        lambda: pipeline.begin(store, model),
        lambda: presets.preset_settings(model, TrainSettings()),
        lambda: skill_actions.teach(store, model),
    ]
    for order in orders:
        with pytest.raises(BackendError, match="cannot be trained here; choose"):
            order()
    assert store.runs.find(RunFilter()) == []


def test_texts_are_measured_by_the_built_in_tokenizer(store, server, tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("The mill burned down in 1845.")
    run = actions.add_texts(store, [text], server.address, 64)
    assert run.settings["model"] == "built-in"


def test_the_page_says_what_the_server_is_and_can(store, server):
    name = f"{server.address}#tiny"
    before = model_view.about(store, name, "nf4")
    assert "has not been contacted yet" in before
    choose_model(store, ModelSettings(name))
    about = model_view.about(store, name, "nf4")
    for part in ("llama.cpp b1", "2,048 tokens", "with a grammar", "log-probabilities"):
        assert part in about
    assert "Training does not" in about
    assert "in use" in about
    assert "not in use" not in about
    chosen = model_view.chosen(ModelSettings("http://a/v1#<b>"))
    assert "<b>" not in chosen


def test_the_page_does_not_ask_the_server_when_it_is_drawn(store):
    with model_server.running() as server:
        choose_model(store, ModelSettings(server.address))
    assert "llama.cpp" in model_view.about(store, server.address, "nf4")
    assert "the server has the model" in study_view.effort(
        2, 0, StudyTime(None, is_first=True), None
    )
    order = TrainRunSettings(model=ModelSettings(server.address))
    with pytest.raises(AutolearnError, match="cannot be trained here"):
        train_tab.PlanCache().intake(store, order)


def test_a_round_is_of_no_server(store, server):
    with pytest.raises((JobError, AutolearnError)):
        choose_model(store, ModelSettings(server.address, round_id=3))
    settings = StudySettings()
    with pytest.raises(JobError, match="no text to study"):
        actions.study(store, ModelSettings(server.address), settings)
