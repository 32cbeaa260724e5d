"""The learning rate of a round, and early stopping.

What: once validation is good enough, the rate falls to zero within two epochs, and the
round ends.

Why: further epochs move the model away from its base without need. Stopping at once
would leave the noise of steps at a high rate in the weights.
"""

from autolearn.core.settings import TrainSettings

COOL_DOWN_EPOCHS = 2
"""Epochs in which the learning rate falls to zero once validation is good enough."""


class LRSchedule:
    """The number of steps and the learning rate of a round.

    Until validation is good enough, the rate does not depend on where the round will
    end. A resumed round therefore repeats the same rates.
    """

    def __init__(self, settings: TrainSettings, steps_per_epoch: int):
        self.steps_per_epoch = steps_per_epoch
        self._n_planned_steps = settings.steps(steps_per_epoch)
        self._warm_up = settings.warmup_steps
        self._peak = settings.peak_rate
        self.learned_at: int | None = None
        """The step after which validation was good enough; None before."""

    @property
    def n_steps(self) -> int:
        """Return the number of optimiser steps of the round, as far as it is known."""
        if self.learned_at is None:
            return self._n_planned_steps
        n_cool_down = COOL_DOWN_EPOCHS * self.steps_per_epoch
        return min(self._n_planned_steps, self.learned_at + n_cool_down)

    def rate(self, step: int) -> float:
        """Return the learning rate: linear warm-up, then linear decay to zero.

        Once validation is good enough, the rate falls to zero at the new, earlier end.
        """
        if self.learned_at is not None and step > self.learned_at:
            remaining = (self.n_steps - step) / (self.n_steps - self.learned_at)
            # Continue from the rate at that step, so the curve has no jump.
            return self._planned_rate(self.learned_at) * remaining
        return self._planned_rate(step)

    def _planned_rate(self, step: int) -> float:
        # The first step already has a rate above zero.
        warm_up = (step + 1) / (self._warm_up + 1)
        decay = (self._n_planned_steps - step) / max(
            1, self._n_planned_steps - self._warm_up
        )
        return self._peak * min(1.0, warm_up, decay)
