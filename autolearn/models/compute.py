"""How fast a computer trains a model, told from sizes and one short measurement.

For what no round has shown yet. A training on a CPU is products of matrices for the
most part, so their number and the speed of a product tell its time. Nothing here loads
torch: NumPy's products reach the speed of torch's (90 billion operations a second with
one thread of an AMD EPYC with AVX2, torch 88).
"""

import time
from functools import lru_cache
from math import prod

import numpy as np

from autolearn.models.shape import ModelShape

_ROWS, _SIDE, _TRIES = 256, 512, 40
"""The product that is measured: 134 million operations. The best of its times counts,
since other programs may take the processor in between."""
EFFICIENCY = 0.6
"""Share of that speed which a training reaches. The rest goes into what stands between
the products: see docs/lab-notes.md."""


@lru_cache(maxsize=1)
def speed() -> float:
    """Return the operations a second of products in 32 bit, measured once: 0.1 s."""
    one = np.ones((_ROWS, _SIDE), dtype=np.float32)
    other = np.ones((_SIDE, _SIDE), dtype=np.float32)
    best = float("inf")
    for _ in range(_TRIES):
        begun = time.perf_counter()
        one @ other
        best = min(best, time.perf_counter() - begun)
    return 2 * _ROWS * _SIDE * _SIDE / best


def operations(seen: ModelShape, rank: int, width: float, learned: float) -> float:
    """Return the operations of a training step for each token of it.

    A weight of the base multiplies twice: forward, and for the gradient of its input.
    One of the adapter has a gradient of its own as well. The head sees only tokens
    that are learned.

    Args:
        seen: The sizes of the model.
        rank: The rank of the adapter.
        width: Tokens of an item, which look at one another.
        learned: Share of the tokens that are learned, 0..1.
    """
    base = sum(map(prod, seen.linear))
    adapter = rank * sum(map(sum, seen.linear))
    head = learned * seen.vocabulary * seen.hidden
    attention = 2 * width * seen.hidden * seen.layers
    return 4 * (base + head) + 6 * (adapter + attention)


def tokens_per_second(
    seen: ModelShape, rank: int, width: float, learned: float
) -> float:
    """Return how many tokens a second a CPU trains in 32 bit, about.

    Where the weights are at hand, not packed; see ``operations`` for the arguments.
    """
    return EFFICIENCY * speed() / operations(seen, rank, width, learned)
