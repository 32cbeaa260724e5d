"""Attention in two segments: over a shared prefix, then over each suffix.

What: a text is a prefix, which its group shares, and its own suffix. All tokens of
a group attend to the prefix in one matrix product, and each token attends to the suffix
of its text. The two partial results are merged by the log-sum-exp of their scores.

Why: this gives the same numbers as attention over one row per text. No keys or values
are copied, and no scores are computed that a mask would discard.

Gain: measured for the whole cache; see ``shared_prefix``.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "shared_prefix"
"""Name under which transformers knows it. Without a view it is the library's sdpa."""


@dataclass(frozen=True)
class PackedQueries:
    """The grid of query tokens: ``width`` cells for each row of keys."""

    rows: int
    width: int
    cells: Tensor | None
    """(Q) int64, the cell of each token; None: tokens fill all cells in order."""

    def spread(self, query: Tensor, heads: int) -> Tensor:
        """Put queries into the grid, with heads of the same key head side by side.

        Shapes:
            query: (Q, H, D). returns: (rows, heads, H / heads, width, D).
        """
        if self.cells is not None:
            grid = query.new_zeros(self.rows * self.width, *query.shape[1:])
            grid[self.cells] = query
            query = grid
        split_heads = query.view(self.rows, self.width, heads, -1, query.shape[-1])
        return split_heads.permute(0, 2, 3, 1, 4)

    def collect(self, results: Tensor) -> Tensor:
        """Take the result of each token out of the grid.

        Shapes:
            results: (rows, heads, H / heads, width, D). returns: (Q, H, D).
        """
        cells = results.movedim(3, 1)
        flat = cells.reshape(self.rows * self.width, -1, results.shape[-1])
        return flat if self.cells is None else flat[self.cells]


@dataclass(frozen=True)
class AttentionSegment:
    """Attention of a grid of queries over rows of keys and values."""

    queries: PackedQueries
    mask: Tensor | None
    """(rows, 1, 1, width or 1, T) float32, added to the scores; None: no mask."""

    def attend(
        self, query: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the output of each token, and the log-sum-exp of its scores.

        Shapes:
            query: (Q, H, D), scaled. keys, values: (rows, heads, T, D).
            returns: (Q, H, D) and (Q, H, 1).
        """
        # (rows, heads, H / heads * width, D): all queries of a key head in one product.
        # Query heads that share a key head are rows of that product, so keys and values
        # are not repeated for each query head.
        grid = self.queries.spread(query, keys.shape[1])
        shape = grid.shape[:-1]
        scores = (grid.flatten(2, 3) @ keys.mT).view(*shape, -1).float()
        if self.mask is not None:
            scores += self.mask
        weights = scores.softmax(dim=-1)
        # weight = e^score / e^logsumexp. The largest one is never zero, so it gives the
        # log-sum-exp without a second pass over the scores.
        log_weight = (
            scores.amax(-1, keepdim=True) - weights.amax(-1, keepdim=True).log()
        )
        outputs = weights.flatten(2, 3).to(values.dtype) @ values
        return self.queries.collect(outputs.view(*shape, -1)), self.queries.collect(
            log_weight
        )


def merge_attention_states(
    first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]
) -> Tensor:
    """Merge the outputs of two segments by their log-sum-exp; see ``attend``."""
    (output, log_weight), (other_output, other_log_weight) = first, second
    # The share of the second segment is e^b / (e^a + e^b) = sigmoid(b - a).
    return output.lerp(
        other_output, (other_log_weight - log_weight).sigmoid().to(output.dtype)
    )


class AttentionView(Protocol):
    """The keys and values that the tokens of one forward pass attend to."""

    def attend(self, layer: int, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return the attention output of each token.

        Shapes:
            query: (Q, H, D) float32, scaled. keys, values: (Q, heads, D), of the tokens
                themselves.
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
    """Attend as transformers calls it: query (1, H, Q, D), result (1, Q, H, D)."""
    # transformers hands unknown keyword arguments of forward down to the attention, so
    # the view needs no change in any model class.
    view: AttentionView | None = settings.pop("view", None)
    # Training and prefix reading pass no view.
    if view is None:
        return _library_attention(module, query, key, value, attention_mask, **settings)
    scale = settings.get("scaling") or query.shape[-1] ** -0.5
    tokens = [
        states[0].transpose(0, 1) for states in (query.float() * scale, key, value)
    ]
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
    """Call the library's attention, in float32 on a CPU.

    There the gradient takes 1.1 to 5 times as long in 16 bit, most for short rows.
    Sixty steps of a round on four texts took 13.2 s instead of 15.6.
    """
    output: Tensor
    if query.device.type != "cpu" or query.dtype == torch.float32:
        output, _ = sdpa_attention_forward(module, query, key, value, mask, **settings)
        return output, None
    if mask is not None and mask.is_floating_point():
        mask = mask.float()
    with torch.autocast("cpu", enabled=False):
        output, _ = sdpa_attention_forward(
            module, query.float(), key.float(), value.float(), mask, **settings
        )
    return output.to(query.dtype), None


# transformers chooses the mask function by the same name.
AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
