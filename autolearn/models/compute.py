"""Estimate how fast a CPU trains and runs a model, from one short measurement.

The estimate is for models without a measured run. The work on a CPU is mostly matrix
products, so their number and the speed of one product give the time. Nothing here loads
torch: the products of NumPy are as fast as those of torch.
"""

import time
from functools import lru_cache
from math import prod

import numpy as np
import psutil

from autolearn.models.shape import ModelShape

_SIDE, _TRIES = 64, 200
"""The product that is timed: so small that libraries compute it in one thread. Several
threads wait for each other while other programs use the processor, such as a training,
and then seem up to thirty times slower. The best time of several tries counts."""
_LAYER_SECONDS = 1.5e-3
"""How long a layer takes for the next token of a few texts: its many small operations
begin one after the other, and its weights are read."""
EFFICIENCY = 0.6
"""Share of that speed which training reaches. The rest of the time goes into the
operations between the products; see docs/lab-notes.md."""
GENERATION_EFFICIENCY = 0.4
"""Share of that speed which generation in batches reaches; see docs/lab-notes.md."""


@lru_cache(maxsize=1)
def speed() -> float:
    """Return the speed of float32 products in operations per second, measured once.

    It is that of one thread times the physical cores: 188 billion on two cores, where
    large products reached 187 billion with both threads.
    """
    square = np.ones((_SIDE, _SIDE), dtype=np.float32)
    product = np.empty_like(square)
    best = float("inf")
    for _ in range(_TRIES):
        started_at = time.perf_counter()
        np.matmul(square, square, out=product)
        best = min(best, time.perf_counter() - started_at)
    cores = psutil.cpu_count(logical=False) or 1
    return cores * 2 * _SIDE**3 / best


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


def sequence_seconds(shape: ModelShape, n_written: int) -> float:
    """Return roughly how long a CPU takes to write this many tokens one by one.

    However few texts are written at once, each token waits for the one before it.
    """
    return n_written * shape.layers * _LAYER_SECONDS
