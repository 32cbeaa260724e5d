"""Read how likely the model holds each of a few words to be, without decoding.

The words share their first tokens up to a fork; there one look at the next token
tells between the branches. Two words have one fork, so one short forward decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import DynamicCache

from autolearn.engine.load import Loaded, memory_guard
from autolearn.engine.prefix import batches, read
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
    prompts = [fork.ids for _, fork in forks]
    for batch in batches(prompts, [0] * len(prompts)):
        with memory_guard(), torch.inference_mode():
            cache = DynamicCache(config=loaded.model.config)
            logits, _ = read(loaded, batch, cache)
        for slot, row in zip(batch, logits.float(), strict=True):
            case, fork = forks[slot.index]
            shares = row[list(fork.branches)].softmax(dim=0).tolist()
            for share, labels in zip(shares, fork.branches.values(), strict=True):
                for label in labels:
                    result[case][label] *= share
    return [tuple(row) for row in result]


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
