from typing import Any

import pytest

from autolearn.runs import worker_processes
from autolearn.ui.session import PageContext, Session
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
def context(store):
    """The parts of a page, of which drawing needs none but the workspace."""
    parts: dict[str, Any] = dict.fromkeys(PageContext.__dataclass_fields__)
    parts["session"] = Session(store.folder)
    return PageContext(**parts | {"redrawn_on_change": [], "redrawn_on_opening": []})
