"""Write texts with the model, many at once.

A decode loop of our own: rows leave the batch as soon as they are finished, the person
can stop after any token, and what is drawn for one item does not depend on its batch.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from transformers import DynamicCache

from autolearn.engine.load import Loaded, memory_guard
from autolearn.ports import Stop
from autolearn.records import Completion, Sampling

BATCH_SIZE = 64
"""Most rows decoded together."""
BATCH_TOKENS = 65_536
"""Most tokens, prompts and answers with their padding, that a batch may come to."""

Finish = Literal["stop", "length", "cancelled", "overlong"]


@dataclass
class _Row:
    """One text being written."""

    place: int
    ids: list[int]
    sampling: Sampling
    written: list[int] = field(default_factory=list)
    finish: Finish = "cancelled"

    def take(self, token: int, stop_ids: frozenset[int]) -> bool:
        """Add a token; return whether the text is finished."""
        if token in stop_ids:
            self.finish = "stop"
            return True
        self.written.append(token)
        if len(self.written) == self.sampling.max_new_tokens:
            self.finish = "length"
            return True
        return False


def generate(
    loaded: Loaded,
    prompts: Sequence[tuple[list[int], Sampling]],
    stop: Stop,
    progress: Callable[[int], None] | None = None,
    stop_ids: frozenset[int] | None = None,
) -> list[Completion]:
    """Answer every prompt, in the order given.

    A prompt that does not fit the context comes back as ``overlong``; what ``stop``
    cut off, or never let begin, as ``cancelled``.
    """
    stop_ids = loaded.chat.stop_ids if stop_ids is None else stop_ids
    rows = [_Row(i, ids, sampling) for i, (ids, sampling) in enumerate(prompts)]
    fitting: list[_Row] = []
    for row in rows:
        if len(row.ids) + row.sampling.max_new_tokens > loaded.context_length:
            row.finish = "overlong"
        else:
            fitting.append(row)
    n_done = len(rows) - len(fitting)
    for batch in _batches(fitting):
        with memory_guard(), torch.inference_mode():
            for n_finished in _decode(loaded, batch, stop_ids):
                n_done += n_finished
                if n_finished and progress:
                    progress(n_done)
                if stop():
                    return [_completion(loaded, row) for row in rows]
    return [_completion(loaded, row) for row in rows]


def _batches(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Yield rows of like length together, so that little of a batch is padding."""
    batch: list[_Row] = []
    longest = 0
    for row in sorted(rows, key=lambda row: len(row.ids), reverse=True):
        longest = max(longest, len(row.ids) + row.sampling.max_new_tokens)
        full = len(batch) == BATCH_SIZE or longest * (len(batch) + 1) > BATCH_TOKENS
        if batch and full:
            yield batch
            batch, longest = [], len(row.ids) + row.sampling.max_new_tokens
        batch.append(row)
    if batch:
        yield batch


def _decode(
    loaded: Loaded, rows: list[_Row], stop_ids: frozenset[int]
) -> Iterator[int]:
    """Write the rows token by token; yield after each how many were finished by it."""
    device, model = loaded.device, loaded.model
    cache = DynamicCache(config=model.config)
    draw = _Draw.of(rows, device)
    ids, mask = pad_left([row.ids for row in rows], loaded.pad_id, device)
    places = positions(mask)
    while True:
        logits = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=places,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        tokens = draw.pick(logits.float())
        finished = [
            row.take(token, stop_ids)
            for row, token in zip(rows, tokens.tolist(), strict=True)
        ]
        yield sum(finished)
        ids, places = tokens[:, None], places[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        if any(finished):
            kept = [i for i, done in enumerate(finished) if not done]
            if not kept:
                return
            rows = [rows[i] for i in kept]
            index = torch.tensor(kept, device=device)
            cache.batch_select_indices(index)
            ids, places, mask = ids[index], places[index], mask[index]
            draw.keep(index)


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
    """Return the place of each token in its own row.

    Shapes:
        mask: (B, T) int64, zeros only on the left.
        returns: (B, T) int64.
    """
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


@dataclass
class _Draw:
    """Chooses the next token of each row of a batch.

    The random numbers of a row come from its own seed and are drawn beforehand: one
    for each token it may have.
    """

    temperature: Tensor
    top_p: Tensor
    chance: Tensor
    step: int = 0

    @classmethod
    def of(cls, rows: list[_Row], device: torch.device) -> "_Draw":
        longest = max(row.sampling.max_new_tokens for row in rows)
        chance = torch.stack(
            [
                torch.rand(longest, generator=torch.Generator().manual_seed(seed))
                for seed in (row.sampling.seed for row in rows)
            ]
        )
        return cls(
            torch.tensor([row.sampling.temperature for row in rows], device=device),
            torch.tensor([row.sampling.top_p for row in rows], device=device),
            chance.to(device),
        )

    def keep(self, index: Tensor) -> None:
        """Go on with these rows only."""
        self.temperature = self.temperature[index]
        self.top_p = self.top_p[index]
        self.chance = self.chance[index]

    def pick(self, logits: Tensor) -> Tensor:
        """Return the next token of each row.

        Shapes:
            logits: (B, V) float32.
            returns: (B,) int64.
        """
        chance = self.chance[:, self.step]
        self.step += 1
        greedy = logits.argmax(dim=1)
        if not self.temperature.any():
            return greedy
        heat = self.temperature.clamp(min=1e-4)[:, None]
        likely, order = (logits / heat).softmax(dim=1).sort(dim=1, descending=True)
        # The smallest set of tokens whose mass reaches top_p; never an empty one.
        likely[likely.cumsum(dim=1) - likely >= self.top_p[:, None]] = 0
        mass = likely.cumsum(dim=1)
        point = chance[:, None] * mass[:, -1:]
        place = torch.searchsorted(mass, point, right=True).clamp(max=mass.shape[1] - 1)
        drawn = order.gather(1, place)[:, 0]
        return torch.where(self.temperature > 0, drawn, greedy)


def _completion(loaded: Loaded, row: _Row) -> Completion:
    text = loaded.chat.decode(row.written)
    return Completion(text, row.finish, len(row.ids), len(row.written))
