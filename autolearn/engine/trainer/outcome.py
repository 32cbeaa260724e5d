"""How a round ended."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """How a round ended; see ports.TrainOutcome."""

    n_steps: int
    finished: bool
    dropped: list[int] = field(default_factory=list)
    scores: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
