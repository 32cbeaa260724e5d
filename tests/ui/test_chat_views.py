"""What a conversation looks like, and how a question is put into runs."""

import shutil

import gradio as gr
import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Round, RoundState, Run
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs import model_references, queues, worker_processes
from autolearn.runs.model_choice import choose_model
from autolearn.services import conversations
from autolearn.services.conversations import NEWEST, ChatForm
from autolearn.ui.session import Session
from autolearn.ui.tabs import chat
from autolearn.ui.views import chat as views
from tests.support.texts import put_text

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


@pytest.fixture
def session(store):
    return Session(store.folder)


def add_text(store, text):
    return put_text(store, "towns.md", text)


def end(store, answers):
    for run in store.runs.in_state("queued"):
        result = {"answer": answers.get(run.settings["column"], "?")}
        store.runs.finish(run.id, "done", result=result)


def test_an_empty_conversation_says_what_to_do(store):
    assert "Pick two models" in views.conversation(store, 1)


def test_a_question_is_asked_once_a_column(session, store):
    chat._send(session, 0, ChatForm("Who leads Avel?", 0, 0, False, True))
    runs = store.runs.conversation(1)
    assert [run.settings["column"] for run in runs] == ["left", "right"]
    assert all(run.settings["refine"] for run in runs)
    assert views.conversation(store, 1).count("Queued") == 2


def test_a_queued_question_names_the_run_that_it_waits_for(session, store):
    quiz = store.runs.create("quiz", {})
    store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    chat._send(session, 0, ChatForm("Who leads Avel?", 0, 0, False, False))
    words = f"waits for the end of Quiz (run {quiz.id})."
    assert views.conversation(store, 1).count(words) == 2
    store.runs.finish(quiz.id, "done")
    assert "waits for the worker to start." in views.conversation(store, 1)


def test_an_open_book_gets_its_passages(session, store):
    add_text(store, "Avel was founded in 1711.\n")
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


def test_earlier_turns_of_a_column_go_with_the_next_question(session, store):
    chat._send(session, 0, ChatForm("One?", 0, 0, False, False))
    end(store, {"left": "L.", "right": "R."})
    chat._send(session, 0, ChatForm("Two?", 0, 0, False, False))
    left, right = store.runs.conversation(1)[2:]
    assert left.settings["messages"] == [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "L."},
        {"role": "user", "content": "Two?"},
    ]
    assert right.settings["messages"][1]["content"] == "R."
    with pytest.raises(JobError, match="still being written"):
        chat._send(session, 0, ChatForm("Three?", 0, 0, False, False))


def test_before_the_first_round_the_right_side_says_that_it_waits(session, store):
    chat._send(session, 0, ChatForm("Who?", 0, NEWEST, False, False))
    (run,) = store.runs.conversation(1)
    assert run.settings["column"] == "left"
    assert "There was no trained round yet" in views.conversation(store, 1)


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


def test_a_new_conversation_leaves_the_old_one_with_its_runs(session, store):
    chat._clear(session)
    chat._send(session, 0, ChatForm("Who?", 0, 0, False, False))
    assert "Pick two models" in chat._clear(session)[0]
    assert len(store.runs.conversation(1)) == 2


def test_answers_feedback_refinements_and_errors_are_text(session, store):
    add_text(store, f"Avel {HOSTILE}\n")
    chat._send(session, 0, ChatForm(f"Avel {HOSTILE}", 0, 0, True, True))
    left, right, open_book = store.runs.conversation(1)
    refinement = {"answer": HOSTILE, "feedback": HOSTILE, "refined": f"{HOSTILE} more"}
    store.runs.finish(left.id, "done", result=refinement)
    store.runs.finish(right.id, "failed", HOSTILE)
    answer = {"answer": HOSTILE, "evidence": HOSTILE}
    store.runs.finish(open_book.id, "done", result=answer)
    markup = views.conversation(store, 1)
    assert not any(part in markup for part in ("<img", "${", "{{"))
    assert markup.count("&lt;img") >= 7
    assert "<ins>more</ins>" in markup


def test_what_is_written_so_far_is_shown_while_it_continues(session, store):
    chat._send(session, 0, ChatForm("Who?", 0, 0, False, True))
    run = store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    before = session.revision()
    store.runs.save_partial_result(run.id, {"answer": "Nim", "feedback": "The text"})
    assert session.revision() != before
    markup = views.conversation(store, 1)
    assert "Nim" in markup
    assert "The text" in markup
    assert "Refined" not in markup
    assert "Writing" in markup


def test_a_stopped_run_says_so(session, store):
    chat._send(session, 0, ChatForm("Who?", 0, 0, False, False))
    for run in store.runs.conversation(1):
        store.runs.request_cancel(run.id)
    assert "It was cancelled; ask again." in views.conversation(store, 1)
    assert conversations.earlier_messages(store.runs.conversation(1), "left") == []


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
    chat._send(session, 0, ChatForm("And Brin?", 0, 0, False, False))
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
    chat._send(session, 1, ChatForm("And?", 0, 0, False, False))
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


def test_an_answer_that_was_cut_off_says_so(session, store):
    chat._send(session, 0, ChatForm("Who leads Avel?", 0, 0, False, False))
    run = store.runs.conversation(1)[0]
    store.runs.finish(run.id, "done", result={"answer": "Ada", "truncated": True})
    assert "Cut off at the length limit" in views.conversation(store, 1)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"answer": "The The", "repeats": True}, "repeats itself and was stopped; try"),
        (
            {"answer": "The The", "repeats": True, "truncated": True},
            "repeats itself up to the length limit; try",
        ),
        (
            {"answer": "Ada", "feedback": "The The", "repeats": True},
            "repeats itself and was stopped; try",
        ),
    ],
)
def test_an_answer_that_repeats_itself_says_what_to_try(session, store, result, words):
    """The advice was to raise the length limit, which gives more of the same."""
    chat._send(session, 0, ChatForm("Who leads Avel?", 0, 0, False, False))
    run = store.runs.conversation(1)[0]
    store.runs.finish(run.id, "done", result=result)
    markup = views.conversation(store, 1)
    assert words in markup
    assert "Cut off" not in markup
