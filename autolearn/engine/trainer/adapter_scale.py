"""Shrink a trained adapter as far as what it learned allows.

An adapter at 0.9 of its size has forgotten much less and lost little: a curve that
costs no training, on which validation finds the place (numbers: docs/lab-notes.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.nn import Parameter

SCALES = (1.0, 0.9, 0.8)
"""Sizes that are tried, the trained one first."""

TOLERANCE = 0.05
"""Share of validation that may be lost, by a smaller adapter or since the best
checkpoint: one or two answers of a few dozen are chance."""
AS_SURE = 0.75
"""Share of the best adapter's sureness that a smaller one must have: validation is a
few dozen answers, too few to show by themselves what is about to be lost."""


@dataclass(frozen=True)
class ScaleMeasurement:
    """What an adapter of one size says; None where there is nothing to ask."""

    scale: float
    validation: float | None
    """Share of validation answered exactly, 0..1."""
    confidence: float | None
    """Mean probability of the answers of validation, 0..1."""


def settle(
    parameters: Mapping[str, Parameter],
    scales: Sequence[float],
    measure: Callable[[float], ScaleMeasurement],
    forgotten: Callable[[], float | None],
) -> dict[str, Any]:
    """Try the scales, leave the adapter at the best, and return what a round keeps.

    Scaled is B, so the adapter that is written is like any other.

    Args:
        parameters: Those of the adapter, by their names.
        scales: Those that are tried, the trained one first.
        measure: Given the scale at which the adapter is when it is called.
        forgotten: Returns KL(base || round) per answer token of the gauge, in nats. It
            is asked at the best scale alone: it reads the gauge twice, which takes as
            long as several steps, and decides nothing.
    """
    halves = [p for name, p in parameters.items() if "lora_B" in name]
    trained = [half.detach().clone() for half in halves]

    def resize(scale: float) -> None:
        with torch.no_grad():
            for half, whole in zip(halves, trained, strict=True):
                half.copy_(whole * scale)

    seen = []
    for scale in scales:
        resize(scale)
        seen.append(measure(scale))
    best = chosen(seen)
    resize(best.scale)
    return {
        "scale": best.scale,
        "validation": best.validation,
        "forgetting_kl": forgotten(),
        "scales": [asdict(one) for one in seen],
    }


def chosen(seen: Sequence[ScaleMeasurement]) -> ScaleMeasurement:
    """Return the smallest scale that answers validation as well as the best, as surely.

    Where validation says nothing, it is the first.
    """
    most = max(one.validation or 0.0 for one in seen)
    if not most:
        return seen[0]
    good = [one for one in seen if (one.validation or 0.0) >= most - TOLERANCE]
    surest = max(one.confidence or 0.0 for one in good)
    sure = [one for one in good if (one.confidence or 0.0) >= AS_SURE * surest]
    return min(sure, key=lambda one: one.scale)
