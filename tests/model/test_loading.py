"""Loading: what goes wrong is told in a sentence."""

import pytest
import torch

from autolearn.engine.load import memory_guard
from autolearn.engine.train import Training
from autolearn.errors import BackendError, OutOfMemory
from tests.model.tiny import Watch, build_model, facts, training

pytestmark = pytest.mark.model


def test_damaged_weights_are_told(open_model, tmp_path):
    folder = build_model(tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(BackendError, match="cannot be loaded"):
        open_model("none", folder)


def test_a_kind_of_model_that_is_not_known_is_told(open_model, tmp_path):
    folder = build_model(tmp_path / "unknown")
    config = (folder / "config.json").read_text().replace("llama", "lama")
    (folder / "config.json").write_text(config)
    with pytest.raises(BackendError, match="transformers knows"):
        open_model("none", folder)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_a_device_that_is_too_small_is_told(error):
    with pytest.raises(OutOfMemory, match="lower batch_size"), memory_guard():
        raise error


def test_other_errors_pass_the_guard_unchanged():
    with pytest.raises(RuntimeError, match="shapes"), memory_guard():
        raise RuntimeError("shapes do not fit")


def test_a_round_that_does_not_fit_leaves_the_base_behind(
    backend, tmp_path, monkeypatch
):
    def too_much(self, examples):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Training, "_learn", too_much)
    with pytest.raises(OutOfMemory):
        backend.train(
            facts(),
            training(),
            Watch(),
            start=None,
            checkpoints=tmp_path / "checkpoints",
            output=tmp_path / "adapter",
        )
    assert type(backend._loaded.model).__name__ == "LlamaForCausalLM"
    assert not (tmp_path / "adapter").exists()
