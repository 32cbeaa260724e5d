"""A study gives the same records on a server as on a local model."""

from dataclasses import replace
from typing import Any

import pytest

from autolearn.core import server_addresses
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Message
from autolearn.core.ports import Cancelled
from autolearn.core.settings import StudySettings
from autolearn.endpoints.backend import ServerBackend
from autolearn.endpoints.client import RetryPolicy
from autolearn.endpoints.detection import detect
from autolearn.study.loop import Study
from tests.support import model_server, studies
from tests.support.journals import MemoryJournal
from tests.support.model_server import Raw, likeliest, reply

QUICK = RetryPolicy(tries=2, first_delay=0.01, read=5.0)
SETTINGS = replace(studies.SETTINGS, protocol="trained", passages_per_step=1)


class Script:
    """Answers on a server what the script of a study says."""

    def __init__(self, server):
        self.by_chat = {}
        self.left = 10**9
        """Answers until the server fails."""
        server.chat = self

    def backend(self, server):
        script = self
        facts = detect(server_addresses.parse(server.address), QUICK)

        class Noting(ServerBackend):
            """Tells the script which request a chat comes from."""

            def complete(self, requests, stop, progress=None):
                for request in requests:
                    script.by_chat[request.prompt.chat] = request
                return super().complete(requests, stop, progress)

        return Noting(facts, QUICK)

    def __call__(self, body):
        self.left -= 1
        if self.left < 0:
            return Raw(500, b'{"error": "out of memory"}')
        chat = tuple(Message(m["role"], m["content"]) for m in body["messages"])
        if "logprobs" in body:
            *before, begun = chat
            right, wrong = studies.sure(tuple(before), begun.content)
            table = {" correct": right, " incorrect": wrong}
            return reply(" correct", logprobs=likeliest(**table))
        return reply(studies.model(self.by_chat[chat]))


def _study(backend, journal, settings: StudySettings = SETTINGS, stop=lambda: False):
    study = Study(backend, journal, settings, stop, lambda *_: None)
    study.run(studies.passages(2))
    return journal


def _shown(journal):
    """Return the records of all steps, without where they come from."""
    return {
        name: [
            replace(record, generation=None)
            if hasattr(record, "generation")
            else record
            for record in records
        ]
        for name, records in journal.kept.items()
    }


@pytest.fixture
def local():
    journal, _, _ = studies.study(n=2, settings=SETTINGS)
    return _shown(journal)


@pytest.mark.parametrize("program", ["llama.cpp", "vllm", "sglang", "ollama"])
def test_the_records_are_those_of_a_local_model(local, program):
    with model_server.running(program) as server:
        journal = _study(Script(server).backend(server), MemoryJournal())
        assert len(local) > 3
        assert str(_shown(journal)) == str(local)
        assert len(server.requests) > 10


@pytest.mark.parametrize("n_answers", [0, 3, 9])
def test_a_study_goes_on_after_its_server_failed(local, n_answers):
    with model_server.running() as server:
        script, steps = Script(server), dict[str, Any]()
        script.left = n_answers
        with pytest.raises(BackendError, match=r"error 500 \(out of memory\)"):
            _study(script.backend(server), MemoryJournal(steps))
        assert steps.keys() < local.keys()
        script.left = 10**9
        again = MemoryJournal(steps)
        journal = _study(script.backend(server), again)
    assert journal.kept.keys() == local.keys()
    counts = {name: len(records) for name, records in local.items()}
    assert {name: len(records) for name, records in journal.kept.items()} == counts


def test_a_cancelled_study_keeps_whole_steps_only(local):
    with model_server.running() as server:
        script, steps = Script(server), dict[str, Any]()
        with pytest.raises(Cancelled):
            _study(
                script.backend(server),
                MemoryJournal(steps),
                stop=lambda: len(server.requests) > 4,
            )
        assert steps.keys() < local.keys()
        for name, records in steps.items():
            assert len(records) == len(local[name])
