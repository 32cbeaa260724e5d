"""Read how likely the model holds each of a few words to be, without decoding.

The words share their first tokens up to a fork; there one look at the next token
tells between the branches. Two words have one fork, so one short forward decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Sampling
from autolearn.engine.decoding.generate import BatchDecoder, DecodedText
from autolearn.engine.load import Loaded

_LOOK = Sampling(max_new_tokens=1)


@dataclass(frozen=True)
class _Fork:
    """A place where continuations part."""

    ids: list[int]
    branches: dict[int, list[int]]
    """Next token -> the labels that go on with it."""


def probabilities(
    loaded: Loaded, continuations: Sequence[Sequence[list[int]]]
) -> list[tuple[float, ...]]:
    """Return P(label) for every case, summing to 1 over its labels.

    Args:
        loaded: The model.
        continuations: For each case the ids of its prompt with each of its labels.

    Raises:
        OutOfMemory: The device is too small for a single one.
    """
    result = [[1.0] * len(labels) for labels in continuations]
    looker = _Looker(
        loaded,
        {
            DecodedText(fork.ids, _LOOK): (shares, fork)
            for shares, labels in zip(result, continuations, strict=True)
            for fork in _forks(labels, list(range(len(labels))))
        },
    )
    while looker.has_work:
        looker.step()
    return [tuple(shares) for shares in result]


class _Looker(BatchDecoder):
    """Looks at what may follow each text, and writes nothing."""

    def __init__(
        self, loaded: Loaded, forks: Mapping[DecodedText, tuple[list[float], _Fork]]
    ) -> None:
        super().__init__(loaded, list(forks))
        self._forks = forks

    def _go_on(self, texts: Sequence[DecodedText], logits: Tensor) -> None:
        for text, expected in zip(texts, logits, strict=True):
            _weigh(*self._forks[text], expected)
            text.finish = "length"


def _weigh(shares: list[float], fork: _Fork, logits: Tensor) -> None:
    """Give each label its share of what the model expects at a fork."""
    found = logits[list(fork.branches)].softmax(dim=0).tolist()
    for share, labels in zip(found, fork.branches.values(), strict=True):
        for label in labels:
            shares[label] *= share


def _forks(ids: Sequence[list[int]], labels: list[int], depth: int = 0) -> list[_Fork]:
    """Return the forks at which these labels part, the first one first."""
    if len(labels) < 2:
        return []
    while True:
        branches: dict[int, list[int]] = {}
        for label in labels:
            if depth == len(ids[label]):
                raise BackendError(
                    "One label is the beginning of another, so they cannot be told "
                    "apart; use other words."
                )
            branches.setdefault(ids[label][depth], []).append(label)
        if len(branches) > 1:
            break
        depth += 1
    forks = [_Fork(ids[labels[0]][:depth], branches)]
    for branch in branches.values():
        forks += _forks(ids, branch, depth + 1)
    return forks
