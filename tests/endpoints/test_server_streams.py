"""Answers of a server that are read while it writes them."""

import json
from dataclasses import replace

import pytest

from autolearn.core.errors import BackendError
from autolearn.endpoints import client
from tests.support import model_server
from tests.support.model_server import Raw
from tests.support.server_backends import backend_of
from tests.support.server_studies import chat_request, never


def test_a_chat_is_heard_as_it_is_written():
    stream = model_server.streamed("Hel", "lo", " you", finish="length")
    with model_server.running() as server:
        server.chat = lambda _: stream
        texts: list[str] = []
        completion = backend_of(server).stream(chat_request(), never, texts.append)
        assert texts[:3] == ["Hel", "Hello", "Hello you"]
        assert (completion.text, completion.finish) == ("Hello you", "length")
        assert (completion.n_prompt_tokens, completion.n_tokens) == (5, 3)
        assert server.requests[0]["stream"] is True


def test_a_stream_without_end_is_cut(monkeypatch):
    monkeypatch.setattr(client, "LARGEST_ANSWER", 1 << 20)
    event = {"choices": [{"delta": {"content": "x" * 1000}}]}
    body = f"data: {json.dumps(event)}\n\n".encode() * 1100
    types = {"Content-Type": "text/event-stream"}
    with model_server.running() as server:
        server.chat = lambda _: Raw(200, body, types)
        with pytest.raises(BackendError, match="sent more than 1 MiB"):
            backend_of(server).stream(chat_request(), never, lambda _: None)


def test_a_stream_is_read_as_utf_8_whatever_it_declares():
    types = {"Content-Type": "text/event-stream; charset=hex"}
    stream = replace(model_server.streamed("Grü", "ße"), headers=types)
    with model_server.running() as server:
        server.chat = lambda _: stream
        completion = backend_of(server).stream(chat_request(), never, lambda _: None)
        assert completion.text == "Grüße"


def test_a_stream_that_breaks_off_is_one_sentence():
    event = {"choices": [{"delta": {"content": "Hel"}}]}
    body = f"data: {json.dumps(event)}\n\n".encode()
    types = {"Content-Type": "text/event-stream"}
    with model_server.running() as server:
        server.chat = lambda _: Raw(200, body, types, announced=4000)
        with pytest.raises(BackendError, match="broke off the connection"):
            backend_of(server).stream(chat_request(), never, lambda _: None)
