"""A server is recognised by what it answers at its own addresses."""

import asyncio

import pytest

from autolearn.core import server_addresses
from autolearn.core.errors import BackendError, InputError, ModelNotFound
from autolearn.endpoints.backend import ServerBackend
from autolearn.endpoints.client import KEY, RetryPolicy
from autolearn.endpoints.detection import detect
from tests.support import model_server
from tests.support.model_server import Raw

QUICK = RetryPolicy(tries=2, first_delay=0.01, read=5.0)


def _detected(address):
    return detect(server_addresses.parse(address), QUICK)


@pytest.mark.parametrize("program", model_server.PROGRAMS)
def test_each_program_is_recognised(program):
    with model_server.running(program) as server:
        facts = _detected(server.address)
        assert facts.program == program
        assert facts.server_address.model.startswith("tiny")
        assert _detected(f"{server.address}/#tiny").digest == facts.digest


def test_a_server_is_asked_where_a_loop_runs_already_as_in_a_notebook():
    async def cell():
        return _detected(server.address)

    with model_server.running() as server:
        assert asyncio.run(cell()).program == "llama.cpp"


def test_facts_of_other_types_and_sizes_are_left_out():
    with model_server.running("ollama") as server:
        for models in (5, {"a": 1}, [5]):
            server.pages["/api/tags"] = {"models": models}
            facts = _detected(server.address)
            assert (facts.program, facts.weights) == ("ollama", {})
    with model_server.running() as server:
        server.pages["/props"]["default_generation_settings"] = {"n_ctx": 10**400}
        assert _detected(server.address).context is None


def test_slots_and_context_are_those_of_the_server():
    with model_server.running() as server:
        facts = _detected(server.address)
        assert (facts.slots, facts.at_once, facts.context) == (3, 3, 2048)


def test_a_router_of_llama_cpp_tells_the_facts_of_the_model_that_it_loads():
    with model_server.running() as server:
        own, listed = server.pages["/props"], [{"id": "org/a:Q4"}, {"id": "b"}]
        server.pages["/v1/models"] = {"data": listed}
        nothing = {"default_generation_settings": {"n_ctx": 0}, "model_path": "none"}
        server.pages["/props"] = nothing | {"role": "router"}
        address = f"{server.address}#org/a:Q4"
        with pytest.raises(BackendError, match="has not loaded org/a:Q4; load it"):
            _detected(address)
        server.pages["/props?model=org%2Fa%3AQ4"] = own
        facts = _detected(address)
        assert (facts.slots, facts.context) == (3, 2048)
        assert facts.weights == {"model_path": "/m/tiny.gguf"}
        server.pages["/tokenize"] = lambda body: (
            {"tokens": [1, 2, 3]} if body["model"] == "org/a:Q4" else Raw(400)
        )
        assert ServerBackend(facts, QUICK).count_tokens("x y z") == 3


def test_other_weights_are_another_model_and_another_version_is_not():
    with model_server.running() as server:
        before = _detected(server.address)
        server.pages["/props"] = server.pages["/props"] | {"build_info": "b2"}
        assert _detected(server.address).digest == before.digest
        server.pages["/props"] = server.pages["/props"] | {"model_path": "/m/other"}
        assert _detected(server.address).digest != before.digest


def test_a_model_that_is_not_served_is_refused_by_name():
    with model_server.running("vllm") as server:
        with pytest.raises(ModelNotFound, match="no model large; it has tiny"):
            _detected(f"{server.address}#large")
        two = [{"id": "a", "owned_by": "vllm"}, {"id": "b", "owned_by": "vllm"}]
        server.pages["/v1/models"] = {"data": two}
        with pytest.raises(ModelNotFound, match=r"several models \(a, b\)"):
            _detected(server.address)


@pytest.mark.parametrize("program", ["vllm", "sglang"])
def test_adapters_of_a_server_are_models_beside_its_only_base(program):
    base = {"id": "base", "owned_by": program, "root": "/m", "max_model_len": 8192}
    adapters = [
        {"id": name, "owned_by": program, "root": f"/lora/{name}", "parent": "base"}
        for name in ("law", "art")
    ]
    with model_server.running(program) as server:
        server.pages["/v1/models"] = {"data": [*adapters, base | {"parent": None}]}
        if program == "sglang":
            server.pages["/server_info"] = {"model_path": "/m", "context_length": None}
        facts = [_detected(f"{server.address}#{name}") for name in ("", "law", "art")]
    names = [each.server_address.model for each in facts]
    assert names == ["base", "law", "art"]
    assert {each.context for each in facts} == {8192}
    assert len({each.digest for each in facts}) == 3


def test_a_server_that_is_not_there_or_no_model_server_is_refused():
    with model_server.running() as server:
        address = server.address
        server.pages.clear()
        with pytest.raises(BackendError, match="does not list its models"):
            _detected(address)
    with pytest.raises(BackendError, match="cannot be reached; start it"):
        _detected(address)


@pytest.mark.parametrize("program", model_server.PROGRAMS)
def test_an_address_without_its_end_is_one_sentence(program):
    with model_server.running(program) as server:
        root = server.address.removesuffix("/v1")
        with pytest.raises(BackendError, match=r"check that .* usually in /v1"):
            _detected(root)


def test_pages_for_browsers_at_other_addresses_are_no_program():
    with model_server.running("openai") as server:
        programs = ("/props", "/version", "/server_info", "/api/version")
        for path in (*programs, "/openapi.json"):
            server.pages[path] = Raw(200, b"<!doctype html>")
        assert _detected(server.address).program == "openai"
        server.pages["/v1/models"] = Raw(200, b"<!doctype html>")
        with pytest.raises(BackendError, match="sent a web page"):
            _detected(server.address)


def test_a_server_that_cannot_write_its_schema_is_of_another_kind():
    with model_server.running("transformers") as server:
        server.pages["/openapi.json"] = model_server.Raw(500, b"Internal Server Error")
        assert _detected(server.address).program == "openai"


def test_transformers_serve_may_load_a_model_that_it_does_not_list():
    with model_server.running("transformers") as server:
        server.pages["/v1/models"] = {"data": []}
        facts = _detected(f"{server.address}#/models/other")
        assert facts.program == "transformers"
        assert facts.server_address.model == "/models/other"


@pytest.mark.parametrize("key", ["schlüssel", "a\nb"])
def test_a_key_that_cannot_be_sent_is_one_sentence(monkeypatch, key):
    monkeypatch.setenv(KEY, key)
    with pytest.raises(InputError, match=f"{KEY} has characters that no key has"):
        _detected("http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://a/v1",
        "http://",
        "http:///v1",
        "http://a:x/v1",
        "a/b",
        "http://u:p@a/v1",
        "http://müller..x/v1",
    ],
)
def test_an_address_is_http_without_a_password(address):
    with pytest.raises(InputError):
        server_addresses.parse(address)


def test_a_name_that_no_server_can_have_is_one_sentence():
    with pytest.raises(BackendError, match="is not the address of a server"):
        _detected("http://☃.x/v1")
