"""Study, quiz and chat get from a server what they get from a local model."""

import json
import threading
import time
from dataclasses import replace
from math import inf, log, nan

import pytest

from autolearn.core import server_addresses
from autolearn.core.constraints import LINE, Excerpt, Pattern
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Message
from autolearn.core.prices import ANSWER_TOKENS, PROMPT_TOKENS
from autolearn.endpoints import client
from autolearn.endpoints.backend import ESTIMATE_NOTE, FORM_DRAWS, ServerBackend
from autolearn.endpoints.client import RetryPolicy
from autolearn.endpoints.detection import detect
from tests.support import model_server
from tests.support.model_server import Raw, likeliest, reply
from tests.support.server_studies import chat_request, never

QUICK = RetryPolicy(tries=3, first_delay=0.02, longest_delay=0.05, read=10.0)
LABELS = (" correct", " incorrect")
CHAT = (Message("user", "Is it so?"),)


def _backend(server, retries=QUICK):
    return ServerBackend(detect(server_addresses.parse(server.address), QUICK), retries)


def _scripted(answers):
    """Return a script that gives these answers in turn, and then only text."""
    turns = iter(answers)
    return lambda body: next(turns, reply("Hello."))


@pytest.fixture(params=["llama.cpp", "vllm", "sglang"])
def constraining(request):
    with model_server.running(request.param) as server:
        yield request.param, server


def test_an_answer_continues_from_its_beginning_in_its_form(constraining):
    program, server = constraining
    repeats = program == "llama.cpp"  # it repeats the beginning
    server.chat = lambda body: reply("Evidence: in Rome" if repeats else " in Rome")
    request = chat_request(
        "Where?", "Evidence:", (" ", Excerpt("It is in Rome.")), seed=9
    )
    (completion,) = _backend(server).complete([request], never)
    assert completion.text == "Evidence: in Rome"
    assert (completion.finish, completion.n_tokens) == ("stop", 3)
    (body,) = server.requests
    assert body["messages"][-1] == {"role": "assistant", "content": "Evidence:"}
    assert (body["seed"], body["temperature"], body["max_tokens"]) == (9, 0.0, 128)
    grammar = {
        "llama.cpp": lambda: body["grammar"],
        "vllm": lambda: body["structured_outputs"]["grammar"],
        "sglang": lambda: body["ebnf"],
    }[program]()
    assert grammar.startswith("root ::= part0 part1")
    assert body.get("continue_final_message", False) is (program != "llama.cpp")


@pytest.mark.parametrize(
    ("program", "name", "value"),
    [
        ("llama.cpp", "chat_template_kwargs", {"enable_thinking": False}),
        ("vllm", "chat_template_kwargs", {"enable_thinking": False}),
        ("sglang", "chat_template_kwargs", {"enable_thinking": False}),
        ("ollama", "reasoning_effort", "none"),
        ("transformers", "chat_template_kwargs", {"enable_thinking": False}),
        ("openai", "chat_template_kwargs", {"enable_thinking": False}),
        ("openai", "reasoning_effort", "none"),
    ],
)
def test_a_reasoning_model_is_asked_not_to_think(program, name, value):
    """On Ollama it was not: all tokens of an answer went into thoughts."""
    with model_server.running(program) as server:
        _backend(server).complete([chat_request()], never)
        assert server.requests[0][name] == value


@pytest.mark.parametrize("streams", [False, True])
def test_a_server_that_refuses_unknown_fields_is_asked_without_them(streams):
    def chat(body):
        if "chat_template_kwargs" in body:
            return Raw(422, b'{"detail": "Unexpected fields in the request"}')
        assert "reasoning_effort" not in body
        return model_server.streamed("Hello.") if streams else reply("Hello.")

    with model_server.running("openai") as server:
        server.chat = chat
        backend = _backend(server)
        for n_requests in (2, 3):  # the first is refused once
            if streams:
                completion = backend.stream(chat_request(), never, lambda _: None)
            else:
                (completion,) = backend.complete([chat_request()], never)
            assert completion.text == "Hello."
            assert len(server.requests) == n_requests


def test_transformers_serve_is_told_to_sample():
    """It ignored the temperature: eight samples of a verdict were the same text."""
    with model_server.running("transformers") as server:
        requests = [chat_request(), chat_request(temperature=0.7)]
        _backend(server).complete(requests, never)
        told = {
            body["temperature"]: body.get("generation_config")
            for body in server.requests
        }
        assert told == {0.0: None, 0.7: '{"do_sample": true}'}


@pytest.mark.parametrize("program", ["transformers", "openai"])
def test_a_server_that_may_refuse_options_of_streams_gets_none(program):
    with model_server.running(program) as server:
        server.chat = lambda _: model_server.streamed("Hello.")
        completion = _backend(server).stream(chat_request(), never, lambda _: None)
        assert (completion.text, completion.n_tokens) == ("Hello.", 3)
        assert "stream_options" not in server.requests[0]


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ("vllm", {"model": "law"}),
        ("sglang", {"model": "tiny", "lora_path": "law"}),
    ],
)
def test_an_adapter_is_named_as_the_program_takes_it(program, named):
    """SGLang got its name as the model, and answered with the base model."""
    with model_server.running(program) as server:
        models = server.pages["/v1/models"]["data"]
        models.append(models[0] | {"id": "law", "parent": "tiny"})
        address = server_addresses.parse(f"{server.address}#law")
        backends = [_backend(server), ServerBackend(detect(address, QUICK), QUICK)]
        for backend in backends:
            backend.complete([chat_request()], never)
        base, adapter = server.requests
    assert (base["model"], "lora_path" in base) == ("tiny", False)
    assert {key: adapter.get(key) for key in named} == named
    assert adapter.keys() - base.keys() == named.keys() - {"model"}


def test_an_older_vllm_gets_the_former_name_of_a_grammar():
    with model_server.running("vllm") as server:
        server.pages["/version"] = {"version": "0.10.1"}
        _backend(server).complete([chat_request(constraint=(LINE,))], never)
        assert "guided_grammar" in server.requests[0]


def test_an_answer_without_its_form_is_drawn_again():
    form = (" ", Excerpt("It is in Rome."), "\nAnswer: ", LINE)
    request = chat_request("Where?", "Evidence: x\nShort answer:", form)
    good = "Evidence: y\nShort answer: in Rome\nAnswer: In Rome.\n\nMore?"
    with model_server.running("openai") as server:
        server.chat = _scripted([reply("I do not know."), reply(good)])
        (completion,) = _backend(server).complete([request], never)
        assert completion.text == (
            "Evidence: x\nShort answer: in Rome\nAnswer: In Rome."
        )
        assert len({body["seed"] for body in server.requests}) == 2
        assert [body["temperature"] > 0 for body in server.requests] == [False, True]
        assert all(body["messages"][-1]["role"] == "user" for body in server.requests)


def test_where_no_draw_has_the_form_nothing_but_the_beginning_is_kept():
    with model_server.running("ollama") as server:
        server.chat = lambda body: reply("Nonsense.")
        request = chat_request("Where?", "Evidence:", (" ", Excerpt("It is in Rome.")))
        (completion,) = _backend(server).complete([request], never)
        assert completion.text == "Evidence:"
        assert len(server.requests) == FORM_DRAWS


def test_probabilities_are_those_of_the_first_tokens():
    table = {" cor": 0.5, " in": 0.25, "Yes": 0.2}
    with model_server.running() as server:
        server.chat = lambda body: reply("x", logprobs=likeliest(**table))
        backend = _backend(server)
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
        (row,) = _backend(server).probabilities([CHAT], ["Verdict:"], LABELS)
        assert row == pytest.approx((0.25, 0.75))


def _first_token(log_prob):
    row = {"token": " correct", "logprob": log_prob}
    return reply("x", logprobs={"content": [{"top_logprobs": [row]}]})


@pytest.mark.parametrize("log_prob", [1000, 10**400, -(10**400), nan, inf, "0", True])
def test_what_is_no_log_probability_is_one_sentence(log_prob):
    with model_server.running() as server:
        server.chat = lambda body: _first_token(log_prob)
        with pytest.raises(BackendError, match=r"sent .* as a log-probability; look"):
            _backend(server).probabilities([CHAT], ["Verdict:"], LABELS)


def test_a_log_probability_may_be_rounded():
    with model_server.running() as server:
        server.chat = lambda body: _first_token(1e-7)
        rows = _backend(server).probabilities([CHAT], ["Verdict:"], LABELS)
        assert rows == [(1.0, 0.0)]


@pytest.mark.parametrize("program", ["llama.cpp", "openai"])
def test_probabilities_without_log_probabilities_are_estimated_and_said_so(program):
    with model_server.running(program) as server:
        server.chat = lambda body: reply(
            " correct" if body["seed"] % 4 else " incorrect"
        )
        backend = _backend(server)
        (row,) = backend.probabilities([CHAT], ["Verdict:"], LABELS)
        assert row == pytest.approx((0.7, 0.3))
        assert backend.notes == (ESTIMATE_NOTE,)


def test_the_tokens_of_all_replies_are_counted_whatever_is_kept_of_them():
    failures = [Raw(500), Raw(200, b"{")]
    with model_server.running("openai") as server:
        server.chat = lambda _: failures.pop() if failures else reply("I know.")
        backend = _backend(server)
        backend.complete([chat_request("Where?", "", (Excerpt("Rome"),))], never)
        backend.probabilities([CHAT], ["Verdict:"], LABELS)
        n = len(server.requests) - 2  # which failed
        assert n > FORM_DRAWS
        assert backend.tokens == {PROMPT_TOKENS: 7 * n, ANSWER_TOKENS: 3 * n}
        server.chat = lambda _: model_server.streamed("Hello.")
        backend.stream(chat_request(), never, lambda _: None)
        assert backend.tokens[PROMPT_TOKENS] == 7 * n + 5


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
        backend = _backend(server)
        assert backend.scores_texts
        assert backend.confidence([CHAT], ["In Rome."]) == [pytest.approx(-1.0)]
        assert backend.count_tokens("x y z") in (2, 3)


def test_a_server_that_scores_no_texts_says_so():
    with model_server.running() as server:
        backend = _backend(server)
        assert not backend.scores_texts
        with pytest.raises(BackendError, match="does not give the log-probability"):
            backend.confidence([CHAT], ["In Rome."])


def test_requests_are_answered_in_order_and_bounded_by_the_slots():
    together = threading.Event()

    def chat(body):
        if server.at_once > 1:
            together.set()
        together.wait(5)  # however slowly the next request comes
        time.sleep(0.02)
        return reply(body["messages"][0]["content"].upper())

    with model_server.running() as server:
        server.chat = chat
        names = ["b 1", "a 1", "b 2", "a 2", "b 3", "a 3", "b 4", "a 4"]
        counts: list[int] = []
        requests = [chat_request(name) for name in names]
        completions = _backend(server).complete(requests, never, counts.append)
        assert [c.text for c in completions] == [name.upper() for name in names]
        assert counts[-1] == len(names)
        assert 1 < server.most_at_once <= 3


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
        server.chat = _scripted([answer, answer])
        (completion,) = _backend(server).complete([chat_request()], never)
        assert completion.text == "Hello."
        assert len(server.requests) == 3


@pytest.mark.parametrize("answer", MOMENTARY.values(), ids=MOMENTARY)
def test_a_failure_that_stays_is_one_sentence(answer):
    with model_server.running() as server:
        server.chat = lambda body: answer
        with pytest.raises(BackendError) as failure:
            _backend(server).complete([chat_request()], never)
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
            _backend(server).complete([chat_request()], never)
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
            _backend(server).complete([chat_request()], never)
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
        (completion,) = _backend(server).complete([chat_request("x " * 99)], never)
        assert (completion.finish, completion.text) == ("overlong", "")


def test_a_server_that_dies_or_stalls_is_one_sentence():
    with model_server.running() as server:
        backend = _backend(server, RetryPolicy(tries=2, first_delay=0.01, read=0.2))
        server.chat = server.stalled
        with pytest.raises(BackendError, match=r"did not answer within 0\.2 seconds"):
            backend.complete([chat_request()], never)
    with pytest.raises(BackendError, match="cannot be reached"):
        backend.complete([chat_request()], never)


def test_cancelling_waits_for_no_answer():
    with model_server.running() as server:
        backend = _backend(server, RetryPolicy())
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
            _backend(server).complete([chat_request()], never)


@pytest.mark.parametrize("form", [(), (LINE,), (Pattern("[x]+"),)])
def test_no_more_of_an_answer_is_read_than_its_tokens_can_hold(form):
    with model_server.running("openai") as server:
        server.chat = lambda _: reply("x" * (1 << 20))
        request = chat_request(constraint=form, max_new_tokens=2)
        (completion,) = _backend(server).complete([request], never)
        assert completion.text == "x" * 512


def test_a_number_of_tokens_that_no_answer_has_is_not_stored():
    with model_server.running() as server:
        usage = {"prompt_tokens": 10**400, "completion_tokens": -1}
        server.chat = lambda _: reply("Hello.") | {"usage": usage}
        (completion,) = _backend(server).complete([chat_request()], never)
        assert (completion.n_prompt_tokens, completion.n_tokens) == (0, 0)


def test_an_answer_that_the_length_of_the_model_has_cut_off_is_known_as_such():
    with model_server.running() as server:
        server.chat = lambda _: reply("Hel", finish_reason="model_length")
        (completion,) = _backend(server).complete([chat_request()], never)
        assert completion.finish == "length"


def test_the_key_of_the_environment_is_sent_and_not_kept(monkeypatch):
    monkeypatch.setenv(client.KEY, "sesame")
    with model_server.running() as server:
        backend = _backend(server)
        backend.complete([chat_request()], never)
        assert server.keys == ["Bearer sesame"]
        assert "sesame" not in repr(backend.identity)


def test_a_chat_is_heard_as_it_is_written():
    stream = model_server.streamed("Hel", "lo", " you", finish="length")
    with model_server.running() as server:
        server.chat = lambda _: stream
        texts: list[str] = []
        completion = _backend(server).stream(chat_request(), never, texts.append)
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
            _backend(server).stream(chat_request(), never, lambda _: None)


def test_a_stream_is_read_as_utf_8_whatever_it_declares():
    types = {"Content-Type": "text/event-stream; charset=hex"}
    stream = replace(model_server.streamed("Grü", "ße"), headers=types)
    with model_server.running() as server:
        server.chat = lambda _: stream
        completion = _backend(server).stream(chat_request(), never, lambda _: None)
        assert completion.text == "Grüße"


def test_a_stream_that_breaks_off_is_one_sentence():
    event = {"choices": [{"delta": {"content": "Hel"}}]}
    body = f"data: {json.dumps(event)}\n\n".encode()
    types = {"Content-Type": "text/event-stream"}
    with model_server.running() as server:
        server.chat = lambda _: Raw(200, body, types, announced=4000)
        with pytest.raises(BackendError, match="broke off the connection"):
            _backend(server).stream(chat_request(), never, lambda _: None)


def test_a_model_on_a_server_writes_no_turns_of_a_user():
    with (
        model_server.running() as server,
        pytest.raises(BackendError, match="protocol 'guided'"),
    ):
        _backend(server).generate_instructions([1], never, 6)
