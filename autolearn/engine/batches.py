"""Make training items into rows of token ids and rows into batches, in a fixed order.

The order is a pure function of seed and epoch, so a resumed round sees what the
undisturbed one would have seen, with nothing to remember but the step.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import torch
from torch import Tensor

from autolearn.engine.chat import ChatFormat
from autolearn.records import ItemKind, TrainItem

IGNORED = -100
"""The target where no loss is taken."""

_MICRO_TOKENS = 8192
"""Most tokens, padding included, that go through the model at once."""
_WINDOW = 8
"""Batches among which items of like length are brought together."""


@dataclass(frozen=True)
class Row:
    """One text as the model sees it; the loss is on what follows the prompt."""

    ids: list[int]
    n_prompt: int

    @property
    def n_answer(self) -> int:
        """Return the number of tokens on which loss is taken."""
        return len(self.ids) - self.n_prompt


@dataclass(frozen=True, eq=False)
class Example:
    """A training item in token ids."""

    kind: ItemKind
    chosen: Row
    rejected: Row | None
    weight: float

    @property
    def rows(self) -> list[Row]:
        """Return what goes through the model."""
        return [self.chosen] if self.rejected is None else [self.chosen, self.rejected]

    @property
    def length(self) -> int:
        """Return the number of tokens of its longest row."""
        return max(len(row.ids) for row in self.rows)


def encode(item: TrainItem, chat: ChatFormat) -> Example:
    """Return the item in token ids; the loss includes the end of the answer's turn.

    All tokens of a raw text are learned, but the first, which nothing stands before.
    """
    if item.kind == "text":
        return Example("text", Row(chat.raw(item.chosen), 1), None, item.weight)
    prompt = chat.prompt(item.chat)
    chosen = _answered(prompt, item.chosen, chat)
    rejected = None
    if item.kind == "dpo" and item.rejected is not None:
        rejected = _answered(prompt, item.rejected, chat)
    return Example(item.kind, chosen, rejected, item.weight)


def _answered(prompt: list[int], answer: str, chat: ChatFormat) -> Row:
    # An empty answer teaches silence; it counts as nothing to learn.
    ids = chat.answer(answer) if answer.strip() else []
    return Row(prompt + ids, len(prompt))


def is_learnable(example: Example, max_tokens: int) -> bool:
    """Return whether the example is short enough and every answer has a token."""
    if example.kind == "dpo" and example.rejected is None:
        return False
    answered = all(row.n_answer > 0 for row in example.rows)
    return answered and example.length <= max_tokens


@dataclass(frozen=True)
class Batch:
    """Rows that go through the model together.

    Shapes:
        ids, mask, places: (B, T) int64.
        targets: (B, K) int64, the last K tokens; IGNORED outside the answers.
    """

    ids: Tensor
    mask: Tensor
    places: Tensor
    targets: Tensor


def collate(rows: Sequence[Row], pad_id: int, device: torch.device) -> Batch:
    """Return a batch in which all answers end at the same place.

    Padding on the left puts the answers under each other: logits are then needed for
    the last few places only, and the model's own forward can leave out the others.
    """
    ids, mask = pad_left([row.ids for row in rows], pad_id, device)
    longest = max(row.n_answer for row in rows)
    n_answer = torch.tensor([row.n_answer for row in rows], device=device)
    from_end = torch.arange(longest, 0, -1, device=device)
    in_answer = from_end <= n_answer[:, None]
    targets = ids[:, -longest:].masked_fill(~in_answer, IGNORED)
    return Batch(ids, mask, positions(mask), targets)


def pad_left(
    rows: Sequence[list[int]], pad_id: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return ids and attention mask of rows that all end at the same place.

    Shapes:
        returns: (B, T) int64 each.
    """
    longest = max(len(row) for row in rows)
    ids = [[pad_id] * (longest - len(row)) + row for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def positions(mask: Tensor) -> Tensor:
    """Return the place of each token in its own row, padding not counted.

    Shapes:
        mask: (B, T) int64.
        returns: (B, T) int64.
    """
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


def micro_batches(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Yield the examples of a step in parts that fit the device."""
    part: list[Example] = []
    n_rows = 0
    for example in sorted(examples, key=lambda e: e.length, reverse=True):
        n_rows += len(example.rows)
        if part and n_rows * part[0].length > _MICRO_TOKENS:
            yield part
            part, n_rows = [], len(example.rows)
        part.append(example)
    if part:
        yield part


class Schedule:
    """Which examples each optimiser step takes; every epoch takes each one once."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int):
        self._lengths = lengths
        self._batch_size = batch_size
        self._seed = seed
        self.steps_per_epoch = ceil(len(lengths) / batch_size)
        self._epoch = lru_cache(maxsize=1)(self._make_epoch)

    def batch(self, step: int) -> list[int]:
        """Return the positions of the examples of a step, counted from 0."""
        epoch, i = divmod(step, self.steps_per_epoch)
        return self._epoch(epoch)[i]

    def _make_epoch(self, epoch: int) -> list[list[int]]:
        """Shuffle, bring like lengths together within a window, cut, shuffle again."""
        chance = random.Random(f"{self._seed} {epoch}")
        order = list(range(len(self._lengths)))
        chance.shuffle(order)
        window = _WINDOW * self._batch_size
        order = [
            i
            for start in range(0, len(order), window)
            for i in sorted(
                order[start : start + window], key=self._lengths.__getitem__
            )
        ]
        size = self._batch_size
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        chance.shuffle(batches)
        return batches
