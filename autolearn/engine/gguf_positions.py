"""Scaled rotary positions of a GGUF file, which transformers leaves out.

llama.cpp stores them as settings or, for Llama 3.1 and later, as a tensor of factors by
which the frequencies are divided. Without them a model reads positions other than those
that it was trained with.
"""

from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from autolearn.core.errors import BackendError
from autolearn.models.sources import gguf_file

_LLAMA3 = {
    "rope_type": "llama3",
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
"""The settings of all published models; the file has only what they result in."""


def restore(config: Any, gguf: Path) -> None:
    """Set the scaling of a file in the configuration of the model read from it.

    Raises:
        BackendError: It is of a kind that cannot be restored.
    """
    rope = getattr(config, "rope_parameters", None) or {}
    # Models with two kinds of layers scale those that attend to everything.
    rope = rope.get("full_attention", rope)
    if rope.get("rope_type", "default") != "default":
        return
    tensors = {
        tensor.name: torch.tensor(tensor.data)
        for tensor in GGUFReader(gguf).tensors
        if tensor.name.startswith("rope_f")
    }
    factors = tensors.pop("rope_freqs.weight", None)
    scaling = _settings(gguf) if factors is None else _of_llama3(factors)
    rope |= scaling
    is_known = not tensors and scaling.get("rope_type") != "longrope"
    if not is_known or (factors is not None and not _results_in(factors, config, rope)):
        raise BackendError(
            f"{gguf.name} scales positions in a way that is not read from GGUF; "
            "download the original model in safetensors instead."
        )


def _settings(gguf: Path) -> dict[str, Any]:
    """Return the scaling that the settings of a file name; empty if none."""
    header = gguf_file.read(gguf)
    prefix = f"{header.architecture}.rope.scaling."
    values = {
        name.removeprefix(prefix): value
        for name, value in header.values.items()
        if name.startswith(prefix)
    }
    kind, factor = values.get("type", "none"), values.get("factor")
    if kind == "none" or factor is None:
        return {}
    scaling = {"rope_type": kind, "factor": float(factor)}
    if n := values.get("original_context_length"):
        scaling["original_max_position_embeddings"] = n
    return scaling


def _of_llama3(factors: Tensor) -> dict[str, Any]:
    return {**_LLAMA3, "factor": float(factors.max())}


def _results_in(factors: Tensor, config: Any, rope: dict[str, Any]) -> bool:
    """Return whether the settings divide the frequencies by these factors."""
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    powers = torch.arange(len(scaled)) / len(scaled)
    plain = float(rope["rope_theta"]) ** -powers
    fits = len(factors) == len(scaled)
    return fits and torch.allclose(plain / scaled, factors.float(), rtol=1e-3)
