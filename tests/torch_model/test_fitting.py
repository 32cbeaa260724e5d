"""A round and memory: predicted, measured, and reduced after errors."""

import pytest
import torch
from safetensors.torch import load_file

from autolearn.core.errors import OutOfMemory
from autolearn.models import hardware, memory
from autolearn.models.memory_calibration import NUMBERS
from tests.support.tiny import Watch, facts, request, training

pytestmark = pytest.mark.torch_model


def test_a_round_begins_by_measuring_its_largest_step(backend, places):
    watch = Watch()
    backend.train(facts(n=6), training(max_steps=2), watch, **places)
    first = watch.probed
    assert first.keys() == set(NUMBERS)
    estimate, took = first["memory_predicted"], first["memory_measured"]
    assert first["memory_loaded_measured"] < took
    assert 0.3 < estimate / took < 3


def test_after_out_of_memory_a_step_is_split_and_learns_the_same(
    open_model, places, caplog
):
    plain, short = open_model(), open_model()
    plain.train(facts(n=6), training(max_steps=3), Watch(), **places)
    whole = (places["output"] / "adapter_model.safetensors").read_bytes()

    def refuse(module, inputs, output):
        if inputs[0].numel() > 100:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    embedding = short._lm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(refuse)
    short.train(facts(n=6), training(max_steps=3), Watch(), **places)
    hook.remove()
    assert "too little memory" in caplog.text
    place = places["output"] / "adapter_model.safetensors"
    split_weights = load_file(place)
    place.write_bytes(whole)
    for name, weight in load_file(place).items():
        torch.testing.assert_close(split_weights[name], weight, atol=1e-4, rtol=1e-3)


def test_an_item_that_does_not_fit_raises_an_error_with_advice(backend, places):
    def refuse(module, inputs, output):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    embedding = backend._lm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(refuse)
    with pytest.raises(OutOfMemory, match="too long for this device") as error:
        backend.train(facts(n=6), training(max_steps=3), Watch(), **places)
    hook.remove()
    assert error.value.advice.keys() == {"max_tokens"}
    # The memory is there again, and so is the model.
    assert backend.complete([request("Who?")], lambda: False)


def test_too_little_memory_is_reported_before_training(backend, places, monkeypatch):
    monkeypatch.setattr(hardware, "free_memory", lambda: 1000)
    with pytest.raises(OutOfMemory, match="The longest item has"):
        backend.train(facts(n=6), training(max_steps=3), Watch(), **places)


def recompute_activations(monkeypatch):
    """Let each training recompute its activations, however much memory there is."""

    def plan(self, settings, items, room):
        return items.at_once(items.in_step, recompute=True)

    monkeypatch.setattr(memory.MemoryEstimator, "plan", plan)


def recomputes(backend):
    modules = backend._lm.model.modules()
    return any(getattr(module, "gradient_checkpointing", False) for module in modules)


def test_recomputed_activations_give_the_same_adapter(open_model, places, monkeypatch):
    once, twice = open_model(), open_model()
    once.train(facts(n=6), training(max_steps=2), Watch(), **places)
    place = places["output"] / "adapter_model.safetensors"
    whole = load_file(place)
    whole = {name: weight.clone() for name, weight in whole.items()}
    recompute_activations(monkeypatch)
    twice.train(facts(n=6), training(max_steps=2), Watch(), **places)
    for name, weight in load_file(place).items():
        torch.testing.assert_close(weight, whole[name], atol=1e-4, rtol=1e-3)
    assert (recomputes(once), recomputes(twice)) == (False, True)
    assert not twice._lm.model.training


def test_recomputing_brings_no_dropout(backend, places, monkeypatch):
    """The layers recompute in training mode; their dropout came with it."""
    for module in backend._lm.model.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.5
    recompute_activations(monkeypatch)
    watch = Watch()
    settings = training(method="al2", nll_weight=0.0, max_steps=1)
    backend.train(facts("dpo", rejected="pink"), settings, watch, **places)
    assert recomputes(backend)
    # Before the first step, the round is its reference: -log sigmoid(0).
    assert watch.seen[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
