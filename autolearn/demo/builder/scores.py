"""Shares of successes, with their targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class TaskScore:
    """A named share of successes, and its target."""

    name: str
    n_right: int
    n: int
    target: float | None = None
    """The share to reach, 0..1; None without a target."""
    at_most: bool = False
    """Whether the target is an upper limit."""

    @property
    def share(self) -> float:
        """The share of successes."""
        return self.n_right / max(1, self.n)

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        if self.at_most:
            return self.share <= self.target
        return self.share >= self.target

    def __str__(self) -> str:
        error = 100 * sqrt(self.share * (1 - self.share) / max(1, self.n))
        row = f"{self.name:<47}{100 * self.share:6.1f} ± {error:3.1f} % of {self.n:<5}"
        if self.target is None:
            return row.rstrip()
        sign = "≤" if self.at_most else "≥"
        word = "reached" if self.reached else "missed"
        return f"{row} {sign} {100 * self.target:2.0f} %  {word}"


def share(
    name: str,
    outcomes: Iterable[bool],
    target: float | None = None,
    *,
    at_most: bool = False,
) -> TaskScore:
    """Count successes."""
    results = list(outcomes)
    return TaskScore(name, sum(results), len(results), target, at_most)
