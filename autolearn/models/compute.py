"""Estimate how fast a CPU trains and runs a model, from one short measurement.

The estimate is for models without a measured run. The work on a CPU is mostly matrix
products, so their number and the speed of one product give the time. Nothing here loads
torch: the products of NumPy are as fast as those of torch (90 billion operations per
second with one thread of an AMD EPYC with AVX2, torch 88).
"""

import time
from functools import lru_cache
from math import prod

import numpy as np

from autolearn.models.shape import ModelShape

_ROWS, _SIDE, _TRIES = 256, 512, 40
"""The product that is timed: 134 million operations. The best time of several tries
counts, since other programs may use the processor in between."""
EFFICIENCY = 0.6
"""Share of that speed which training reaches. The rest of the time goes into the
operations between the products; see docs/lab-notes.md."""
GENERATION_EFFICIENCY = 0.4
"""Share of that speed which generation in batches reaches; see docs/lab-notes.md."""


@lru_cache(maxsize=1)
def speed() -> float:
    """Return the speed of float32 products in operations per second, measured once."""
    rows = np.ones((_ROWS, _SIDE), dtype=np.float32)
    weight = np.ones((_SIDE, _SIDE), dtype=np.float32)
    best = float("inf")
    for _ in range(_TRIES):
        started_at = time.perf_counter()
        rows @ weight
        best = min(best, time.perf_counter() - started_at)
    return 2 * _ROWS * _SIDE * _SIDE / best


def operations(
    shape: ModelShape, rank: int, width: float, learned_share: float
) -> float:
    """Return the number of operations of a training step, per token.

    A weight of the base multiplies twice: in the forward pass and for the gradient of
    its input. A weight of the adapter also needs its own gradient. The output layer
    runs only on learned tokens.

    Args:
        shape: The sizes of the model.
        rank: The rank of the adapter.
        width: Tokens of an item, which attend to each other.
        learned_share: Share of the tokens that are learned, 0..1.
    """
    base = sum(map(prod, shape.linear)) + shape.experts
    adapter = rank * sum(map(sum, shape.linear))
    head = learned_share * shape.vocabulary * shape.hidden_size
    attention = 2 * width * shape.hidden_size * shape.layers
    return 4 * (base + head) + 6 * (adapter + attention)


def tokens_per_second(
    shape: ModelShape, rank: int, width: float, learned_share: float
) -> float:
    """Return roughly how many tokens per second a CPU trains in 32 bit.

    It holds for weights that are not quantised. See ``operations`` for the arguments.
    """
    return EFFICIENCY * speed() / operations(shape, rank, width, learned_share)


def generation_seconds(shape: ModelShape, n_read: int, n_written: int) -> float:
    """Return roughly how long a CPU takes to read and write these tokens.

    It holds for weights that are not quantised, and for texts in batches. The output
    layer runs only on tokens that are written.
    """
    base = sum(map(prod, shape.linear)) + shape.experts
    head = shape.vocabulary * shape.hidden_size
    n_operations = 2 * (base * (n_read + n_written) + head * n_written)
    return n_operations / (GENERATION_EFFICIENCY * speed())
