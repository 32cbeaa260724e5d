from typing import Any

import pytest

from autolearn.runs import worker_processes
from autolearn.ui.session import PageContext, Session


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Start no process for a run that is queued: nothing here waits for its end."""
    monkeypatch.setattr(
        worker_processes, "ensure_worker", lambda *arguments, **options: None
    )


@pytest.fixture
def context(store):
    """The parts of a page, of which drawing needs none but the workspace."""
    parts: dict[str, Any] = dict.fromkeys(PageContext.__dataclass_fields__)
    parts["session"] = Session(store.folder)
    return PageContext(**parts | {"redrawn_on_change": [], "redrawn_on_opening": []})
