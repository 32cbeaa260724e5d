"""Attention of many texts in two parts: over a shared prefix, then over each suffix.

A text is a prefix, which a group of texts shares, and a suffix of its own. All tokens
of a group attend to the prefix in one product of matrices, and each token to the suffix
of its text. The two results are merged by the logarithm of the sum of e^score, which
gives the same numbers as attention over one row per text. So no keys or values are
copied, and no score is computed that a mask would hide.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "branches"
"""What the library knows it by; without a view it is the library's own."""


@dataclass(frozen=True)
class PackedQueries:
    """Where tokens stand that look at rows of keys: so many places for each row."""

    rows: int
    width: int
    cells: Tensor | None
    """(Q) int64, the place of each token; None: they fill all places in their order."""

    def spread(self, query: Tensor, heads: int) -> Tensor:
        """Put tokens in their places; heads that look at the same keys side by side.

        Shapes:
            query: (Q, H, D). returns: (rows, heads, H / heads, width, D).
        """
        if self.cells is not None:
            full = query.new_zeros(self.rows * self.width, *query.shape[1:])
            full[self.cells] = query
            query = full
        apart = query.view(self.rows, self.width, heads, -1, query.shape[-1])
        return apart.permute(0, 2, 3, 1, 4)

    def collect(self, found: Tensor) -> Tensor:
        """Take what was found for each token from its place.

        Shapes:
            found: (rows, heads, H / heads, width, D). returns: (Q, H, D).
        """
        places = found.movedim(3, 1)
        flat = places.reshape(self.rows * self.width, -1, found.shape[-1])
        return flat if self.cells is None else flat[self.cells]


@dataclass(frozen=True)
class AttentionSegment:
    """Rows of keys and values that tokens look at: who looks, and at how much."""

    queries: PackedQueries
    mask: Tensor | None
    """(rows, 1, 1, width or 1, T) float32, added to the scores; None: all is seen."""

    def attend(
        self, query: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what each token finds, and the logarithm of how much that weighs.

        Shapes:
            query: (Q, H, D), scaled. keys, values: (rows, heads, T, D).
            returns: (Q, H, D) and (Q, H, 1).
        """
        spread = self.queries.spread(query, keys.shape[1])
        shape = spread.shape[:-1]
        scores = (spread.flatten(2, 3) @ keys.mT).view(*shape, -1).float()
        if self.mask is not None:
            scores += self.mask
        shares = scores.softmax(dim=-1)
        # A share is e^score / weight; the largest never vanishes.
        weight = scores.amax(-1, keepdim=True) - shares.amax(-1, keepdim=True).log()
        found = shares.flatten(2, 3).to(values.dtype) @ values
        return self.queries.collect(found.view(*shape, -1)), self.queries.collect(
            weight
        )


def merge_attention_states(
    one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]
) -> Tensor:
    """Return what tokens find in two parts together; see ``Part.look``."""
    (found, weight), (more, its_weight) = one, other
    return found.lerp(more, (its_weight - weight).sigmoid().to(found.dtype))


class AttentionView(Protocol):
    """What the tokens of one pass through the model see."""

    def attend(self, layer: int, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return what each token finds.

        Shapes:
            query: (Q, H, D) float32, scaled. keys, values: (Q, heads, D), of the
                tokens themselves.
            returns: (Q, H, D).
        """


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attend as the library calls it: query (1, H, Q, D), result (1, Q, H, D)."""
    view: AttentionView | None = settings.pop("view", None)
    if view is None:
        return _library_attention(module, query, key, value, attention_mask, **settings)
    scale = settings.get("scaling") or query.shape[-1] ** -0.5
    tokens = [one[0].transpose(0, 1) for one in (query.float() * scale, key, value)]
    layer: Any = module.layer_idx
    return view.attend(layer, *tokens)[None].to(query.dtype), None


def _library_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attend as the library does, on a CPU in 32 bit.

    There its gradient takes 1.1 to 5 times as long in 16 bit, most for short rows.
    """
    found: Tensor
    if query.device.type != "cpu" or query.dtype == torch.float32:
        found, _ = sdpa_attention_forward(module, query, key, value, mask, **settings)
        return found, None
    if mask is not None and mask.is_floating_point():
        mask = mask.float()
    with torch.autocast("cpu", enabled=False):
        found, _ = sdpa_attention_forward(
            module, query.float(), key.float(), value.float(), mask, **settings
        )
    return found.to(query.dtype), None


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
