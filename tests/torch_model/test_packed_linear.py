"""Packed weights give the same numbers and leave nothing behind."""

import pytest
import torch
from torch.nn.functional import linear

from autolearn.engine.decoding import packed_linear
from autolearn.models.memory import Device, MemoryEstimator
from tests.support.tiny import Watch, facts, never, request, training

pytestmark = [
    pytest.mark.torch_model,
    pytest.mark.skipif(
        not torch.backends.mkldnn.is_available(), reason="torch without oneDNN"
    ),
]

QUESTIONS = [f"what is {i} and {i + 1}?" for i in range(5)]


@pytest.fixture(autouse=True)
def pack_small_layers(monkeypatch):
    monkeypatch.setattr(packed_linear, "LEAST_WEIGHT", 1)
    monkeypatch.setattr(packed_linear, "LEAST_TOKENS", 1)


@pytest.fixture
def backend_with_memory(backend):
    """The tiny model on a device that has memory for a second copy."""
    lm = backend._lm
    lm.estimator = MemoryEstimator(
        lm.estimator.shape, "none", Device("cpu", False, 64 << 30)
    )
    return backend


def generated_texts(backend):
    return backend.complete([request(q, max_new_tokens=24) for q in QUESTIONS], never)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 17, 64, 128, 129])
@pytest.mark.parametrize("bias", [True, False])
def test_packed_products_equal_plain_products(n_rows, bias):
    torch.manual_seed(0)
    layer = torch.nn.Linear(70, 130, bias=bias)
    copies = packed_linear.PackedLinears()
    copies.make(torch.nn.Sequential(layer))
    assert "forward" in vars(layer)
    rows = torch.randn(1, n_rows, 70)
    with torch.inference_mode():
        assert torch.allclose(
            layer(rows), linear(rows, layer.weight, layer.bias), atol=1e-5, rtol=1e-5
        )
    copies.drop()
    assert not copies
    assert copies.n_bytes == 0
    assert "forward" not in vars(layer)


def test_packed_layers_keep_their_gradient():
    layer = torch.nn.Linear(8, 8)
    packed_linear.PackedLinears().make(torch.nn.Sequential(layer))
    layer(torch.randn(4, 8)).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().sum() > 0


def test_packed_weights_generate_the_same_texts(backend_with_memory, monkeypatch):
    texts = generated_texts(backend_with_memory)
    assert backend_with_memory._lm.packed_linears
    backend_with_memory._lm.packed_linears.drop()
    monkeypatch.setattr(packed_linear, "LEAST_TOKENS", 1 << 30)
    assert texts == generated_texts(backend_with_memory)
    assert not backend_with_memory._lm.packed_linears


def test_adapters_work_with_packed_weights(backend_with_memory, places, monkeypatch):
    base = generated_texts(backend_with_memory)
    backend_with_memory.train(facts(), training(), Watch(), **places)
    assert not backend_with_memory._lm.packed_linears, "a training needs their memory"
    assert generated_texts(backend_with_memory) == base
    backend_with_memory.use_adapter(places["output"])
    texts = generated_texts(backend_with_memory)
    assert texts != base
    backend_with_memory.use_adapter(None)
    assert generated_texts(backend_with_memory) == base

    backend_with_memory._lm.packed_linears.drop()
    backend_with_memory.use_adapter(places["output"])
    assert generated_texts(backend_with_memory) == texts, (
        "made while the adapter was on"
    )
    backend_with_memory._lm.packed_linears.drop()
    monkeypatch.setattr(packed_linear, "LEAST_TOKENS", 1 << 30)
    assert generated_texts(backend_with_memory) == texts, "written with plain weights"


def test_training_after_generation_equals_training_without(
    backend_with_memory, places, tmp_path
):
    first, second = Watch(), Watch()
    backend_with_memory.train(facts(), training(), first, **places)
    generated_texts(backend_with_memory)
    assert backend_with_memory._lm.packed_linears
    others = {**places, "checkpoints": tmp_path / "c", "output": tmp_path / "a"}
    backend_with_memory.train(facts(), training(), second, **others)
    assert [step["loss"] for step in first.seen] == [
        step["loss"] for step in second.seen
    ]


def test_adapter_layers_are_not_packed(backend_with_memory, places):
    backend_with_memory.train(facts(), training(), Watch(), **places)
    backend_with_memory.use_adapter(places["output"])
    model = backend_with_memory._lm.model
    name_of = {id(layer): name for name, layer in model.named_modules()}
    names = [name_of[id(layer)] for layer in packed_linear.packable(model)]
    assert names
    assert not [name for name in names if "lora_" in name]


def test_4_bit_weights_are_not_packed(open_model):
    model = open_model("packed")
    generated_texts(model)
    assert not model._lm.packed_linears


def test_one_text_or_few_tokens_are_not_worth_packing(backend_with_memory, monkeypatch):
    backend_with_memory.complete([request(QUESTIONS[0])], never)
    assert not backend_with_memory._lm.packed_linears
    monkeypatch.setattr(packed_linear, "LEAST_TOKENS", 5 * 24 + 1)
    generated_texts(backend_with_memory)
    assert not backend_with_memory._lm.packed_linears
