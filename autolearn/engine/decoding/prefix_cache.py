"""Keys and values of beginnings that many prompts share, kept from pass to pass.

Worked examples stand before every passage, so without this they would be read again for
each. What a set of prompts has in common is found in their ids, read once, and put
before all later ones that begin alike; a part of a kept beginning serves as well.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from autolearn.engine.prefix_plan import common_prefix_length

Pair = tuple[Tensor, Tensor]
"""Keys and values of a layer, (B, heads, T, D)."""

LEAST = 32
"""Tokens from which a beginning is worth a pass of its own."""
MOST = 8
"""Beginnings kept; the one that was not used for longest goes first."""


class PrefixCache:
    """What a model, as it is now, has read of some beginnings."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, ...], list[Pair]] = OrderedDict()

    def clear(self) -> None:
        """Forget everything: the weights are others now."""
        self._kept.clear()

    def longest(self, ids: Sequence[int]) -> tuple[int, list[Pair]]:
        """Return of how many of the first ids keys and values are known, and these.

        Shapes:
            returns: a pair a layer, each (1, heads, n, D); none for n = 0.
        """
        n, key = max(
            ((common_prefix_length(kept, ids), kept) for kept in self._kept),
            default=(0, ()),
        )
        if n < LEAST:
            return 0, []
        self._kept.move_to_end(key)
        return n, [
            (keys[:, :, :n], values[:, :, :n]) for keys, values in self._kept[key]
        ]

    def keep(self, ids: Sequence[int], layers: list[Pair]) -> None:
        """Keep what was read of a beginning, (1, heads, len(ids), D) a layer."""
        self._kept[tuple(ids)] = layers
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)


def common_prefix(prefixes: Sequence[Sequence[int]]) -> Sequence[int]:
    """Return the ids that all sequences begin with, but for the last of each."""
    n = min(len(prefix) for prefix in prefixes) - 1
    shared = min((common_prefix_length(a, b) for a, b in pairwise(prefixes)), default=n)
    return prefixes[0][: max(0, min(n, shared))]
