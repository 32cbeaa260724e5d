"""Compare predicted and measured memory of a run, and correct later predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autolearn.models.memory import Memory

NUMBERS = (
    "memory_predicted",
    "memory_measured",
    "memory_loaded_predicted",
    "memory_loaded_measured",
    "memory_at_work_predicted",
)
"""Names of the metrics that a run stores, in bytes."""
_PLAUSIBLE = 0.25, 4.0
"""Range of the correction factor for the memory of the work."""


@dataclass(frozen=True)
class Correction:
    """How to correct estimates, learned from an earlier run."""

    n_loaded: int = 0
    """Bytes that the loaded model used beyond the prediction."""
    at_work: float = 1.0
    """Measured memory of the work, relative to the prediction."""

    def apply(self, estimate: Memory) -> Memory:
        """Return the corrected estimate."""
        return replace(
            estimate,
            libraries=max(0, estimate.libraries + self.n_loaded),
            activations=round(estimate.activations * self.at_work),
            logits=round(estimate.logits * self.at_work),
            cache=round(estimate.cache * self.at_work),
        )

    def total(self, metrics: Mapping[str, float]) -> float:
        """Return the corrected total of the estimate in the metrics of a run."""
        total, work = metrics["memory_predicted"], metrics["memory_at_work_predicted"]
        return total + self.n_loaded + (self.at_work - 1) * work


def numbers(estimate: Memory, baseline: int, peak: int) -> dict[str, float]:
    """Return prediction and measurement as metrics of a run, in bytes.

    Args:
        estimate: The prediction.
        baseline: Bytes in use before the work, with the model loaded.
        peak: Most bytes in use.
    """
    values = (estimate.total, peak, estimate.n_loaded, baseline, estimate.at_work)
    return dict(zip(NUMBERS, values, strict=True))


def correction(metrics: Mapping[str, float]) -> Correction:
    """Return the correction that the metrics of a run imply; none without metrics."""
    if not metrics:
        return Correction()
    total, peak, loaded_estimate, baseline, work_estimate = (
        metrics[name] for name in NUMBERS
    )
    permanent = total - loaded_estimate - work_estimate
    factor = (peak - baseline - permanent) / max(1, work_estimate)
    low, high = _PLAUSIBLE
    return Correction(round(baseline - loaded_estimate), min(high, max(low, factor)))
