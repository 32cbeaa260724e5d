"""A study is spread over servers of one model, whichever of them fail."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from autolearn.core import server_addresses
from autolearn.core.errors import BackendError, InputError, ModelNotFound
from autolearn.endpoints.backend import TAKEOVER_NOTE, ServerBackend
from autolearn.endpoints.detection import detect
from tests.support import model_server
from tests.support.journals import MemoryJournal
from tests.support.model_server import Raw, reply
from tests.support.server_studies import (
    QUICK,
    ServerScript,
    chat_request,
    local_records,
    never,
    records_of,
    run_study,
)


@pytest.fixture
def servers():
    """Three servers of the same model."""
    with ExitStack() as stack:
        yield [stack.enter_context(model_server.running()) for _ in range(3)]


@pytest.fixture
def local():
    return local_records()


def _address(servers):
    return server_addresses.parse(",".join(server.address for server in servers))


def test_the_records_are_those_of_a_local_model(local, servers):
    journal = run_study(ServerScript(servers).backend(), MemoryJournal())
    assert str(records_of(journal)) == str(local)
    assert sum(bool(server.requests) for server in servers) > 1


def test_neighbours_are_answered_by_one_server(servers):
    for server in servers:
        server.pages["/props"]["total_slots"] = 1
    requests = [chat_request(f"text {i // 10}, question {i % 10}") for i in range(30)]
    backend = ServerBackend(detect(_address(servers), QUICK), QUICK)
    backend.complete(requests, never)
    for server in servers:
        contents = [body["messages"][0]["content"] for body in server.requests]
        texts = [question.split(",")[0] for question in contents]
        # Each begins with a text of its own; at the end it may help others.
        assert texts[:3] == [texts[0]] * 3


def test_requests_of_a_failed_server_are_taken_over(local, servers):
    servers[1].chat = lambda body: Raw(500, b'{"error": "out of memory"}')
    script = ServerScript([servers[0], servers[2]])
    backend = script.backend(_address(servers))
    assert str(records_of(run_study(backend, MemoryJournal()))) == str(local)
    (note,) = backend.notes
    assert servers[1].address in note
    assert note.endswith(TAKEOVER_NOTE)
    assert all(server.most_at_once <= 4 for server in servers)


def test_the_last_failure_ends_the_study_and_fewer_servers_resume_it(local, servers):
    script, steps = ServerScript(servers), dict[str, Any]()
    script.left = 9
    with pytest.raises(BackendError, match=r"error 500 \(out of memory\)"):
        run_study(script.backend(), MemoryJournal(steps))
    assert steps.keys() < local.keys()
    script.left = 10**9
    servers[1].stop()
    servers[2].stop()
    journal = run_study(script.backend(), MemoryJournal(steps))
    assert journal.kept.keys() == local.keys()
    counts = {name: len(records) for name, records in local.items()}
    assert {name: len(records) for name, records in journal.kept.items()} == counts


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_refuses_all_requests_does_not_end_the_run(servers, status):
    servers[0].chat = lambda body: Raw(status)
    backend = ServerBackend(detect(_address(servers), QUICK), QUICK)
    completions = backend.complete([chat_request(str(i)) for i in range(9)], never)
    assert [c.text for c in completions] == ["Hello."] * 9
    (note,) = backend.notes
    assert servers[0].address in note


def test_a_refused_request_is_not_sent_to_others(servers):
    servers[0].chat = lambda body: Raw(400, b'{"error": "no such option"}')
    backend = ServerBackend(detect(_address(servers), QUICK), QUICK)
    with pytest.raises(BackendError, match="no such option"):
        backend.complete([chat_request()], never)
    assert not servers[1].requests + servers[2].requests


def test_several_servers_are_the_model_of_the_first(servers):
    alone, together = detect(_address(servers[:1])), detect(_address(servers))
    assert alone.digest == together.digest
    assert [place.base for place in together.server_address] == [
        s.address for s in servers
    ]
    fewer = replace(together, address=f"{_address(servers[:2])}#tiny")
    assert fewer.digest == alone.digest


def test_servers_of_other_weights_are_refused(servers):
    servers[2].pages["/props"] = servers[2].pages["/props"] | {"model_ftype": "Q2_K"}
    with pytest.raises(BackendError, match=servers[2].address):
        detect(_address(servers), QUICK)


def test_paths_of_the_weights_may_differ(servers):
    servers[2].pages["/props"] = servers[2].pages["/props"] | {"model_path": "/b.gguf"}
    assert detect(_address(servers), QUICK).program == "llama.cpp"


def test_a_person_is_told_of_a_missing_server_and_a_run_continues_without_it(servers):
    servers[0].stop()
    with pytest.raises(BackendError, match=servers[0].address):
        detect(_address(servers), QUICK)
    facts = detect(_address(servers), QUICK, needs_all=False)
    backend = ServerBackend(facts, QUICK)
    assert backend.complete([chat_request()], never)[0].text == "Hello."
    assert servers[0].address in backend.notes[0]
    servers[1].stop()
    servers[2].stop()
    with pytest.raises(BackendError, match="cannot be reached"):
        detect(_address(servers), QUICK, needs_all=False)


def test_a_server_that_serves_another_model_is_refused_even_by_a_run(servers):
    address = replace(_address(servers), model="tiny")
    servers[1].pages["/v1/models"] = {"data": [{"id": "other"}]}
    with pytest.raises(ModelNotFound, match=servers[1].address):
        detect(address, QUICK, needs_all=False)


@pytest.mark.parametrize(
    "address",
    [
        "http://a/v1,http://a/v1#m",
        "http://a/v1,http://a/v1/#m",
        "http://a/v1,b#m",
        "http://a/v1,#m",
        "http://a/v1,http://u:p@b/v1#m",
    ],
)
def test_each_address_is_checked(address):
    with pytest.raises(InputError):
        server_addresses.parse(address)


def test_an_address_is_written_as_it_was_typed():
    address = "http://a:1/v1,http://b:2/v1#m"
    assert str(server_addresses.parse(address)) == address
    assert server_addresses.is_server(address)


def test_requests_are_answered_in_the_order_of_the_questions(servers):
    for server in servers:
        server.chat = lambda body: reply(body["messages"][0]["content"].upper())
    backend = ServerBackend(detect(_address(servers), QUICK), QUICK)
    requests = [chat_request(f"question {i}") for i in range(50)]
    counts: list[int] = []
    completions = backend.complete(requests, never, counts.append)
    assert [c.text for c in completions] == [f"QUESTION {i}" for i in range(50)]
    assert counts == sorted(set(counts))
    assert counts[-1] == 50
