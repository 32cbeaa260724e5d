"""A study gives the same records on a server as on a local model."""

from typing import Any

import pytest

from autolearn.core.errors import BackendError
from autolearn.core.ports import Cancelled
from tests.support import model_server
from tests.support.journals import MemoryJournal
from tests.support.server_studies import (
    ServerScript,
    local_records,
    records_of,
    run_study,
)


@pytest.fixture
def local():
    return local_records()


@pytest.mark.parametrize("program", ["llama.cpp", "vllm", "sglang", "ollama"])
def test_the_records_are_those_of_a_local_model(local, program):
    with model_server.running(program) as server:
        journal = run_study(ServerScript([server]).backend(), MemoryJournal())
        assert len(local) > 3
        assert str(records_of(journal)) == str(local)
        assert len(server.requests) > 10


@pytest.mark.parametrize("n_answers", [0, 3, 9])
def test_a_study_continues_after_its_server_failed(local, n_answers):
    with model_server.running() as server:
        script, steps = ServerScript([server]), dict[str, Any]()
        script.left = n_answers
        with pytest.raises(BackendError, match=r"error 500 \(out of memory\)"):
            run_study(script.backend(), MemoryJournal(steps))
        assert steps.keys() < local.keys()
        script.left = 10**9
        again = MemoryJournal(steps)
        journal = run_study(script.backend(), again)
    assert journal.kept.keys() == local.keys()
    counts = {name: len(records) for name, records in local.items()}
    assert {name: len(records) for name, records in journal.kept.items()} == counts


def test_a_cancelled_study_keeps_whole_steps_only(local):
    with model_server.running() as server:
        script, steps = ServerScript([server]), dict[str, Any]()
        with pytest.raises(Cancelled):
            run_study(
                script.backend(),
                MemoryJournal(steps),
                stop=lambda: len(server.requests) > 4,
            )
        assert steps.keys() < local.keys()
        for name, records in steps.items():
            assert len(records) == len(local[name])
