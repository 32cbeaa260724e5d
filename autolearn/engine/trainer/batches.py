"""Make training items into rows of token ids and rows into batches, in a fixed order.

The order is a pure function of seed and epoch, so a resumed round sees what the
undisturbed one would have seen, with nothing to remember but the step.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import torch
from torch import Tensor

from autolearn.core.records import ItemKind, TrainItem
from autolearn.engine.chat import ChatFormat
from autolearn.engine.prefix_plan import PrefixTree, groups, lay_out
from autolearn.models.memory import AT_ONCE

WINDOW = 8
"""Batches among which items that begin alike, or are as long, are brought together."""
_TOGETHER, _GAIN = 16, 0.7
"""Most rows in a tree, and what joining one may cost; see ``prefix_plan.groups``.
Trees of unequal width are padded, which eats up small savings."""

_PASS = 256
"""Columns that cost as much as one more pass through the model: a round whose replay
reads texts, which are longer than questions, took a tenth less time with these cuts."""

FIRST, LAST = 1, 0
"""First and last member of a column that belongs to none."""


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
    """Answers that go through the model together; what rows share stands there once.

    Shapes:
        ids, places: (B, T) int64. first, last: (B, T) int64, the members of each tree
        that a column belongs to, (1, 0) for padding. kept: (K) int64, the columns after
        which a token of an answer stands. row, column: (N) int64, for each token of an
        answer its row and the place in ``kept``. targets, owner: (N) int64, the token
        and the number of its answer.
    """

    ids: Tensor
    places: Tensor
    first: Tensor
    last: Tensor
    kept: Tensor
    row: Tensor
    column: Tensor
    targets: Tensor
    owner: Tensor
    n_answers: int
    is_plain: bool
    """Each row is one text, so that a usual mask does."""


def collate(
    rows: Sequence[Row], pad_id: int, device: torch.device, price: int = 0
) -> Batch:
    """Return answers as a batch, as trees where cheaper; see ``prefix_plan.groups``.

    ``price`` 0 is for a kind of model that takes each row for one text.

    All rows end at the last column: the answers, which stand at the end, are then under
    each other, and logits are needed for few columns.
    """
    found = _trees([row.ids for row in rows], price)
    longest = max(len(tree.ids) for tree in found)
    wanted = [
        (b, longest - len(tree.ids) + path[place - 1], row.ids[place], member)
        for b, tree in enumerate(found)
        for member, path in zip(tree.members, tree.paths, strict=True)
        for row in [rows[member]]
        for place in range(row.n_prompt, len(row.ids))
    ]

    row, column, targets, owner = torch.tensor(wanted, device=device).unbind(dim=1)
    kept, column = torch.unique(column, return_inverse=True)
    ids, places, first, last = side_by_side(found, pad_id, device)
    return Batch(
        ids=ids,
        places=places,
        first=first,
        last=last,
        kept=kept,
        row=row,
        column=column,
        targets=targets,
        owner=owner,
        n_answers=len(rows),
        is_plain=len(found) == len(rows),
    )


def side_by_side(
    trees: Sequence[PrefixTree], pad_id: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return ids, places, first and last of trees that all end at the same column.

    Shapes:
        returns: (B, T) int64 each.
    """
    longest = max(len(tree.ids) for tree in trees)

    def padded(rows: Sequence[list[int]], value: int) -> Tensor:
        full = [[value] * (longest - len(row)) + row for row in rows]
        return torch.tensor(full, dtype=torch.int64, device=device)

    return (
        padded([tree.ids for tree in trees], pad_id),
        padded([tree.places for tree in trees], 0),
        padded([tree.first for tree in trees], FIRST),
        padded([tree.last for tree in trees], LAST),
    )


def _grouped(rows: Sequence[list[int]], price: int) -> Iterator[list[int]]:
    return groups(rows, _TOGETHER if price else 1, price, _GAIN)


def _trees(rows: Sequence[list[int]], price: int) -> list[PrefixTree]:
    """Return rows as trees, their members numbered as the rows are."""
    found = []
    for group in _grouped(rows, price):
        tree = lay_out([rows[i] for i in group])
        found.append(replace(tree, members=[group[i] for i in tree.members]))
    return found


def micro_batches(
    examples: Sequence[Example], price: int = 0, at_once: int = AT_ONCE
) -> Iterator[list[Example]]:
    """Yield the examples of a step in parts of so many tokens, padding included.

    The largest part comes first. An item that is longer is a part of its own.
    """
    prompts = [example.chosen.ids for example in examples]
    found = []
    for group in _grouped(prompts, price):
        members = [examples[i] for i in group]
        trees = _trees([row.ids for e in members for row in e.rows], price)
        found.append((max(len(tree.ids) for tree in trees), len(trees), members))
    found.sort(key=lambda one: -one[0])
    for first, last in _cuts([one[:2] for one in found], at_once):
        yield [example for *_, members in found[first:last] for example in members]


def _cuts(trees: Sequence[tuple[int, int]], at_once: int) -> list[tuple[int, int]]:
    """Return where to cut trees, the widest first, so that the least is computed.

    ``trees``: width and number of each group of them. Together they are padded to the
    widest, apart each part costs ``_PASS`` more.
    """
    costs, begins = [0], [0]
    for end in range(1, len(trees) + 1):
        ways: list[tuple[int, int]] = []
        n_rows = 0
        for begin in reversed(range(end)):
            width, n = trees[begin]
            n_rows += n
            if n_rows * width > at_once and ways:
                break
            ways.append((costs[begin] + n_rows * width + _PASS, begin))
        cost, begin = min(ways)
        costs.append(cost)
        begins.append(begin)
    cuts, end = [], len(trees)
    while end:
        cuts.append((begins[end], end))
        end = begins[end]
    return cuts[::-1]


class Schedule:
    """Which examples each optimiser step takes; every epoch takes each one once."""

    def __init__(
        self,
        examples: Sequence[list[int]],
        batch_size: int,
        seed: int,
        price: int = 0,
        window: int = WINDOW,
    ):
        """Order examples, given in token ids, as ``seed`` says; see ``collate``."""
        self._keys = _like(examples, price)
        self._batch_size = batch_size
        self._window = window
        self._seed = seed
        self.steps_per_epoch = ceil(len(examples) / batch_size)
        self._epoch = lru_cache(maxsize=1)(self._make_epoch)

    def batch(self, step: int) -> list[int]:
        """Return the positions of the examples of a step, counted from 0."""
        epoch, i = divmod(step, self.steps_per_epoch)
        return self._epoch(epoch)[i]

    def _make_epoch(self, epoch: int) -> list[list[int]]:
        """Shuffle, bring the like together within a window, cut, shuffle again."""
        chance = random.Random(f"{self._seed} {epoch}")
        order = list(range(len(self._keys)))
        chance.shuffle(order)
        window = self._window * self._batch_size
        order = [
            i
            for start in range(0, len(order), window)
            for i in sorted(order[start : start + window], key=self._keys.__getitem__)
        ]
        size = self._batch_size
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        chance.shuffle(batches)
        return batches


def _like(examples: Sequence[list[int]], price: int) -> list[tuple[int, int]]:
    """Return keys by which those that begin alike, then those of like length, meet."""
    keys = [(0, 0)] * len(examples)
    for number, group in enumerate(_grouped(examples, price)):
        longest = max(len(examples[i]) for i in group)
        for i in group:
            keys[i] = (longest, number)
    return keys
