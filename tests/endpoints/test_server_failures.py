"""A server that fails, refuses, stalls, or sends more than was asked for."""

import json
import time

import pytest

from autolearn.core.constraints import LINE, Pattern
from autolearn.core.errors import BackendError
from autolearn.endpoints import client
from autolearn.endpoints.client import RetryPolicy
from tests.support import model_server
from tests.support.model_server import Raw, reply, scripted
from tests.support.server_backends import QUICK, backend_of
from tests.support.server_studies import chat_request, never

MOMENTARY = {
    "busy": Raw(429, b"{}", {"Retry-After": "0"}),
    "error": Raw(500, b'{"error": "x"}'),
    "loading": Raw(503, b'{"error": {"message": "Loading model"}}'),
    "page": Raw(200, b"<html>proxy</html>"),
    "truncated": Raw(200, b'{"choices": [{"mess'),
    "broken off": Raw(200, b'{"choi', announced=400),
    "list": Raw(200, b"[]"),
    "no choices": Raw(200, b'{"choices": []}'),
    "wrong type": Raw(200, b'{"choices": [{"message": {"content": 7}}]}'),
    "null": reply(None),
    "error in an answer": {"error": {"message": "the model crashed"}},
    "empty": Raw(200, b""),
    "not compressed": Raw(200, b"{}", {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("answer", MOMENTARY.values(), ids=MOMENTARY)
def test_a_failure_that_passes_costs_nothing(answer):
    with model_server.running() as server:
        server.chat = scripted([answer, answer])
        (completion,) = backend_of(server).complete([chat_request()], never)
        assert completion.text == "Hello."
        assert len(server.requests) == 3


@pytest.mark.parametrize("answer", MOMENTARY.values(), ids=MOMENTARY)
def test_a_failure_that_stays_is_one_sentence(answer):
    with model_server.running() as server:
        server.chat = lambda body: answer
        with pytest.raises(BackendError) as failure:
            backend_of(server).complete([chat_request()], never)
        sentence = str(failure.value)
        assert sentence.startswith("The server http://127.0.0.1:")
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 300
        assert len(server.requests) == QUICK.tries


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Raw(401), "AUTOLEARN_SERVER_KEY"),
        (Raw(302, b"", {"Location": "http://127.0.0.2:9/v1"}), "redirects"),
        (Raw(400, b'{"error": {"message": "bad <b>"}}'), r"\(bad <b>\)"),
    ],
)
def test_a_refusal_is_not_repeated(answer, words):
    with model_server.running() as server:
        server.chat = lambda body: answer
        with pytest.raises(BackendError, match=words):
            backend_of(server).complete([chat_request()], never)
        assert len(server.requests) == 1


FASTAPI = {"type": "missing", "loc": ["body", "messages", 0], "input": "a text"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "too hot", "type": "invalid_request_error"}}, "too hot"),
        ({"error": "too hot", "error_type": "validation"}, "too hot"),
        ({"error": "too hot"}, "too hot"),
        ({"error": True, "message": "too hot"}, "too hot"),
        ({"error": 400, "detail": "too hot"}, "too hot"),
        ({"object": "error", "message": "too hot", "code": 400}, "too hot"),
        ({"error": {"code": 400}}, ""),
        ({"detail": "too hot"}, "too hot"),
        (
            {"detail": [FASTAPI | {"msg": "Field required"}, {"msg": "too hot"}, 5]},
            "body.messages.0: Field required; too hot",
        ),
        ("Failed to parse\n\tthe body", "Failed to parse the body"),
        ("<html>too hot</html>", ""),
        ("", ""),
    ],
)
def test_the_reason_of_a_refusal_is_shown_however_a_program_writes_it(body, message):
    text = body if isinstance(body, str) else json.dumps(body)
    with model_server.running() as server:
        server.chat = lambda _: Raw(422, text.encode())
        with pytest.raises(BackendError) as failure:
            backend_of(server).complete([chat_request()], never)
        end = f"the error 422 ({message})." if message else "the error 422."
        assert str(failure.value).endswith(end)


@pytest.mark.parametrize(
    "message",
    [
        "`inputs` must have less than 512 tokens. Given: 600",
        "`inputs` tokens + `max_new_tokens` must be <= 512. Given: 600 `inputs` tokens",
        "the request exceeds the available context size, try increasing it",
        "This model's maximum context length is 512 tokens. However, you requested 9",
        "The input (600 tokens) is longer than the model's context length (512).",
    ],
)
def test_a_prompt_that_does_not_fit_is_no_error(message):
    with model_server.running() as server:
        body = json.dumps({"error": {"message": message}}).encode()
        server.chat = lambda _: Raw(400, body)
        (completion,) = backend_of(server).complete([chat_request("x " * 99)], never)
        assert (completion.finish, completion.text) == ("overlong", "")


def test_a_server_that_dies_or_stalls_is_one_sentence():
    with model_server.running() as server:
        backend = backend_of(server, RetryPolicy(tries=2, first_delay=0.01, read=0.2))
        server.chat = server.stalled
        with pytest.raises(BackendError, match=r"did not answer within 0\.2 seconds"):
            backend.complete([chat_request()], never)
    with pytest.raises(BackendError, match="cannot be reached"):
        backend.complete([chat_request()], never)


def test_cancelling_waits_for_no_answer():
    with model_server.running() as server:
        backend = backend_of(server, RetryPolicy())
        server.chat = server.stalled
        began = time.monotonic()
        completions = backend.complete(
            [chat_request(str(i)) for i in range(9)],
            lambda: time.monotonic() > began + 0.2,
        )
        assert not server.released.is_set()
        assert time.monotonic() - began < 10  # an answer comes after half a minute
        assert [c.finish for c in completions] == ["cancelled"] * 9


def test_an_answer_without_end_is_cut(monkeypatch):
    monkeypatch.setattr(client, "LARGEST_ANSWER", 1 << 20)
    with model_server.running() as server:
        server.chat = lambda _: reply("x" * (2 << 20))
        with pytest.raises(BackendError, match="sent more than 1 MiB"):
            backend_of(server).complete([chat_request()], never)


@pytest.mark.parametrize("form", [(), (LINE,), (Pattern("[x]+"),)])
def test_no_more_of_an_answer_is_read_than_its_tokens_can_hold(form):
    with model_server.running("openai") as server:
        server.chat = lambda _: reply("x" * (1 << 20))
        request = chat_request(constraint=form, max_new_tokens=2)
        (completion,) = backend_of(server).complete([request], never)
        assert completion.text == "x" * 512


def test_a_number_of_tokens_that_no_answer_has_is_not_stored():
    with model_server.running() as server:
        usage = {"prompt_tokens": 10**400, "completion_tokens": -1}
        server.chat = lambda _: reply("Hello.") | {"usage": usage}
        (completion,) = backend_of(server).complete([chat_request()], never)
        assert (completion.n_prompt_tokens, completion.n_tokens) == (0, 0)
