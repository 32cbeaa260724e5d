"""Shares of successes, each with what was promised."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class TaskScore:
    """A share of successes with a name, and what it should be."""

    name: str
    n_right: int
    n: int
    target: float | None = None
    """Share to reach, 0..1; None where nothing was promised."""
    at_most: bool = False
    """The target is a ceiling."""

    @property
    def share(self) -> float:
        """The share of successes."""
        return self.n_right / max(1, self.n)

    @property
    def reached(self) -> bool | None:
        """Whether the share is what it should be; None without a target."""
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
    counted = list(outcomes)
    return TaskScore(name, sum(counted), len(counted), target, at_most)
