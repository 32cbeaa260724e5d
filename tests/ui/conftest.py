import pytest

from autolearn.runs import worker_processes


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Start no process for a run that is queued: nothing here waits for its end."""
    monkeypatch.setattr(
        worker_processes, "ensure_worker", lambda *arguments, **options: None
    )
