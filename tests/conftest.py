"""What the tests share."""

import os
import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from autolearn.core.heavy_imports import heavy_imports
from autolearn.store import Store

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two processes with a thread for each core would wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"

MEMORY = Path("/dev/shm")
"""Files in memory, on Linux."""
ROOM = 2 << 30
"""Bytes that the temporary files of all tests fit into by far."""
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
    # A store waits for the disk at each commit, longer than for all else. Pytest reads
    # this before it makes its first temporary folder.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

HERE = Path(__file__).parent
SLOW = ("torch_model", "process", "browser", "real", "fire")
"""Folders of tests with torch, processes of their own, a browser or a real model."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


@pytest.fixture
def store(workspace: Path) -> Iterator[Store]:
    with Store.open(workspace) as store:
        yield store
        with suppress(sqlite3.ProgrammingError):  # the test has closed it
            _check_counts(store)


def _check_counts(store: Store) -> None:
    """Check that the sizes kept with the documents are those of their rows."""
    wrong = store.db.rows(
        "SELECT name, n_passages, n_tokens, n_exclusions FROM documents AS d"
        " WHERE (n_passages, n_tokens) IS NOT (SELECT count(*),"
        " coalesce(sum(n_tokens), 0) FROM passages WHERE document_id = d.id"
        " AND excluded = 0 AND position >= 0) OR n_exclusions <>"
        " (SELECT count(*) FROM exclusions WHERE document_id = d.id)"
    )
    assert not wrong


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills", type=int, default=2, help="how often a worker is killed in each run"
    )
    parser.addoption(
        "--fast", action="store_true", help="without torch, processes and a browser"
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what collecting has loaded out of later collections of garbage."""
    with heavy_imports():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is slow, so that at the end no process waits long for another."""
    items.sort(key=lambda item: item.path.parent.name not in SLOW)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_slow = collection_path.parent == HERE and collection_path.name in SLOW
    return True if is_slow and config.getoption("--fast") else None
