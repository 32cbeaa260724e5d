"""Study, quiz and chat get from a server what they get from a local model."""

import threading
import time

import pytest

from autolearn.core import server_addresses
from autolearn.core.constraints import LINE, Excerpt
from autolearn.core.errors import BackendError
from autolearn.core.prices import ANSWER_TOKENS, PROMPT_TOKENS
from autolearn.endpoints import client
from autolearn.endpoints.backend import FORM_DRAWS, ServerBackend
from autolearn.endpoints.detection import detect
from tests.support import model_server
from tests.support.model_server import Raw, reply, scripted
from tests.support.server_backends import CHAT, LABELS, QUICK, backend_of
from tests.support.server_studies import chat_request, never


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
    (completion,) = backend_of(server).complete([request], never)
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
        backend_of(server).complete([chat_request()], never)
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
        backend = backend_of(server)
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
        backend_of(server).complete(requests, never)
        told = {
            body["temperature"]: body.get("generation_config")
            for body in server.requests
        }
        assert told == {0.0: None, 0.7: '{"do_sample": true}'}


@pytest.mark.parametrize("program", ["transformers", "openai"])
def test_a_server_that_may_refuse_options_of_streams_gets_none(program):
    with model_server.running(program) as server:
        server.chat = lambda _: model_server.streamed("Hello.")
        completion = backend_of(server).stream(chat_request(), never, lambda _: None)
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
        backends = [backend_of(server), ServerBackend(detect(address, QUICK), QUICK)]
        for backend in backends:
            backend.complete([chat_request()], never)
        base, adapter = server.requests
    assert (base["model"], "lora_path" in base) == ("tiny", False)
    assert {key: adapter.get(key) for key in named} == named
    assert adapter.keys() - base.keys() == named.keys() - {"model"}


def test_an_older_vllm_gets_the_former_name_of_a_grammar():
    with model_server.running("vllm") as server:
        server.pages["/version"] = {"version": "0.10.1"}
        backend_of(server).complete([chat_request(constraint=(LINE,))], never)
        assert "guided_grammar" in server.requests[0]


def test_an_answer_without_its_form_is_drawn_again():
    form = (" ", Excerpt("It is in Rome."), "\nAnswer: ", LINE)
    request = chat_request("Where?", "Evidence: x\nShort answer:", form)
    good = "Evidence: y\nShort answer: in Rome\nAnswer: In Rome.\n\nMore?"
    with model_server.running("openai") as server:
        server.chat = scripted([reply("I do not know."), reply(good)])
        (completion,) = backend_of(server).complete([request], never)
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
        (completion,) = backend_of(server).complete([request], never)
        assert completion.text == "Evidence:"
        assert len(server.requests) == FORM_DRAWS


def test_the_tokens_of_all_replies_are_counted_whatever_is_kept_of_them():
    failures = [Raw(500), Raw(200, b"{")]
    with model_server.running("openai") as server:
        server.chat = lambda _: failures.pop() if failures else reply("I know.")
        backend = backend_of(server)
        backend.complete([chat_request("Where?", "", (Excerpt("Rome"),))], never)
        backend.probabilities([CHAT], ["Verdict:"], LABELS)
        n = len(server.requests) - 2  # which failed
        assert n > FORM_DRAWS
        assert backend.tokens == {PROMPT_TOKENS: 7 * n, ANSWER_TOKENS: 3 * n}
        server.chat = lambda _: model_server.streamed("Hello.")
        backend.stream(chat_request(), never, lambda _: None)
        assert backend.tokens[PROMPT_TOKENS] == 7 * n + 5


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
        completions = backend_of(server).complete(requests, never, counts.append)
        assert [c.text for c in completions] == [name.upper() for name in names]
        assert counts[-1] == len(names)
        assert 1 < server.most_at_once <= 3


def test_an_answer_that_the_length_of_the_model_has_cut_off_is_known_as_such():
    with model_server.running() as server:
        server.chat = lambda _: reply("Hel", finish_reason="model_length")
        (completion,) = backend_of(server).complete([chat_request()], never)
        assert completion.finish == "length"


def test_the_key_of_the_environment_is_sent_and_not_kept(monkeypatch):
    monkeypatch.setenv(client.KEY, "sesame")
    with model_server.running() as server:
        backend = backend_of(server)
        backend.complete([chat_request()], never)
        assert server.keys == ["Bearer sesame"]
        assert "sesame" not in repr(backend.identity)


def test_a_model_on_a_server_writes_no_turns_of_a_user():
    with (
        model_server.running() as server,
        pytest.raises(BackendError, match="style “guided”"),
    ):
        backend_of(server).generate_instructions([1], never, 6)
