"""Shrink a trained adapter as far as validation allows.

What: after training, the adapter is measured at several scales. The smallest one that
answers validation as well as the best is kept.

Why: a slightly smaller adapter forgets much less and loses little. Choosing the scale
costs no training. The measurements are in docs/lab-notes.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.nn import Parameter

SCALES = (1.0, 0.9, 0.8)
"""Scales that are tried, the trained one first."""

TOLERANCE = 0.05
"""Share of validation that may be lost, by a smaller adapter or since the best
checkpoint. Of a few dozen answers, one or two are chance."""
LEAST_CONFIDENCE = 0.75
"""Confidence that a smaller adapter must keep, relative to the best one.
A few dozen validation answers alone do not show what is about to be lost.
"""


@dataclass(frozen=True)
class ScaleMeasurement:
    """Measurements at one scale; None if there are no items to measure."""

    scale: float
    validation: float | None
    """Share of validation answered exactly, 0..1."""
    confidence: float | None
    """Mean probability of the answers of validation, 0..1."""


def choose_scale(
    parameters: Mapping[str, Parameter],
    scales: Sequence[float],
    measure: Callable[[float], ScaleMeasurement],
    drift: Callable[[], float | None],
) -> dict[str, Any]:
    """Try the scales, leave the adapter at the best, and return what a round keeps.

    Only B is scaled, so the saved adapter is like any other.

    Args:
        parameters: The parameters of the adapter, by name.
        scales: The scales to try, the trained one first.
        measure: Called with the scale that the adapter has at that time.
        drift: Returns KL(base || round) per answer token of the drift probe, in nats.
            It is called at the best scale alone, since it decides nothing and takes
            as long as several steps.
    """
    # The update is B A, so scaling B alone scales it.
    b_matrices = [p for name, p in parameters.items() if "lora_B" in name]
    # Scales are applied to the originals, so rounding does not accumulate.
    originals = [matrix.detach().clone() for matrix in b_matrices]

    def resize(scale: float) -> None:
        with torch.no_grad():
            for matrix, original in zip(b_matrices, originals, strict=True):
                matrix.copy_(original * scale)

    measurements = []
    for scale in scales:
        resize(scale)
        measurements.append(measure(scale))
    best = smallest_sufficient(measurements)
    resize(best.scale)
    return {
        "scale": best.scale,
        "validation": best.validation,
        "forgetting_kl": drift(),
        "scales": [asdict(m) for m in measurements],
    }


def smallest_sufficient(measurements: Sequence[ScaleMeasurement]) -> ScaleMeasurement:
    """Return the smallest scale whose validation and confidence match the best.

    Without validation answers, return the first.
    """
    best_share = max(m.validation or 0.0 for m in measurements)
    if not best_share:
        return measurements[0]
    candidates = [
        m for m in measurements if (m.validation or 0.0) >= best_share - TOLERANCE
    ]
    best_confidence = max(m.confidence or 0.0 for m in candidates)
    # Confidence changes smoothly with the scale, the share of exact answers in jumps.
    least = LEAST_CONFIDENCE * best_confidence
    confident = [m for m in candidates if (m.confidence or 0.0) >= least]
    return min(confident, key=lambda m: m.scale)
