"""The tiny network, loaded by the same function as any other model."""

import os

# Two busy-waiting threads on shared cores cost more than they bring; read at import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny import build_model

from autolearn.backends.huggingface import HuggingFaceBackend
from autolearn.engine import load
from autolearn.settings import ModelSettings


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return build_model(tmp_path_factory.mktemp("models") / "tiny")


Loader = Callable[..., HuggingFaceBackend]


@pytest.fixture
def open_model(folder, monkeypatch) -> Loader:
    """Load the model; ``packed`` keeps even this small one in 4 bit."""

    def opened(kind: str = "none", place: Path = folder) -> HuggingFaceBackend:
        if kind == "packed":
            monkeypatch.setattr(load, "UNPACK_BELOW", 0)
        quantization = "none" if kind == "none" else "nf4"
        settings = ModelSettings(model=str(place), quantization=quantization)
        return HuggingFaceBackend.load(settings, place)

    return opened


@pytest.fixture
def backend(open_model) -> HuggingFaceBackend:
    return open_model()
