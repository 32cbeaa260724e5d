"""A forward pass of a model over a cache, as both cache layouts need it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from autolearn.engine.load import LoadedModel


def layers(cache: Cache) -> list[Any]:
    """Return the cache of each layer."""
    return list(cache.layers)


def integers(lm: LoadedModel, values: Sequence[Any]) -> Tensor:
    """Return whole numbers as an int64 tensor on the device of the model."""
    return torch.tensor(list(values), dtype=torch.int64, device=lm.device)


def next_logits(
    lm: LoadedModel, ids: Tensor, n_logits: int = 1, **settings: Any
) -> Tensor:
    """Run the model; return the logits of the last positions, (B, n_logits, V)."""
    logits: Tensor = lm.model(input_ids=ids, logits_to_keep=n_logits, **settings).logits
    return logits
