"""The models of the benchmarks. Results are compared for equality in float32 only."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from autolearn.core.settings import ModelSettings, Quantization
from autolearn.engine import device_memory
from autolearn.engine.decoding import attention
from autolearn.engine.load import LoadedModel, load
from autolearn.models import memory
from autolearn.models.files import BUILT_IN

NAMES = ("built-in", "random", "large")
"""Names for the command line; the large model is for a GPU. A folder is a real
model."""
DTYPES = ("float32", "bfloat16")
"""Types for the command line; the large model is always in bfloat16."""


def built_in(
    dtype: torch.dtype = torch.float32, quantization: Quantization = "nf4"
) -> LoadedModel:
    """Return the built-in model, rounded to 4 bit as in the app."""
    return _as(load(ModelSettings(quantization=quantization), BUILT_IN), dtype)


def random_model(
    dtype: torch.dtype = torch.float32, layers: int = 6, width: int = 512
) -> LoadedModel:
    """Return a Llama with random weights and the tokenizer of the built-in model."""
    shape = LlamaConfig(
        vocab_size=4096,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
    )
    return _as(_made(shape, "none"), dtype)


def large(layers: int = 32, width: int = 4096) -> LoadedModel:
    """Return a Llama of the shape of Llama 3 8B with random weights, in 4 bit."""
    shape = LlamaConfig(
        vocab_size=128_256,
        hidden_size=width,
        intermediate_size=7 * width // 2,
        num_hidden_layers=layers,
        num_attention_heads=width // 128,
        num_key_value_heads=max(1, width // 512),
    )
    return _made(shape, "nf4")


def named(
    name: str,
    dtype: torch.dtype,
    layers: int,
    quantization: Quantization = "nf4",
) -> LoadedModel:
    """Return a model by its name on the command line, or from a folder.

    Real models and the built-in one are rounded to 4 bit as in the app, unless
    ``quantization`` says otherwise. The large model has its own dtype.
    """
    if name == "large":
        return large(layers)
    if name not in NAMES:
        settings = ModelSettings(model=name, quantization=quantization)
        return _as(load(settings, Path(name)), dtype)
    if name == "built-in":
        return built_in(dtype, quantization)
    return random_model(dtype)


def _made(shape: LlamaConfig, quantization: Quantization) -> LoadedModel:
    dtype = torch.bfloat16 if quantization == "nf4" else torch.float32
    with tempfile.TemporaryDirectory() as name:
        write_random(shape, Path(name), dtype)
        return load(ModelSettings(quantization=quantization), Path(name))


def write_random(shape: LlamaConfig, folder: Path, dtype: torch.dtype) -> None:
    """Write a model with random weights and the enlarged built-in tokenizer.

    The weights are drawn on the GPU if there is one, since there are billions of them.
    """
    tokenizer = AutoTokenizer.from_pretrained(BUILT_IN)
    tokenizer.add_tokens([f"w{i}" for i in range(shape.vocab_size - len(tokenizer))])
    tokenizer.model_max_length = shape.max_position_embeddings = 4096
    tokenizer.save_pretrained(folder)
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(shape, name, getattr(tokenizer, name))
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model: Any = LlamaForCausalLM(shape)
    model.to(dtype).save_pretrained(folder)


@contextmanager
def as_shipped(model: Any) -> Iterator[None]:
    """Restore the library's own attention, which peers need, inside the block."""
    model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        model.set_attn_implementation(attention.NAME)


def keep_packed() -> None:
    """Keep 4-bit weights packed from now on, like those of a larger model."""
    memory.DEQUANTISED_SHARE = 0.0


def _as(lm: LoadedModel, dtype: torch.dtype) -> LoadedModel:
    lm.model.to(dtype)
    name = str(dtype).removeprefix("torch.")
    device = device_memory.device(lm.identity.device, dtype)
    return replace(
        lm,
        identity=replace(lm.identity, dtype=name),
        estimator=replace(lm.estimator, device=device),
    )
