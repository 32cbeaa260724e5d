"""The models of the benchmarks; equality is seen in float32 and nowhere else."""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from autolearn.engine.load import Loaded, load
from autolearn.models import BUILT_IN
from autolearn.settings import ModelSettings, Quantization


def built_in(
    dtype: torch.dtype = torch.float32, quantization: Quantization = "nf4"
) -> Loaded:
    """Return the built-in model, rounded to 4 bit as in the app."""
    return _as(load(ModelSettings(quantization=quantization), BUILT_IN), dtype)


def random_model(
    dtype: torch.dtype = torch.float32, layers: int = 6, width: int = 512
) -> Loaded:
    """Return a Llama with random weights and the tokenizer of the built-in model."""
    tokenizer = AutoTokenizer.from_pretrained(BUILT_IN)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=4096,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with tempfile.TemporaryDirectory() as folder:
        LlamaForCausalLM(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return _as(load(ModelSettings(quantization="none"), Path(folder)), dtype)


def _as(loaded: Loaded, dtype: torch.dtype) -> Loaded:
    loaded.model.to(dtype)
    name = str(dtype).removeprefix("torch.")
    return replace(loaded, identity=replace(loaded.identity, dtype=name))
