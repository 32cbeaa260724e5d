"""Families of models, as tiny networks with random weights."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.support.tiny import (
    CONTEXT,
    build_tokenizer,
)

TURNS = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n{% endfor %}"


ASK = "{% if add_generation_prompt %}<|assistant|>{% endif %}"


PLAIN = TURNS + ASK


WITH_BOS = "{{ bos_token }}" + PLAIN


WITH_INSTRUCTIONS = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system') }}"
    "{% elif m.role == 'user' %}<|user|> {{ m.content }} <|end|>"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)


OTHER_ROLES = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<|{{ 'assistant' if m.role == 'assistant' else 'user' }}|>\n"
    "{{ m.content | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


THINKING = TURNS + (
    "{% if add_generation_prompt %}<|assistant|>"
    "{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """A family as transformers calls it, and what its members are like."""

    kind: str
    template: str
    config: dict[str, Any] = field(default_factory=dict)
    shares: bool = True
    """Whether texts that begin alike can grow as one tree."""


SLIDING = {"sliding_window": 8}


HEADS = {"head_dim": 32}


MAMBA = {
    "mamba_d_ssm": 64,
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 16,
    "mamba_chunk_size": 16,
}


FAMILIES = {
    "llama": Family("llama", WITH_BOS),
    "smollm2": Family("llama", PLAIN, {"tie_word_embeddings": True}),
    "smollm3": Family("smollm3", THINKING, {"num_hidden_layers": 4}),
    "qwen2": Family("qwen2", PLAIN),
    "qwen3": Family("qwen3", THINKING, HEADS),
    "mistral": Family("mistral", WITH_INSTRUCTIONS, {"sliding_window": None}),
    "mistral, window": Family("mistral", WITH_INSTRUCTIONS, SLIDING, shares=False),
    "gemma": Family("gemma", OTHER_ROLES, HEADS),
    "gemma2": Family("gemma2", OTHER_ROLES, HEADS | SLIDING, shares=False),
    "gemma3": Family("gemma3_text", OTHER_ROLES, HEADS | SLIDING, shares=False),
    "phi3": Family("phi3", WITH_BOS),
    "olmo2": Family("olmo2", WITH_BOS),
    "olmo3": Family(
        "olmo3", WITH_BOS, SLIDING | {"num_hidden_layers": 4}, shares=False
    ),
    "granite": Family("granite", PLAIN),
    # Its attention does not get the arguments that others pass on to it.
    "stablelm": Family("stablelm", PLAIN, shares=False),
    # It caches compressed keys and values.
    "minicpm3": Family("minicpm3", PLAIN, {"num_key_value_heads": 4}, shares=False),
    # Attention beside Mamba, whose kernels bypass an adapter of the output layer.
    "falcon-h1": Family("falcon_h1", PLAIN, MAMBA, shares=False),
    # Its router is a linear layer with two results.
    "phimoe": Family("phimoe", PLAIN, {"num_local_experts": 4}),
}


def build_family(kind: Family, folder: Path) -> Path:
    """Write a model of a family with random weights."""
    tokenizer = build_tokenizer(kind.template)
    tokenizer.save_pretrained(folder)
    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.2,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    config = AutoConfig.for_model(kind.kind, **sizes | kind.config)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder
