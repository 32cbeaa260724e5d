"""Verdicts and confidence of a model on a server: from tokens, or estimated."""

from math import inf, log, nan

import pytest

from autolearn.core.errors import BackendError
from autolearn.endpoints.backend import ESTIMATE_NOTE
from tests.support import model_server
from tests.support.model_server import likeliest, reply
from tests.support.server_backends import CHAT, LABELS, backend_of


def test_probabilities_are_those_of_the_first_tokens():
    table = {" cor": 0.5, " in": 0.25, "Yes": 0.2}
    with model_server.running() as server:
        server.chat = lambda body: reply("x", logprobs=likeliest(**table))
        backend = backend_of(server)
        (row,) = backend.probabilities([CHAT], ["Verdict:"], LABELS)
        assert row == pytest.approx((2 / 3, 1 / 3))
        assert backend.notes == ()


def test_a_token_that_begins_both_labels_is_read_on_from():
    def chat(body):
        beginning = body["messages"][-1]["content"]
        table = {"cor": 0.1, "incor": 0.3} if beginning == "Verdict: " else {" ": 0.8}
        return reply("x", logprobs=likeliest(**table))

    with model_server.running() as server:
        server.chat = chat
        (row,) = backend_of(server).probabilities([CHAT], ["Verdict:"], LABELS)
        assert row == pytest.approx((0.25, 0.75))


def _first_token(log_prob):
    row = {"token": " correct", "logprob": log_prob}
    return reply("x", logprobs={"content": [{"top_logprobs": [row]}]})


@pytest.mark.parametrize("log_prob", [1000, 10**400, -(10**400), nan, inf, "0", True])
def test_what_is_no_log_probability_is_one_sentence(log_prob):
    with model_server.running() as server:
        server.chat = lambda body: _first_token(log_prob)
        with pytest.raises(BackendError, match=r"sent .* as a log-probability; look"):
            backend_of(server).probabilities([CHAT], ["Verdict:"], LABELS)


def test_a_log_probability_may_be_rounded():
    with model_server.running() as server:
        server.chat = lambda body: _first_token(1e-7)
        rows = backend_of(server).probabilities([CHAT], ["Verdict:"], LABELS)
        assert rows == [(1.0, 0.0)]


@pytest.mark.parametrize("program", ["llama.cpp", "openai"])
def test_probabilities_without_log_probabilities_are_estimated_and_said_so(program):
    with model_server.running(program) as server:
        server.chat = lambda body: reply(
            " correct" if body["seed"] % 4 else " incorrect"
        )
        backend = backend_of(server)
        (row,) = backend.probabilities([CHAT], ["Verdict:"], LABELS)
        assert row == pytest.approx((0.7, 0.3))
        assert backend.notes == (ESTIMATE_NOTE,)


def test_confidence_is_that_of_the_tokens_of_the_answer():
    def chat(body):
        value = reply("x")  # the prompt has 7 tokens
        if "prompt_logprobs" in body:
            tokens = [{"5": {"logprob": log(0.5), "rank": 1}}] * 6
            answer = [{"8": {"logprob": -1.0}, "9": {"logprob": -0.1}}] * 2
            value["prompt_logprobs"] = [None, *tokens, *answer]
        return value

    with model_server.running("vllm") as server:
        server.chat = chat
        backend = backend_of(server)
        assert backend.scores_texts
        assert backend.confidence([CHAT], ["In Rome."]) == [pytest.approx(-1.0)]
        assert backend.count_tokens("x y z") in (2, 3)


def test_a_server_that_scores_no_texts_says_so():
    with model_server.running() as server:
        backend = backend_of(server)
        assert not backend.scores_texts
        with pytest.raises(BackendError, match="does not give the log-probability"):
            backend.confidence([CHAT], ["In Rome."])
