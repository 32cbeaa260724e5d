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
from autolearn.engine.prefix import Slot, batches, follow, read
from autolearn.ports import Stop
from autolearn.records import Completion, Sampling

Finish = Literal["stop", "length", "cancelled", "overlong"]


@dataclass
class _Row:
    """One text being written."""

    ids: list[int]
    sampling: Sampling
    written: list[int] = field(default_factory=list)
    finish: Finish = "cancelled"

    def fits(self, loaded: Loaded) -> bool:
        """Return whether the context holds it; note it as overlong if not."""
        if len(self.ids) + self.sampling.max_new_tokens <= loaded.context_length:
            return True
        self.finish = "overlong"
        return False

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
    rows = [_Row(ids, sampling) for ids, sampling in prompts]
    fitting = [row for row in rows if row.fits(loaded)]
    n_done = len(rows) - len(fitting)
    for batch in batches(
        [row.ids for row in fitting], [row.sampling.max_new_tokens for row in fitting]
    ):
        members = [fitting[slot.index] for slot in batch]
        with memory_guard(), torch.inference_mode():
            for n_finished in _decode(loaded, batch, members, stop_ids):
                n_done += n_finished
                if n_finished and progress:
                    progress(n_done)
                if stop():
                    return [_completion(loaded, row) for row in rows]
    return [_completion(loaded, row) for row in rows]


def stream(
    loaded: Loaded,
    ids: list[int],
    sampling: Sampling,
    stop: Stop,
    hear: Callable[[str], None],
) -> Completion:
    """Answer one prompt; ``hear`` is told after each token what is written so far."""
    row = _Row(ids, sampling)
    if not row.fits(loaded):
        return _completion(loaded, row)
    (batch,) = batches([ids], [sampling.max_new_tokens])
    with memory_guard(), torch.inference_mode():
        for _ in _decode(loaded, batch, [row], loaded.chat.stop_ids):
            hear(loaded.chat.decode(row.written))
            if stop():
                break
    return _completion(loaded, row)


def _decode(
    loaded: Loaded, batch: list[Slot], rows: list[_Row], stop_ids: frozenset[int]
) -> Iterator[int]:
    """Write the rows token by token; yield after each how many were finished by it."""
    draw = _Draw.of(rows, loaded.device)
    cache = DynamicCache(config=loaded.model.config)
    logits, mask = read(loaded, batch, cache)
    while True:
        tokens = draw.pick(logits.float())
        finished = [
            row.take(token, stop_ids)
            for row, token in zip(rows, tokens.tolist(), strict=True)
        ]
        yield sum(finished)
        if all(finished):
            return
        if any(finished):
            kept = [i for i, done in enumerate(finished) if not done]
            rows = [rows[i] for i in kept]
            index = torch.tensor(kept, device=loaded.device)
            cache.batch_select_indices(index)
            tokens, mask = tokens[index], mask[index]
            draw.keep(index)
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        logits = follow(loaded, tokens[:, None], mask, cache)


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
