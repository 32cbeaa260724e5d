"""Confidence intervals and tests for shares and their changes."""

from collections.abc import Callable
from math import comb, sqrt

_Z = 1.959964
"""Standard deviations on either side of the mean that cover 95 %."""
LEAST_CHANGED = 6
"""Fewest changed answers, all in one direction, whose p-value is below 0.05."""


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share; 0..1 without questions."""
    if not n:
        return 0.0, 1.0
    share, z2 = right / n, _Z * _Z
    middle = share + z2 / (2 * n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    whole = 1 + z2 / n
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def paired(newly_right: int, newly_wrong: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a change of share over the same questions.

    Source: Agresti and Min 2005, who add half a question to each of the four cells.
    """
    up, down, size = newly_right + 0.5, newly_wrong + 0.5, n + 2
    change = (up - down) / size
    half = _Z * sqrt(up + down - (up - down) ** 2 / size) / size
    return max(-1.0, change - half), min(1.0, change + half)


def mcnemar(newly_right: int, newly_wrong: int) -> float:
    """Return the exact two-sided p-value of McNemar's test."""
    n, few = newly_right + newly_wrong, min(newly_right, newly_wrong)
    tail = sum(comb(n, i) for i in range(few + 1)) / int(2**n)
    return min(1.0, 2 * tail)


def auc(value: float, n_right: int, n_wrong: int) -> tuple[float, float]:
    """Return the 95 % interval of an AUC; 0..1 without answers.

    It holds the areas from which ``value`` is no more than 1.96 of their standard
    deviations away, so an AUC of 1 has a width too, as Wilson's interval of a share.
    Source: method 5 of Newcombe 2006 (Statistics in Medicine 25:559-573), with the
    variance of Hanley and McNeil 1982 for two groups of their mean size.
    """
    if not n_right or not n_wrong:
        return 0.0, 1.0

    def is_outside(area: float) -> bool:
        spread = area * (1 - area) / (n_right * n_wrong)
        pairs = (1 - area) / (2 - area) + area / (1 + area)
        variance = spread * (1 + ((n_right + n_wrong) / 2 - 1) * pairs)
        return abs(area - value) > _Z * sqrt(variance)

    return _border(is_outside, 0.0, value), _border(is_outside, 1.0, value)


def _border(
    is_outside: Callable[[float], bool], outside: float, inside: float
) -> float:
    """Return where an interval ends between two places, by bisection."""
    for _ in range(50):
        middle = (outside + inside) / 2
        if is_outside(middle):
            outside = middle
        else:
            inside = middle
    return inside
