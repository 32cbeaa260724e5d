"""What a run took of memory beside what was foretold, and what that teaches."""

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
"""Names of numbers that a run keeps, in bytes."""
_TRUSTED = 0.25, 4.0
"""By how much an estimate of the work may be corrected."""


@dataclass(frozen=True)
class Correction:
    """What an earlier run has taught about these estimates."""

    loaded: int = 0
    """Bytes that the loaded model took more than was foretold."""
    at_work: float = 1.0
    """How many times as much the work took."""

    def apply(self, told: Memory) -> Memory:
        """Return the estimate as it should have been."""
        return replace(
            told,
            libraries=max(0, told.libraries + self.loaded),
            activations=round(told.activations * self.at_work),
            logits=round(told.logits * self.at_work),
            cache=round(told.cache * self.at_work),
        )


def numbers(told: Memory, held: int, peak: int) -> dict[str, float]:
    """Return what was foretold and what was seen, as numbers that a run keeps.

    Args:
        told: The estimate.
        held: Bytes taken before the work began, the model loaded.
        peak: The most bytes taken.
    """
    seen = (told.total, peak, told.loaded, held, told.at_work)
    return dict(zip(NUMBERS, seen, strict=True))


def correction(seen: Mapping[str, float]) -> Correction:
    """Return what the numbers of a run teach; nothing where it kept none."""
    if not seen:
        return Correction()
    total, peak, loaded, held, at_work = (seen[name] for name in NUMBERS)
    lasting = total - loaded - at_work
    factor = (peak - held - lasting) / max(1, at_work)
    low, high = _TRUSTED
    return Correction(round(held - loaded), min(high, max(low, factor)))
