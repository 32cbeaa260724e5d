"""Keys and values of prefixes that many prompts share, kept between passes.

What: the common prefix of a set of prompts is found in their ids, read once, and reused
for all later prompts that begin with it or with a part of it.

Why: worked examples precede every passage. Without this they would be read again for
each passage.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from autolearn.engine.prefix_plan import common_prefix_length
from autolearn.models.memory import KEPT_TOKENS

Pair = tuple[Tensor, Tensor]
"""Keys and values of a layer, (B, heads, T, D)."""

LEAST = 32
"""Shortest prefix, in tokens, that is read in a separate pass."""


class PrefixCache:
    """Keys and values of some prefixes, for the model with its present adapter.

    At most ``KEPT_TOKENS`` tokens, which the memory estimate counts.
    """

    def __init__(self) -> None:
        self._states: OrderedDict[tuple[int, ...], list[Pair]] = OrderedDict()

    def clear(self) -> None:
        """Drop all prefixes, since the weights have changed."""
        self._states.clear()

    def longest(self, ids: Sequence[int]) -> tuple[int, list[Pair]]:
        """Return how many of the first ids are cached, with their keys and values.

        Shapes:
            returns: a pair for each layer, each (1, heads, n, D); none for n = 0.
        """
        n, key = max(
            ((common_prefix_length(prefix, ids), prefix) for prefix in self._states),
            default=(0, ()),
        )
        # A short prefix costs less to read again than to look after.
        if n < LEAST:
            return 0, []
        self._states.move_to_end(key)  # least recently used first
        return n, [
            (keys[:, :, :n], values[:, :, :n]) for keys, values in self._states[key]
        ]

    def keep(self, ids: Sequence[int], layers: list[Pair]) -> None:
        """Store the keys and values of a prefix, (1, heads, len(ids), D) each.

        The least recently used ones are dropped if there is no room.
        """
        self._states[tuple(ids)] = layers
        while sum(map(len, self._states)) > KEPT_TOKENS:
            self._states.popitem(last=False)


def common_prefix(prefixes: Sequence[Sequence[int]]) -> Sequence[int]:
    """Return the ids that all sequences begin with, without the last of each."""
    n = min(len(prefix) for prefix in prefixes) - 1
    n_common = min(
        (common_prefix_length(a, b) for a, b in pairwise(prefixes)), default=n
    )
    return prefixes[0][: max(0, min(n, n_common))]
