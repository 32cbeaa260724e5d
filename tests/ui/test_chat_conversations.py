"""Conversations: earlier ones, several windows, and a change of the model."""

import shutil

import gradio as gr
import pytest

from autolearn.core.errors import JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Round
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs import model_references
from autolearn.runs.model_choice import choose_model
from autolearn.services import conversations
from autolearn.services.conversations import NEWEST, ChatForm
from autolearn.ui.tabs import chat
from tests.support.chats import end


@pytest.fixture
def other_model(tmp_path):
    """A second model that can be chosen: the built-in one with another config."""
    folder = tmp_path / "other"
    shutil.copytree(model_files.BUILT_IN, folder)
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    return str(folder)


def test_a_round_of_another_model_is_refused_before_anything_is_queued(
    session, store, other_model
):
    run = store.runs.create("train", {})
    digest = model_files.digest(model_files.BUILT_IN)
    base = ModelIdentity("built-in", digest, "nf4", "", "")
    store.rounds.create(
        Round("refined_sft", run.id, {}, base, adapter="adapters/1"), []
    )
    store.runs.finish(run.id, "done")
    assert 1 in [number for _, number in chat._choices(session)]
    choose_model(store, ModelSettings(other_model))
    assert 1 not in [number for _, number in chat._choices(session)]
    left, right = chat._model_choices(session, 1, 1)
    assert (left.value, right.value) == (0, NEWEST)
    with pytest.raises(JobError, match="choose that model first") as refusal:
        chat._send(session, 0, ChatForm("Who?", 0, 1, False, False))
    assert "--" not in str(refusal.value)
    assert not store.runs.in_state("queued")
    chat._send(session, 0, ChatForm("Who?", 0, 0, False, False))
    assert len(store.runs.in_state("queued")) == 2


def test_another_model_does_not_get_the_answers_of_the_first(
    session, store, other_model
):
    chat._send(session, 0, ChatForm("Who?", 0, 0, False, False))
    end(store, {"left": "Ada.", "right": "Ada."})
    choose_model(store, ModelSettings(other_model))
    with pytest.raises(JobError, match="is with another model"):
        chat._regenerate(session, 1, 0.0, 40, "")
    assert conversations.current(store) == 1
    chat._send(session, 0, ChatForm("And now?", 0, 0, False, False))
    histories = [run.settings["messages"] for run in store.runs.in_state("queued")]
    assert [len(messages) for messages in histories] == [1, 1]


def test_a_new_conversation_leaves_the_old_one_with_its_runs(session, store):
    chat._clear(session)
    chat._send(session, 0, ChatForm("Who?", 0, 0, False, False))
    assert "Pick two models" in chat._clear(session)[0]
    assert len(store.runs.conversation(1)) == 2


def test_earlier_conversations_are_listed_and_opened(session, store):
    chat._send(session, 0, ChatForm("First <b>?", 0, 0, False, False))
    end(store, {})
    chat._clear(session)
    chat._send(session, 0, ChatForm("Second?", 0, 0, False, False))
    numbers = [run.settings["conversation"] for run in store.runs.conversations()]
    assert numbers == [2, 1]
    assert "First" in chat._open(session, 1)[0]
    assert "Second" not in chat._open(session, 1)[0]
    assert store.runs.conversations("another model") == []


def test_the_buttons_act_on_the_conversation_that_is_shown(session, store):
    """Another window had begun a new chat, and the question went there."""
    chat._send(session, 0, ChatForm("First?", 0, 0, False, False))
    end(store, {})
    _, past, shown = chat._redraw(session, 0)
    assert (past.value, shown) == (1, 1)
    chat._clear(session)
    *_, shown_then = chat._send(session, shown, ChatForm("And?", 0, 0, False, False))
    assert shown_then == 1
    assert len(store.runs.conversation(1)) == 4
    conversations.begin(store)
    chat._stop(session, shown)
    assert not store.runs.in_state("queued")
    assert chat._redraw(session, 1)[1] == gr.skip()  # the list stays as it is


def test_a_question_stays_in_its_conversation_while_another_window_opens_one(
    session, store, monkeypatch
):
    """It was asked in the conversation that the other window had just opened."""
    chat._send(session, 0, ChatForm("First?", 0, 0, False, False))
    end(store, {"left": "L.", "right": "R."})
    usual = model_references.check

    def check(store, model):
        conversations.begin(store)
        usual(store, model)

    monkeypatch.setattr(model_references, "check", check)
    chat._send(session, 1, ChatForm("And?", 0, 0, False, False, follow_up=True))
    left, _ = store.runs.in_state("queued")
    settings = ChatRunSettings.of(left)
    assert (settings.conversation, settings.turn) == (1, 2)
    assert [m.content for m in settings.messages] == ["First?", "L.", "And?"]


def test_of_two_windows_that_ask_at_once_the_second_waits(session, store, monkeypatch):
    """Both were the same turn, so one question was shown with the other's answers."""
    questions = iter(["Mine?"])

    def ask(store, model):
        for question in questions:  # the other window is faster
            conversations.ask(store, 1, ChatForm(question, 0, 0, False, False))

    monkeypatch.setattr(model_references, "ask", ask)
    with pytest.raises(JobError, match="still being written"):
        chat._send(session, 1, ChatForm("Yours?", 0, 0, False, False))
    asked = [ChatRunSettings.of(run) for run in store.runs.conversation(1)]
    assert [(s.messages[-1].content, s.column) for s in asked] == [
        ("Mine?", "left"),
        ("Mine?", "right"),
    ]


def test_an_old_conversation_can_be_read_where_nothing_can_be_written(
    session, store, monkeypatch
):
    chat._send(session, 0, ChatForm("First?", 0, 0, False, False))
    end(store, {})
    chat._clear(session)
    monkeypatch.setattr(session.store.db, "read_only", True)
    assert "First?" in chat._open(session, 1)[0]
    assert conversations.current(store) == 2


@pytest.mark.parametrize("is_other_model", [False, True])
def test_a_new_conversation_is_new_also_after_an_old_one(
    session, store, other_model, is_other_model
):
    """It was the one after the current one, which had its own questions."""
    for question in ("First?", "Second?"):
        chat._clear(session)
        chat._send(session, 0, ChatForm(question, 0, 0, False, False))
        end(store, {})
    chat._open(session, 1)
    if is_other_model:  # its first question begins a conversation
        choose_model(store, ModelSettings(other_model))
    else:
        assert "Pick two models" in chat._clear(session)[0]
    chat._send(session, 0, ChatForm("Third?", 0, 0, False, False))
    (left, _) = store.runs.in_state("queued")
    settings = ChatRunSettings.of(left)
    assert (settings.conversation, settings.turn) == (3, 1)
    assert [message.content for message in settings.messages] == ["Third?"]
