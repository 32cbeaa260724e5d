"""Loading: what goes wrong is told in a sentence."""

import pytest
import torch

from autolearn import anatomy, machine, models
from autolearn.engine import load
from autolearn.engine.load import memory_guard
from autolearn.engine.train import Training
from autolearn.errors import BackendError, InputError, OutOfMemory
from tests.model.tiny import (
    Watch,
    build_model,
    facts,
    never,
    request,
    training,
)

pytestmark = pytest.mark.model


def test_damaged_weights_are_told(open_model, tmp_path):
    folder = build_model(tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(InputError, match="not a whole safetensors file"):
        open_model("none", folder)


def test_weights_that_do_not_fit_are_not_read(open_model, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: 1000)
    monkeypatch.setattr(load, "_weights", None)
    with pytest.raises(OutOfMemory, match="MiB and 0 are free"):
        open_model("none")


def test_a_kind_of_model_that_is_not_known_is_told(open_model, tmp_path):
    folder = build_model(tmp_path / "unknown")
    config = (folder / "config.json").read_text().replace("llama", "lama")
    (folder / "config.json").write_text(config)
    with pytest.raises(BackendError, match="transformers knows"):
        open_model("none", folder)


def test_a_model_that_was_saved_in_four_bit_learns_like_its_original(
    open_model, folder, tmp_path
):
    original = open_model("packed")
    place = tmp_path / "packed"
    original._loaded.model.save_pretrained(place)
    original._loaded.tokenizer.save_pretrained(place)
    assert models.locate(str(place)) == place
    with pytest.raises(BackendError, match="load it in 4 bit"):
        open_model("none", place)
    seen, plain = anatomy.of(place), anatomy.of(folder)
    assert (seen.parameters, seen.packed) == (plain.parameters, plain.packed)
    packed = open_model("packed", place)
    assert packed.complete([request("why?")], never) == original.complete(
        [request("why?")], never
    )
    watch = Watch()
    places = {"checkpoints": tmp_path / "checkpoints", "output": tmp_path / "adapter"}
    packed.train(facts(), training(max_steps=12), watch, start=None, **places)
    assert watch.seen[-1]["loss"] < 0.7 * watch.seen[0]["loss"]


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
    def too_much(self, examples, replay):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Training, "_descend", too_much)
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
