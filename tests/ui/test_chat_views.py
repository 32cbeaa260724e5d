"""What a conversation looks like."""

import pytest

from autolearn.runs import queues
from autolearn.services import conversations
from autolearn.services.conversations import NEWEST, ChatForm
from autolearn.ui.tabs import chat
from autolearn.ui.views import chat as views
from tests.support.texts import put_text

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def test_an_empty_conversation_says_what_to_do(store):
    assert "Pick two models" in views.conversation(store, 1)


def test_a_queued_question_names_the_run_that_it_waits_for(session, store):
    quiz = store.runs.create("quiz", {})
    store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    chat._send(session, 0, ChatForm("Who leads Avel?", 0, 0, False, False))
    words = f"waits for the end of Quiz (run {quiz.id})."
    assert views.conversation(store, 1).count(words) == 2
    store.runs.finish(quiz.id, "done")
    assert "waits for the worker to start." in views.conversation(store, 1)


def test_before_the_first_round_the_right_side_says_that_it_waits(session, store):
    chat._send(session, 0, ChatForm("Who?", 0, NEWEST, False, False))
    (run,) = store.runs.conversation(1)
    assert run.settings["column"] == "left"
    assert "There was no trained round yet" in views.conversation(store, 1)


def test_answers_feedback_refinements_and_errors_are_text(session, store):
    put_text(store, "towns.md", f"Avel {HOSTILE}\n")
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
