"""Many short items on the same passages, written by us and by others (G1).

`python -m benchmarks.generation`. All arms have the same weights in float32, the same
prompts and the same seeded lengths, so nobody wins by stopping early; that they write
the same tokens is checked.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor

from autolearn.engine.generate import generate
from autolearn.engine.load import Loaded
from autolearn.records import Sampling
from benchmarks.models import built_in, random_model
from benchmarks.side_by_side import alternate, report, rows

MEAN_LENGTH, MOST = 42, 128
"""Tokens of an answer: log-normal, cut."""
BATCH = 16
"""Of the peer that sorts; what performance studies of small CPUs use."""


@dataclass(frozen=True)
class Item:
    """A prompt in token ids and how many tokens are to follow."""

    ids: list[int]
    n_new: int


def items(
    n_passages: int, per_passage: int, n_shared: int, vocabulary: Sequence[int]
) -> list[Item]:
    """Return prompts that share a passage of ``n_shared`` tokens, shuffled."""
    draw = random.Random(0)
    made = []
    for _ in range(n_passages):
        passage = draw.choices(vocabulary, k=n_shared)
        for _ in range(per_passage):
            own = draw.choices(vocabulary, k=draw.randint(8, 48))
            length = round(draw.lognormvariate(3.5, 0.7))
            made.append(Item(passage + own, min(MOST, max(1, length))))
    draw.shuffle(made)
    return made


def ours(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    """Return the texts that the engine writes."""
    prompts = [(item.ids, Sampling(max_new_tokens=item.n_new)) for item in work]
    found = generate(loaded, prompts, lambda: False, stop_ids=frozenset())
    return [one.text for one in found]


def one_by_one(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    """Return the texts of ``generate``, called once for each item."""
    return [text for item in work for text in _generated(loaded, [item])]


def sorted_batches(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    """Return the texts of ``generate`` on padded batches of like length."""
    order = sorted(range(len(work)), key=lambda i: len(work[i].ids) + work[i].n_new)
    texts = [""] * len(work)
    for start in range(0, len(order), BATCH):
        picked = order[start : start + BATCH]
        found = _generated(loaded, [work[i] for i in picked])
        for i, text in zip(picked, found, strict=True):
            texts[i] = text
    return texts


class _Lengths(LogitsProcessor):
    """Ends each row after its own number of tokens, and not before."""

    def __init__(self, n_prompt: int, lengths: Sequence[int], end: int) -> None:
        self.n_prompt, self.lengths, self.end = n_prompt, lengths, end

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        n_written = input_ids.shape[1] - self.n_prompt
        for row, length in enumerate(self.lengths):
            if n_written >= length:
                scores[row] = -torch.inf
                scores[row, self.end] = 0
        return scores


def _generated(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    longest = max(len(item.ids) for item in work)
    pad = loaded.pad_id
    ids = [[pad] * (longest - len(item.ids)) + item.ids for item in work]
    mask = [[0] * (longest - len(i.ids)) + [1] * len(i.ids) for i in work]
    # An end that nobody writes by himself: it stands outside the vocabulary in use.
    end = loaded.model.config.vocab_size - 1
    lengths = [item.n_new for item in work]
    written = loaded.model.generate(
        torch.tensor(ids),
        attention_mask=torch.tensor(mask),
        generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False,
            max_new_tokens=max(lengths),
            eos_token_id=end,
            pad_token_id=pad,
        ),
        logits_processor=[_Lengths(longest, lengths, end)],
    )
    return [
        loaded.chat.decode(row[longest : longest + item.n_new].tolist())
        for row, item in zip(written, work, strict=True)
    ]


def main() -> int:
    """Measure, compare, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.generation")
    parser.add_argument("--model", choices=("built-in", "random"), default="built-in")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--passages", type=int, default=8)
    parser.add_argument("--items", type=int, default=8, help="for each passage")
    parser.add_argument("--repeats", type=int, default=5)
    flags = parser.parse_args()
    dtype = getattr(torch, flags.dtype)
    loaded = built_in(dtype) if flags.model == "built-in" else random_model(dtype)
    work = items(flags.passages, flags.items, 256, range(600, 3000))
    n_new = sum(item.n_new for item in work)
    acts = {"ours": ours, "sorted batches": sorted_batches, "one by one": one_by_one}
    arms = alternate(
        {name: partial(act, loaded, work) for name, act in acts.items()}, flags.repeats
    )
    same = {
        name: sum(a == b for a, b in zip(arm.result, arms["ours"].result, strict=True))
        for name, arm in arms.items()
    }
    lines = rows(arms, "ours", n_new, "tokens")
    lines += [f"the same texts as ours: {same}, of {len(work)}"]
    numbers = {name: arm.seconds for name, arm in arms.items()}
    report(
        f"g1-{flags.model}-{flags.dtype}", lines, {"seconds": numbers, "tokens": n_new}
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
