"""What the tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from autolearn.store import Store

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two processes with a thread for each core would wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


@pytest.fixture
def store(workspace: Path) -> Iterator[Store]:
    with Store.open(workspace) as store:
        yield store


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills", type=int, default=2, help="how often a worker is killed in each run"
    )
