"""How a question is put into runs, and which models it may go to."""

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Round, RoundState, Run
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs import worker_processes
from autolearn.runs.model_choice import choose_model
from autolearn.services import conversations
from autolearn.services.conversations import NEWEST, ChatForm
from autolearn.ui.session import Session
from autolearn.ui.tabs import chat
from autolearn.ui.views import chat as views
from tests.support.chats import end
from tests.support.texts import put_text


def test_a_question_is_asked_once_a_column(session, store):
    chat._send(session, 0, ChatForm("Who leads Avel?", 0, 0, False, True))
    runs = store.runs.conversation(1)
    assert [run.settings["column"] for run in runs] == ["left", "right"]
    assert all(run.settings["refine"] for run in runs)
    assert views.conversation(store, 1).count("Queued") == 2


def test_an_open_book_gets_its_passages(session, store):
    put_text(store, "towns.md", "Avel was founded in 1711.\n")
    chat._send(session, 0, ChatForm("When was Avel founded?", 0, 0, True, True))
    (run,) = [r for r in store.runs.conversation(1) if r.settings["column"] == "open"]
    (passage,) = store.library.passages()
    assert run.settings["passages"] == [passage.id]
    assert not run.settings["refine"]
    assert "Passages in view: 1" in views.conversation(store, 1)
    end(store, {})
    with pytest.raises(InputError, match="No passage shares"):
        chat._send(session, 0, ChatForm("zebra", 0, 0, True, False))
    assert not store.runs.in_state("queued")


def test_a_question_is_asked_afresh(session, store):
    """A second question got the first answer again."""
    for question in ("One?", "Two?"):
        chat._send(session, 0, ChatForm(question, 0, 0, False, False))
        (left, _) = store.runs.conversation(1)[-2:]
        assert left.settings["messages"] == [{"role": "user", "content": question}]
        end(store, {"left": "L.", "right": "R."})


def test_earlier_turns_of_a_column_go_with_a_follow_up(session, store):
    chat._send(session, 0, ChatForm("One?", 0, 0, False, False))
    end(store, {"left": "L.", "right": "R."})
    chat._send(session, 0, ChatForm("Two?", 0, 0, False, False, follow_up=True))
    left, right = store.runs.conversation(1)[2:]
    assert left.settings["messages"] == [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "L."},
        {"role": "user", "content": "Two?"},
    ]
    assert right.settings["messages"][1]["content"] == "R."
    with pytest.raises(JobError, match="still being written"):
        chat._send(session, 0, ChatForm("Three?", 0, 0, False, False))


def test_nothing_is_queued_where_a_round_or_a_question_is_missing(session, store):
    with pytest.raises(JobError, match="no trained round"):
        chat._send(session, 0, ChatForm("Who?", NEWEST, 0, False, False))
    with pytest.raises(InputError, match="Type a question"):
        chat._send(session, 0, ChatForm("  ", 0, 0, False, False))
    assert not store.runs.in_state("queued")


@pytest.fixture
def rounds(store):
    """Rounds of the built-in model in every state; the first three have an adapter."""
    run = store.runs.create("train", {})
    digest = model_files.digest(model_files.BUILT_IN)
    base = ModelIdentity("built-in", digest, "nf4", "", "")
    states: tuple[RoundState, ...] = (
        "trained",
        "kept",
        "rolled_back",
        "failed",
        "training",
    )
    adapters = ("adapters/round-1", "adapters/round-2", "adapters/round-3", None, None)
    return [
        store.rounds.create(
            Round("refined_sft", run.id, {}, base, state=state, adapter=adapter), []
        ).id
        for state, adapter in zip(states, adapters, strict=True)
    ]


def test_the_newest_round_is_the_newest_that_can_be_used(session, store, rounds):
    """It could be one that was rolled back."""
    trained, kept, rolled_back, *_ = rounds
    assert conversations.model_of(store, NEWEST).round_id == kept
    assert conversations.model_of(store, 0).round_id is None
    titles = {number: title for title, number in chat._choices(session)}
    assert titles.keys() == {0, NEWEST, trained, kept, rolled_back}
    assert titles[rolled_back].endswith("rolled back")
    assert conversations.model_of(store, rolled_back).round_id == rolled_back
    for number in (trained, kept):
        store.rounds.set_state(number, "rolled_back")
    with pytest.raises(JobError, match="all are rolled back"):
        conversations.model_of(store, NEWEST)


def test_the_choices_name_what_is_in_use(session, store, rounds):
    titles = {number: title for title, number in chat._choices(session)}
    assert titles[0] == "base model, in use"
    choose_model(store, ModelSettings(round_id=rounds[0]))
    titles = {number: title for title, number in chat._choices(session)}
    assert titles[0] == "base model"
    in_use = [n for n, title in titles.items() if title.endswith(", in use")]
    assert in_use == rounds[:1]


def test_a_pending_answer_gets_its_worker_again(store, monkeypatch):
    started_runs: list[Run] = []
    monkeypatch.setattr(
        worker_processes,
        "start_worker_for",
        lambda store, run: started_runs.append(run),
    )
    session = Session(store.folder)
    chat._send(session, 0, ChatForm("Who?", 0, 0, False, False))
    started_runs.clear()
    with pytest.raises(JobError, match="still being written"):
        chat._send(session, 0, ChatForm("Who else?", 0, 0, False, False))
    assert len(started_runs) == 1


def test_other_answers_replace_those_of_the_last_question(session, store):
    chat._send(
        session,
        0,
        ChatForm("Who leads Avel?", 0, 0, False, False, 0.5, 40, "Be kind."),
    )
    end(store, {"left": "Ada.", "right": "Bo."})
    with pytest.raises(InputError, match="Enter a temperature"):
        chat._regenerate(session, 0, None, 40, "Be kind.")
    chat._regenerate(session, 0, 0.7, 90, "Be brief.")
    runs = store.runs.conversation(1)
    assert len(runs) == 4
    assert [ChatRunSettings.of(run).turn for run in runs] == [1, 1, 1, 1]
    again = ChatRunSettings.of(runs[2])
    assert (again.sampling.seed, again.sampling.temperature) == (1, 0.7)
    assert (again.sampling.max_new_tokens, again.system) == (90, "Be brief.")
    end(store, {"left": "Cy.", "right": "Di."})
    markup = views.conversation(store, 1)
    assert "Cy." in markup
    assert "Ada." not in markup
    form = ChatForm("And Brin?", 0, 0, False, False, follow_up=True)
    chat._send(session, 0, form)
    newest = ChatRunSettings.of(store.runs.conversation(1)[-2])
    assert [m.content for m in newest.messages] == [
        "Who leads Avel?",
        "Cy.",
        "And Brin?",
    ]


def test_answers_that_are_being_written_are_stopped(session, store):
    with pytest.raises(JobError, match="nothing to stop"):
        conversations.stop(session.store, 1)
    chat._send(session, 0, ChatForm("Who leads Avel?", 0, 0, False, False))
    conversations.stop(session.store, 1)
    states = {run.state for run in store.runs.conversation(1)}
    assert states == {"cancelled"}


@pytest.mark.parametrize(("temperature", "length"), [(None, 5), (2.5, 5), (0.0, 0)])
def test_settings_out_of_their_range_are_refused(session, temperature, length):
    form = ChatForm("Who?", 0, 0, False, False, temperature, length)
    with pytest.raises(InputError, match="Enter a"):
        chat._send(session, 0, form)
