"""``transformers serve`` with a real small model: a server that enforces no form.

What the model says is not looked at word for word: 135 million parameters know little.
"""

import importlib.util

import pytest

from autolearn.core.constraints import Excerpt
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Message
from autolearn.endpoints.backend import ESTIMATE_NOTE, ServerBackend
from tests.support import smollm2
from tests.support.real_servers import (
    TWICE,
    TransformersServer,
    facts_of,
    serving,
)
from tests.support.server_studies import SENTENCES, chat_request, never

pytestmark = [
    pytest.mark.torch_model,
    pytest.mark.skipif(
        importlib.util.find_spec("openai") is None,
        reason="the package openai, which transformers serve needs, is not installed",
    ),
]

CAPITAL = "What is the capital of France?"
STORY = "Write a long story about a dragon."


@pytest.fixture(scope="module")
def model():
    return smollm2.folder()


@pytest.fixture(scope="module")
def server(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("server")
    with serving(TransformersServer(model, place)) as server:
        yield server


@pytest.fixture
def backend(server):
    return ServerBackend(facts_of(server), TWICE)


def test_it_is_recognised_and_names_its_model(server, model):
    facts = facts_of(server)
    assert (facts.program, facts.server_address.model) == ("transformers", str(model))
    assert (facts.context, facts.slots, facts.weights) == (None, None, {})
    assert facts_of(server, model).digest == facts.digest


def test_a_model_that_it_does_not_serve_is_one_sentence(server):
    other = ServerBackend(facts_of(server, "other"), TWICE)
    with pytest.raises(BackendError, match=r"error 400 \(Server is pinned to"):
        other.complete([chat_request(CAPITAL)], never)


def test_an_answer_ends_by_itself(backend):
    (completion,) = backend.complete([chat_request(CAPITAL)], never)
    assert completion.text
    assert completion.finish == "stop"
    assert min(completion.n_prompt_tokens, completion.n_tokens) > 1


def test_a_chat_is_heard_as_it_is_written(backend):
    heard: list[str] = []
    completion = backend.stream(chat_request(CAPITAL), never, heard.append)
    assert len(heard) > 2
    assert heard[-1] == completion.text
    assert (completion,) == tuple(backend.complete([chat_request(CAPITAL)], never))


def test_an_answer_that_was_cut_off_says_so(backend):
    request = chat_request(STORY, max_new_tokens=5)
    (whole,) = backend.complete([request], never)
    streamed = backend.stream(request, never, lambda _: None)
    assert whole == streamed
    assert (whole.finish, whole.n_tokens) == ("length", 5)


def test_requests_at_once_are_answered_as_alone(backend):
    questions = [f"What is {number} plus 1?" for number in range(6)]
    requests = [chat_request(text, max_new_tokens=8) for text in questions]
    alone = [backend.complete([request], never)[0] for request in requests]
    assert backend.complete(requests, never) == alone


@pytest.mark.parametrize(("temperature", "is_greedy"), [(0.0, True), (1.0, False)])
def test_the_temperature_counts(backend, temperature, is_greedy):
    """The server ignored it: all samples of a verdict were the same text."""
    requests = [
        chat_request(STORY, max_new_tokens=12, temperature=temperature, seed=seed)
        for seed in range(4)
    ]
    texts = {completion.text for completion in backend.complete(requests, never)}
    assert (len(texts) == 1) is is_greedy


def test_an_answer_has_its_form_or_is_only_begun(backend):
    source = SENTENCES[0]
    question = f"{source} When was Lake Orlo formed?"
    request = chat_request(question, "Answer:", (" ", Excerpt(source)))
    (completion,) = backend.complete([request], never)
    answer = completion.text.removeprefix("Answer:")
    assert answer != completion.text
    assert not answer or Excerpt(source).allows(answer.removeprefix(" "))


def test_verdicts_are_estimated_from_samples(backend):
    chats = [
        (Message("user", f"Is {n} + 1 = 2? Say correct or incorrect."),) for n in (1, 5)
    ]
    rows = backend.probabilities(chats, ["Verdict:"] * 2, (" correct", " incorrect"))
    assert all(sum(row) == pytest.approx(1) and min(row) > 0 for row in rows)
    assert backend.notes == (ESTIMATE_NOTE,)
