"""Read many prompts into the model, what they have in common only once.

The prompts of one passage begin with that passage: reading it once for all of them
saves most of the work. What is shared is found in the token ids, so that nobody has
to say it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from autolearn.engine.load import Loaded

BATCH_SIZE = 64
"""Most prompts worked on together."""
BATCH_TOKENS = 65_536
"""Most tokens, prompts and answers with their padding, that a batch may come to."""
_WORTH = 0.5
"""Share of a prompt that it must have in common with its neighbour to be grouped."""


@dataclass(frozen=True)
class Slot:
    """A prompt in a batch; those of one group begin with the same ``n_shared`` ids."""

    index: int
    ids: list[int]
    group: int
    n_shared: int


def batches(prompts: Sequence[list[int]], n_new: Sequence[int]) -> Iterator[list[Slot]]:
    """Yield the prompts in batches, groups together, like lengths together.

    ``n_new``: how many tokens each prompt may be continued by.
    """
    batch: list[Slot] = []
    longest = 0
    for slot in _slots(prompts):
        length = len(slot.ids) + n_new[slot.index]
        longest = max(longest, length)
        full = len(batch) == BATCH_SIZE or longest * (len(batch) + 1) > BATCH_TOKENS
        if batch and full:
            yield batch
            batch, longest = [], length
        batch.append(slot)
    if batch:
        yield batch


def _slots(prompts: Sequence[list[int]]) -> list[Slot]:
    """Return the prompts by group, the group with the longest prompt first."""
    groups: list[list[int]] = []
    shared: list[int] = []
    # In alphabetical order, those that begin alike stand side by side.
    for index in sorted(range(len(prompts)), key=prompts.__getitem__):
        ids = prompts[index]
        common = _common(prompts[groups[-1][-1]], ids) if groups else 0
        if common and common >= _WORTH * len(ids):
            groups[-1].append(index)
            shared[-1] = min(shared[-1], common)
        else:
            groups.append([index])
            # The last id is never shared: what follows it is asked for.
            shared.append(len(ids) - 1)
    slots = [
        Slot(index, prompts[index], group, min(n_shared, len(prompts[index]) - 1))
        for group, (indices, n_shared) in enumerate(zip(groups, shared, strict=True))
        for index in indices
    ]
    longest = [max(len(prompts[index]) for index in indices) for indices in groups]
    return sorted(slots, key=lambda slot: (-longest[slot.group], slot.group))


def _common(one: list[int], other: list[int]) -> int:
    """Return how many ids both begin with, the last of neither counted."""
    n = 0
    for a, b in zip(one[:-1], other[:-1], strict=False):
        if a != b:
            break
        n += 1
    return n


def read(
    loaded: Loaded, batch: list[Slot], cache: DynamicCache
) -> tuple[Tensor, Tensor]:
    """Fill the cache with the prompts; return what may follow them.

    Shapes:
        returns: logits (B, V), and mask (B, T) int64 of what the cache holds.
    """
    mask = torch.zeros(len(batch), 0, dtype=torch.int64, device=loaded.device)
    # Other kinds of layers, such as recurrent ones, do not bear padding in the middle.
    shares = all(type(layer) is DynamicLayer for layer in cache.layers)
    if shares:
        mask = _read_shared(loaded, batch, cache)
    rest = [slot.ids[slot.n_shared if shares else 0 :] for slot in batch]
    ids, own = pad_left(rest, loaded.pad_id, loaded.device)
    mask = torch.cat([mask, own], dim=1)
    return follow(loaded, ids, mask, cache), mask


def _read_shared(loaded: Loaded, batch: list[Slot], cache: DynamicCache) -> Tensor:
    """Read the beginning of each group once, then lay it out for each of its prompts.

    Shapes:
        returns: mask (B, P) int64 of what the cache holds.
    """
    groups = {slot.group: slot for slot in batch}
    beginnings = [slot.ids[: slot.n_shared] for slot in groups.values()]
    ids, mask = pad_left(beginnings, loaded.pad_id, loaded.device)
    if ids.shape[1] == 0:
        return mask.expand(len(batch), 0)
    follow(loaded, ids, mask, cache)
    row = {group: i for i, group in enumerate(groups)}
    index = torch.tensor([row[slot.group] for slot in batch], device=loaded.device)
    cache.batch_select_indices(index)
    return mask[index]


def follow(loaded: Loaded, ids: Tensor, mask: Tensor, cache: DynamicCache) -> Tensor:
    """Read on from what the cache holds; return what may follow the last id.

    Shapes:
        ids: (B, S) int64, the new ones. mask: (B, T) int64, all of them.
        returns: (B, V).
    """
    logits: Tensor = loaded.model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions(mask)[:, -ids.shape[1] :],
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits
    return logits[:, -1]


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
    size = (len(rows), longest)
    return (
        torch.tensor(ids, dtype=torch.int64, device=device).view(size),
        torch.tensor(mask, dtype=torch.int64, device=device).view(size),
    )


def positions(mask: Tensor) -> Tensor:
    """Return the place of each token in its own row, padding not counted.

    Shapes:
        mask: (B, T) int64.
        returns: (B, T) int64.
    """
    return (mask.cumsum(dim=1) - 1).clamp(min=0)
