"""A hub on this computer, and a workspace with a downloader of its own."""

import pytest

from autolearn.models import files as model_files
from autolearn.runs import queues, worker_processes
from autolearn.store import Store
from tests.support.hub import NAME, Repository, files_of, serve

PLAIN_ENVIRONMENT = ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HTTP_PROXY")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub with the built-in model, and an empty cache of its own."""
    for name in PLAIN_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serve() as server:
        files = files_of(model_files.BUILT_IN)
        others = {"pytorch_model.bin": b"pickle", "modeling_tiny.py": b"import os"}
        server.repositories[NAME] = Repository(files | others)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "hf" / "hub"


@pytest.fixture
def lab(tmp_path, server):
    """A workspace with a downloader of its own."""
    with Store.open(tmp_path / "lab") as store:
        yield store
        assert worker_processes.stop_worker(store.folder, queue=queues.DOWNLOAD_QUEUE)
