"""The backend that answers from a script."""

import pytest

from autolearn.core.model_calls import Message, Prompt, Request, Sampling
from tests.support.scripted_backend import ScriptedBackend


def request(text: str, n: int = 8) -> Request:
    chat = (Message("user", text),)
    return Request(Prompt("test", "", chat), Sampling(max_new_tokens=n))


def test_replies_come_in_turn_and_what_was_asked_is_kept():
    backend = ScriptedBackend(["one", "two"])
    requests, counts = [request("a"), request("b")], list[int]()
    completions = backend.complete(requests, lambda: False, counts.append)
    assert [c.text for c in completions] == ["one", "two"]
    assert backend.history == requests
    assert counts == [1, 2]


def test_a_function_replies_to_the_request():
    backend = ScriptedBackend(lambda call: call.prompt.chat[-1].content.upper())
    assert backend.complete([request("a")], lambda: False)[0].text == "A"


def test_limits_and_stops_are_those_of_a_model():
    backend = ScriptedBackend(["one two three"], context_length=6)
    requests = [request("a", 2), request("far too long for it", 4), request("b", 2)]
    completions = backend.complete(requests, lambda: bool(backend.history))
    finishes = [completion.finish for completion in completions]
    assert finishes == ["length", "overlong", "cancelled"]
    assert completions[0].text == "one two"


def test_a_script_that_is_too_short_says_so():
    with pytest.raises(AssertionError, match="no reply left for: a"):
        ScriptedBackend([]).complete([request("a")], lambda: False)


def test_the_judge_of_the_script_is_asked():
    chat = (Message("user", "a"),)
    backend = ScriptedBackend([], judge=lambda chat, prefill: (0.9, 0.1))
    assert backend.probabilities([chat], [""], ["yes", "no"]) == [(0.9, 0.1)]
    even = ScriptedBackend([]).probabilities([chat], [""], ["yes", "no"])
    assert even == [(0.5, 0.5)]
