"""The reference of preference training (DPO): log-probabilities before the round."""

from collections.abc import Sequence
from itertools import chain

import torch

from autolearn.core.ports import Stop
from autolearn.engine.trainer.batches import Example
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.process_group import Processes


class ReferenceLogProbs:
    """Records the log-probabilities of both answers of each pair, once."""

    def __init__(self, forward: Forward):
        self._forward = forward
        self._by_example: dict[Example, tuple[float, float]] = {}

    def prepare(self, pairs: Sequence[Example], stop: Stop) -> bool:
        """Record the values of the share of pairs; return False if ``stop`` did.

        A resumed round records the same values, since its checkpoint is restored
        afterwards.
        """
        for part in self._forward.own_parts(pairs):
            if stop():
                return False
            with torch.no_grad():
                values = self._forward.log_probs([row for e in part for row in e.rows])
            for example, (chosen, rejected) in zip(
                part, values.view(-1, 2).tolist(), strict=True
            ):
                self._by_example[example] = (chosen, rejected)
        return True

    def complete(self, pairs: Sequence[Example], processes: Processes) -> None:
        """Get the values that other processes have recorded."""
        own = [self._by_example.get(pair, (0.0, 0.0)) for pair in pairs]
        values = iter(processes.totals(chain.from_iterable(own)))
        self._by_example.update(
            zip(pairs, zip(values, values, strict=True), strict=True)
        )

    def values(self, pairs: Sequence[Example]) -> list[tuple[float, float]]:
        """Return the values of pairs, which must be prepared: chosen, rejected."""
        return [self._by_example[example] for example in pairs]
