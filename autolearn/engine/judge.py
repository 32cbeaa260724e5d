"""Read how likely the model holds each of a few words to be, without decoding.

The words share their first tokens up to a fork; there one look at the next token
tells between the branches. Two words have one fork, so one short forward decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from autolearn.engine.generate import BATCH_SIZE, BATCH_TOKENS, pad_left, positions
from autolearn.engine.load import Loaded, memory_guard
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
    for batch in _batches(forks):
        for (case, fork), row in zip(batch, _look(loaded, batch), strict=True):
            for share, labels in zip(row, fork.branches.values(), strict=True):
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


def _batches(forks: list[tuple[int, _Fork]]) -> Iterator[list[tuple[int, _Fork]]]:
    forks = sorted(forks, key=lambda item: len(item[1].ids), reverse=True)
    while forks:
        longest = len(forks[0][1].ids)
        size = max(1, min(BATCH_SIZE, BATCH_TOKENS // longest))
        yield forks[:size]
        forks = forks[size:]


def _look(loaded: Loaded, batch: list[tuple[int, _Fork]]) -> list[list[float]]:
    """Return, for each fork, how the next token spreads over its branches."""
    rows = [fork.ids for _, fork in batch]
    ids, mask = pad_left(rows, loaded.pad_id, loaded.device)
    with memory_guard(), torch.inference_mode():
        logits = loaded.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions(mask),
            use_cache=False,
            logits_to_keep=1,
        ).logits[:, -1]
    return [
        row[list(fork.branches)].float().softmax(dim=0).tolist()
        for row, (_, fork) in zip(logits, batch, strict=True)
    ]
