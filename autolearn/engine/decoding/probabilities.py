"""Compute the probability of each of a few labels, without decoding.

What: labels share their first tokens up to a fork. At a fork, the logits of the next
token give the probability of each branch.

Why: two labels have one fork, so a verdict takes one forward pass. Prompts share
prefixes as in generation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Sampling
from autolearn.engine.decoding.generate import BatchDecoder, DecodedText
from autolearn.engine.load import LoadedModel

_ONE_TOKEN = Sampling(max_new_tokens=1)


@dataclass(frozen=True)
class _Fork:
    """A position at which labels differ."""

    ids: list[int]
    branches: dict[int, list[int]]
    """Maps the next token to the labels that continue with it."""


def probabilities(
    lm: LoadedModel, continuations: Sequence[Sequence[list[int]]]
) -> list[tuple[float, ...]]:
    """Return P(label) for each case, summing to 1 over its labels.

    Args:
        lm: The model.
        continuations: For each case, the ids of its prompt with each label.

    Raises:
        BackendError: One label is the beginning of another.
        OutOfMemory: The device cannot hold even a single case.
    """
    result = [[1.0] * len(labels) for labels in continuations]
    scorer = _LabelScorer(
        lm,
        {
            DecodedText(fork.ids, _ONE_TOKEN): (probs, fork)
            for probs, labels in zip(result, continuations, strict=True)
            for fork in _forks(labels, list(range(len(labels))))
        },
    )
    while scorer.has_work:
        scorer.step()
    return [tuple(probs) for probs in result]


class _LabelScorer(BatchDecoder):
    """Reads the logits after each text and generates nothing."""

    def __init__(
        self, lm: LoadedModel, forks: Mapping[DecodedText, tuple[list[float], _Fork]]
    ) -> None:
        super().__init__(lm, list(forks))
        self._forks = forks

    def _append_tokens(self, texts: Sequence[DecodedText], logits: Tensor) -> None:
        for text, next_logits in zip(texts, logits, strict=True):
            _multiply(*self._forks[text], next_logits)
            text.finish = "length"


def _multiply(label_probs: list[float], fork: _Fork, logits: Tensor) -> None:
    """Multiply the probability of each label by that of its branch, in place."""
    probs = logits[list(fork.branches)].softmax(dim=0).tolist()
    for prob, labels in zip(probs, fork.branches.values(), strict=True):
        for label in labels:
            label_probs[label] *= prob


def _forks(ids: Sequence[list[int]], labels: list[int], depth: int = 0) -> list[_Fork]:
    """Return the forks of these labels, the first one first."""
    if len(labels) < 2:
        return []
    while True:
        branches: dict[int, list[int]] = {}
        for label in labels:
            if depth == len(ids[label]):
                raise BackendError(
                    "One label is a prefix of another, so they cannot be "
                    "distinguished; use other words."
                )
            branches.setdefault(ids[label][depth], []).append(label)
        # Positions at which all labels agree need no forward pass.
        if len(branches) > 1:
            break
        depth += 1
    forks = [_Fork(ids[labels[0]][:depth], branches)]
    for branch in branches.values():
        forks += _forks(ids, branch, depth + 1)
    return forks
