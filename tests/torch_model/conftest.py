"""A tiny network, loaded by the same function as any other model."""

import os

# Two busy-waiting threads on shared cores cost more than they bring; read at import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from autolearn.core.settings import ModelSettings, Quantization
from autolearn.engine import load
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.models import memory
from tests.support.families import FAMILIES, build_family
from tests.support.tiny import build_model


def pytest_configure(config):
    # peft asks a question of transformers that is going out of use.
    question = "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
    config.addinivalue_line("filterwarnings", question)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return build_model(tmp_path_factory.mktemp("models") / "tiny")


Loader = Callable[..., HuggingFaceBackend]


@pytest.fixture
def open_model(folder, monkeypatch) -> Loader:
    """Load the model; ``packed`` keeps even this small one in 4 bit.

    In fp32 on every machine: in bf16 the result depends on what is computed together.
    """
    monkeypatch.setattr(load, "compute_dtype", lambda device: torch.float32)

    def opened(kind: str = "none", place: Path = folder) -> HuggingFaceBackend:
        if kind == "packed":
            monkeypatch.setattr(memory, "DEQUANTISED_SHARE", 0)
        quantization: Quantization = "none" if kind == "none" else "nf4"
        settings = ModelSettings(model=str(place), quantization=quantization)
        return HuggingFaceBackend.load(settings, place)

    return opened


@pytest.fixture
def backend(open_model: Loader) -> HuggingFaceBackend:
    return open_model()


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path | None]:
    return {
        "start": None,
        "checkpoints": tmp_path / "checkpoints",
        "output": tmp_path / "adapter",
    }


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a model of a family with random weights, which is built once."""

    @cache
    def built(name: str) -> Path:
        place = tmp_path_factory.mktemp("families") / "model"
        return build_family(FAMILIES[name], place)

    return built


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, family_folder):
    """A family, and the folder of one of its models, which tests leave as it is."""
    return FAMILIES[request.param], family_folder(request.param)
