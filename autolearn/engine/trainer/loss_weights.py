"""How much each item of an optimiser step counts in the loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from autolearn.engine.trainer.batches import Example


@dataclass(frozen=True)
class LossWeights:
    """The weights of the new items of a step.

    The loss of SFT items is a mean over the answer tokens of the step, that of
    preference pairs a mean over the pairs. In a mixed step each kind counts by its
    number of items.
    """

    n_pairs: int
    per_item: float
    """Weight of the preference loss of a pair."""
    per_token: float
    """Weight of an answer token of an SFT item."""
    nll_weight: float
    """Weight of a pair's chosen answer, added to its preference loss."""

    @classmethod
    def of(cls, examples: Sequence[Example], nll_weight: float) -> Self:
        """Return the weights of the items of a whole step, of all processes."""
        plain = [example for example in examples if example.rejected is None]
        n_tokens = sum(example.weight * example.chosen.n_answer for example in plain)
        per_item = 1 / len(examples)
        per_token = per_item * len(plain) / (n_tokens or 1)
        return cls(len(examples) - len(plain), per_item, per_token, nll_weight)

    def of_answer(self, example: Example) -> float:
        """Return the weight of the negative log-probability of the chosen answer."""
        if example.rejected is None:
            return example.weight * self.per_token
        share = self.nll_weight / example.chosen.n_answer
        return example.weight * self.per_item * share
