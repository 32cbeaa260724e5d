"""How long a round goes on, and how fast it learns on the way."""

from autolearn.core.settings import TrainSettings

COOL_DOWN_EPOCHS = 2
"""How long the learning rate falls to zero once a round has learned enough."""


class LRSchedule:
    """The steps and the learning rate of a round.

    Until it has learned enough, the rate does not depend on where it will end.
    """

    def __init__(self, settings: TrainSettings, steps_per_epoch: int):
        self.steps_per_epoch = steps_per_epoch
        self._planned = settings.steps(steps_per_epoch)
        self._warm_up = settings.warmup_steps
        self._peak = settings.peak_rate
        self.learned_at: int | None = None
        """The step after which validation was answered well enough."""

    @property
    def n_steps(self) -> int:
        """Return how many optimiser steps the round takes, as far as is known."""
        if self.learned_at is None:
            return self._planned
        cooling = COOL_DOWN_EPOCHS * self.steps_per_epoch
        return min(self._planned, self.learned_at + cooling)

    def rate(self, step: int) -> float:
        """Return the learning rate: linear warm-up, then linear decay to zero.

        From where enough is learned it falls to zero at the new, nearer end.
        """
        if self.learned_at is not None and step > self.learned_at:
            left = (self.n_steps - step) / (self.n_steps - self.learned_at)
            return self._planned_rate(self.learned_at) * left
        return self._planned_rate(step)

    def _planned_rate(self, step: int) -> float:
        risen = (step + 1) / (self._warm_up + 1)
        left = (self._planned - step) / max(1, self._planned - self._warm_up)
        return self._peak * min(1.0, risen, left)
