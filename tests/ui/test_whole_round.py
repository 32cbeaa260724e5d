"""The button that runs a whole round, pressed more than once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from autolearn.core.errors import StoreError
from autolearn.store import Store, connection
from autolearn.ui.session import Session
from autolearn.ui.views import whole_round
from tests.support.texts import put_text


@pytest.fixture
def session(workspace):
    """A workspace with a text, whose runs no worker takes."""
    with Store.open(workspace) as store:
        put_text(store, "avel.md", "Avel was founded in 1711.")
    return Session(workspace)


def test_of_many_presses_at_once_one_queues_a_round(session):
    with ThreadPoolExecutor(4) as pool:
        presses = [pool.submit(session.ask_or_start_round) for _ in range(4)]
    refusals = [press.exception() for press in presses if press.exception()]
    assert len(refusals) == 3
    assert all("whole round is queued already" in str(error) for error in refusals)
    assert len(session.store.runs.in_state("queued")) == 1


def test_a_round_that_takes_long_asks_first(session, monkeypatch):
    monkeypatch.setattr(whole_round, "LONG_SECONDS", 1e-6)
    question = session.ask_or_start_round()
    assert "studies all 1 passage of the library; with built-in" in question
    assert f'data-pick="{whole_round.asked(session.store)}"' in question
    assert session.store.runs.in_state("queued") == []
    assert session.start_round() == ""
    assert len(session.store.runs.in_state("queued")) == 1


def test_a_round_on_an_empty_library_asks_first_too(workspace, monkeypatch):
    """The texts of the demo were counted only once the round had begun."""
    monkeypatch.setattr(whole_round, "LONG_SECONDS", 1e-6)
    session = Session(workspace)
    question = session.ask_or_start_round()
    n = len(session.store.library.passages())
    assert f"studies all {n} passages of the library" in question
    assert session.store.runs.in_state("queued") == []


def test_a_read_only_workspace_is_looked_at_and_changes_say_why_not(
    session, monkeypatch
):
    session.start_round()
    monkeypatch.setattr(connection, "is_read_only", lambda path: True)
    monkeypatch.setattr("autolearn.store.database.is_read_only", lambda path: True)
    looking = Session(session.folder)
    assert looking.store.read_only
    assert looking.is_busy() is False
    assert looking.revision()
    looking.store.runs.newest()
    with pytest.raises(StoreError, match="is read-only; make it writable"):
        looking.store.choices.set("model", {})
