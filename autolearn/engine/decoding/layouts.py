"""Which layouts of texts a model computes rightly, seen in a pass of one token.

The class of a model decides how its attention is called and what its cache keeps. Some
classes drop arguments that they do not know, and would compute something else without
an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import (
    DynamicCache,
    DynamicLayer,
    LinearAttentionLayer,
)

from autolearn.engine.decoding import attention

Shapes = tuple[int, torch.Size, torch.Size]
"""The number of a layer, and the shapes of the keys and values of a token."""


@dataclass(frozen=True)
class Layouts:
    """The layouts that can be used with a model."""

    shares: bool
    """Texts may share a prefix: its attention takes keys and values from a view."""
    trees: bool
    """Training items may be a tree: positions and mask say what a token follows."""
    attends: bool
    """A layer attends to earlier tokens. Otherwise all layers are recurrent."""


def layouts_of(model: Any) -> Layouts:
    """Return the layouts of a loaded model.

    Raises:
        ValueError: It keeps no state in the cache that a next token could follow.
    """
    cache, calls = DynamicCache(config=model.config), _Calls()
    text = model.config.get_text_config()
    view = {"view": calls} if text._attn_implementation == attention.NAME else {}
    zero = torch.zeros(1, 1, dtype=torch.int64, device=model.device)
    with torch.inference_mode():
        model(input_ids=zero, position_ids=zero, cache=cache, logits_to_keep=1, **view)
    layers: list[Any] = list(cache.layers)
    if not any(map(_has_state, layers)):
        raise ValueError("the cache is empty after a token")
    attends_only = all(type(layer) is DynamicLayer for layer in layers)
    has_places = "position_ids" in signature(model.forward).parameters
    return Layouts(
        shares=attends_only and calls.shapes == _shapes(layers),
        trees=attends_only and has_places and not getattr(text, "alibi", False),
        attends=not all(type(layer) is LinearAttentionLayer for layer in layers),
    )


@dataclass
class _Calls:
    """A view that notes for which layer it was called, and with which shapes."""

    shapes: list[Shapes] = field(default_factory=list)

    def attend(self, layer: int, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return zeros; see ``AttentionView``."""
        self.shapes.append((layer, keys.shape[1:], values.shape[1:]))
        return query.new_zeros(*query.shape[:2], values.shape[-1])


def _shapes(layers: Sequence[Any]) -> list[Shapes]:
    """Return the calls of a model that attends once in each layer to what it caches.

    Others cache compressed states, or attend several times.
    """
    return [
        (number, layer.keys[0, :, 0].shape, layer.values[0, :, 0].shape)
        for number, layer in enumerate(layers)
        if layer.is_initialized
    ]


def _has_state(layer: Any) -> bool:
    if isinstance(layer, LinearAttentionLayer):
        return any(layer.has_previous_state.values())
    return bool(layer.is_initialized)
