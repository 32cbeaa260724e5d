"""Read how likely the model holds each of a few words to be, without decoding.

The words share their first tokens up to a fork; there one look at the next token
tells between the branches. Two words have one fork, so one short forward decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autolearn.engine import forest
from autolearn.engine.generate import BATCH_SIZE, BATCH_TOKENS, TOGETHER
from autolearn.engine.load import Loaded, memory_guard
from autolearn.engine.plan import Queue
from autolearn.errors import BackendError


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
    """
    forks = [
        (case, fork)
        for case, labels in enumerate(continuations)
        for fork in _forks(labels, list(range(len(labels))))
    ]
    result = [[1.0] * len(labels) for labels in continuations]
    for index, logits in _after(loaded, [fork.ids for _, fork in forks]):
        case, fork = forks[index]
        _weigh(result[case], fork, logits)
    return [tuple(row) for row in result]


def _after(
    loaded: Loaded, prompts: Sequence[list[int]]
) -> Iterator[tuple[int, Tensor]]:
    """Yield each prompt, by its place, with what may follow it: (V) float32."""
    kind = forest.kind(loaded)
    together = TOGETHER if kind.shares else 1
    waiting = Queue(prompts, [1] * len(prompts), together)
    while waiting:
        groups = waiting.take(BATCH_SIZE, BATCH_TOKENS)
        members = [i for group in groups for i in group.members]
        with memory_guard(), torch.inference_mode():
            read = kind(loaded)
            read.add(groups, prompts)
            found = read.follow([prompts[i][-1] for i in members]).float()
        yield from zip(members, found, strict=True)


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
