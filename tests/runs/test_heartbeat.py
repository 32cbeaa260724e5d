"""The heartbeat of a run, and how a run learns that it is to be cancelled."""

from autolearn.core.errors import StoreError
from autolearn.runs import worker
from autolearn.runs.worker import Heartbeat
from autolearn.store import Store


def test_a_run_can_be_stopped_if_its_heartbeat_could_not_begin_at_once(
    store, monkeypatch
):
    """Its thread ended if another program had the database locked at that moment."""
    open_store, n_refusals = Store.open, 2

    def open_after_a_while(folder):
        nonlocal n_refusals
        n_refusals -= 1
        if n_refusals >= 0:
            raise StoreError("Another program has kept it locked for too long.")
        return open_store(folder)

    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(Store, "open", open_after_a_while)
    run = store.runs.create("study", {})
    store.runs.claim(1, ["study"])
    store.runs.request_cancel(run.id)
    with Heartbeat(store.folder, run.id) as heart:
        assert heart.cancellation.wait(timeout=60)
