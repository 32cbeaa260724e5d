"""Intervals and tests for arms of an experiment that were asked the same questions.

An arm is a matrix of outcomes: a row for each seed, a column for each question, 1 if
the answer was right. Questions and seeds are resampled together (Owen 2007), so an
interval covers other questions and other seeds.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autolearn.evaluation import statistics

Outcomes = NDArray[np.float64]
"""Shape: (seeds, questions)."""

DRAWS = 4000
_CHUNK = 500
_LEVELS = (2.5, 97.5)


def share(outcomes: Outcomes, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the share of right answers.

    If all draws are equal, as those of right answers alone, they say nothing about
    other questions: then that of Wilson.
    """
    n = outcomes.shape[1]
    draws = _means(outcomes, *_questions(n, seed))
    if _are_equal(draws):
        return statistics.wilson(round(n * float(outcomes.mean())), n)
    return _interval(draws)


def difference(a: Outcomes, b: Outcomes) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the share of ``a`` less that of ``b``.

    Both are drawn on the same questions; seeds are drawn for each separately. If all
    draws are equal: the interval of Agresti and Min.
    """
    counts, rng = _questions(a.shape[1])
    draws = _means(a, counts, rng) - _means(b, counts, rng)
    if _are_equal(draws):
        change = a.mean(axis=0) - b.mean(axis=0)
        n_up, n_down = int((change > 0).sum()), int((change < 0).sum())
        return statistics.paired(n_up, n_down, len(change))
    return _interval(draws)


def sign_flip(a: Outcomes, b: Outcomes) -> float:
    """Return the two-sided p-value that two arms answer equally well.

    A permutation test: were the arms equal, each question's difference (of the means
    over seeds) could as well have the other sign. With few differing questions all
    signs are tried.
    """
    differences = a.mean(axis=0) - b.mean(axis=0)
    differences = differences[differences != 0]
    n = len(differences)
    if n == 0:
        return 1.0
    threshold = abs(differences.sum()) - 1e-9
    if 2**n <= DRAWS:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float((abs(signs @ differences) >= threshold).mean())
    rng = np.random.default_rng(0)
    extreme = 0
    for _ in range(0, DRAWS, _CHUNK):
        signs = rng.choice((-1.0, 1.0), size=(_CHUNK, n))
        extreme += int((abs(signs @ differences) >= threshold).sum())
    return (extreme + 1) / (DRAWS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted_p_values = [1.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted_p_values[i] = highest
    return adjusted_p_values


def _questions(
    n: int, seed: int = 0
) -> tuple[NDArray[np.float64], np.random.Generator]:
    """Return how often each draw has each question, and the generator for seeds."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS)
    return counts.astype(np.float64) / n, rng


def _means(
    outcomes: Outcomes, counts: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the share of right answers in each draw of questions and seeds."""
    n_seeds = outcomes.shape[0]
    by_seed = counts @ outcomes.T
    if n_seeds == 1:
        return by_seed[:, 0]
    weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=DRAWS)
    means: NDArray[np.float64] = (by_seed * weights).sum(axis=1) / n_seeds
    return means


def _are_equal(draws: NDArray[np.float64]) -> bool:
    """Return whether draws differ by no more than rounding."""
    return float(draws.max() - draws.min()) < 1e-9


def _interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(draws, _LEVELS)
    return float(low), float(high)
