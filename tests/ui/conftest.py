from typing import Any

import pytest

from autolearn.core.records import Question
from autolearn.runs import worker_processes
from autolearn.ui.session import PageContext, Session
from tests.support.evaluations import HOSTILE
from tests.support.faust import TEXT
from tests.support.texts import put_passages


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Start no process for a run that is queued: nothing here waits for its end."""
    monkeypatch.setattr(
        worker_processes, "ensure_worker", lambda *arguments, **options: None
    )


@pytest.fixture
def library(store):
    """Keep a document of two passages; return it and these."""
    passages = put_passages(store, "faust.txt", [TEXT[:20], TEXT[20:]])
    return store.library.documents()[0], passages


@pytest.fixture
def questions(store):
    """Keep ten gold questions each of quiz and control; return them."""
    new = [
        Question(f"{HOSTILE} {i}?", split, "gold", gold_answer="In 1711.")
        for split in ("quiz", "control")
        for i in range(10)
    ]
    return store.library.add_questions(new)


@pytest.fixture
def session(store):
    return Session(store.folder)


@pytest.fixture
def context(store):
    """The parts of a page, of which drawing needs none but the workspace."""
    parts: dict[str, Any] = dict.fromkeys(PageContext.__dataclass_fields__)
    parts["session"] = Session(store.folder)
    return PageContext(**parts | {"redrawn_on_change": [], "redrawn_on_opening": []})
