"""Odd answers of servers, and servers that answer late or never."""

import json
import threading
import time

import pytest

from autolearn.containment import stopped_by
from autolearn.core.errors import BackendError
from autolearn.core.ports import Cancelled
from autolearn.endpoints.client import RetryPolicy
from tests.support import model_server
from tests.support.model_server import Raw, reply
from tests.support.server_backends import CHAT, LABELS, backend_of
from tests.support.server_studies import chat_request, never


def test_an_error_in_place_of_an_answer_is_told():
    with model_server.running() as server:
        server.chat = lambda _: {"error": {"message": "the model crashed"}}
        with pytest.raises(BackendError, match=r"reports an error \(the model crash"):
            backend_of(server).complete([chat_request()], never)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "refusal"])
def test_thoughts_without_an_answer_are_an_empty_answer(field):
    message = {"role": "assistant", "content": None, field: "Hm."}
    with model_server.running() as server:
        server.chat = lambda _: reply(None, message=message)
        (completion,) = backend_of(server).complete([chat_request()], never)
        assert (completion.text, completion.finish) == ("", "stop")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>It may be red.</think>\n\nIt is blue.", "It is blue."),
        ("It may be red.\n</think>\nIt is blue.", "It is blue."),
        ("<think>It may be", ""),
        ("The tag </think> ends a thought.", "The tag </think> ends a thought."),
        ("Half of it: \ud83d", "Half of it: \ufffd"),
        ("Both halves: \ud83d\ude00", "Both halves: \U0001f600"),
    ],
)
def test_an_answer_has_no_thoughts_and_whole_characters(text, answer):
    request = chat_request("Is it blue?")
    with model_server.running("openai") as server:
        server.chat = lambda _: reply(text)
        backend = backend_of(server)
        (completion,) = backend.complete([request], never)
        assert completion.text == answer
        half = text.find("\ude00") if "\ude00" in text else 3
        server.chat = lambda _: model_server.streamed(text[:half], text[half:])
        assert backend.stream(request, never, lambda _: None).text == answer


def test_requests_that_wait_for_each_other_have_not_stalled():
    turn = threading.Lock()

    def one_by_one(body):
        with turn:
            time.sleep(0.25)
            return reply("Hello.")

    with model_server.running("ollama") as server:
        server.chat = one_by_one
        backend = backend_of(server, RetryPolicy(tries=1, read=1.5))
        requests = [chat_request(str(i)) for i in range(12)]
        texts = {c.text for c in backend.complete(requests, never)}
        assert (texts, len(server.requests)) == ({"Hello."}, 12)


def test_verdicts_are_cancelled_too():
    with model_server.running() as server:
        backend = backend_of(server, RetryPolicy())
        server.chat = server.stalled
        began = time.monotonic()
        stop = stopped_by(lambda: time.monotonic() > began + 0.2)
        with stop, pytest.raises(Cancelled):
            backend.probabilities([CHAT] * 9, [""] * 9, LABELS)
        assert not server.released.is_set(), "no answer was waited for"


@pytest.mark.parametrize(
    "end", [b"", b"data: [DONE]\n\n", b'event: error\ndata: {"message": "x"}\n\n']
)
def test_a_stream_without_a_reason_to_finish_was_cut_off(end):
    event = {"choices": [{"delta": {"content": "Hel"}}]}
    body = f"data: {json.dumps(event)}\n\n".encode() + end
    types = {"Content-Type": "text/event-stream"}
    with model_server.running() as server:
        server.chat = lambda _: Raw(200, body, types)
        with pytest.raises(BackendError, match="without a reason"):
            backend_of(server).stream(chat_request(), never, lambda _: None)
