"""Many short items on the same passages, written by us and by others.

`python -m benchmarks.generation peers` (G1). All arms have the same weights, the same
prompts and the same seeded lengths, so nobody wins by stopping early; how many texts
are the same is told, and in float32 it has to be all of them. What is written one by
one takes turns: each try a share of the items, all tries together each item once.

`--model FOLDER` measures a real model, with `--texts FILE` on real texts: JSON lines
with a `text` and its questions (`qa`), each asked in as many wordings as it takes to
have eight items on a text. What lays weights out for few rows (``packed_linear``) is
dropped before a peer writes, so each of our tries pays for it anew.

`... shares` (G2): what reading a shared beginning once gains, against what the numbers
of tokens say. `... growth`: four times the passages against four times the time.
"""

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor

from autolearn.core.model_calls import Message, Sampling
from autolearn.engine.decoding import generate
from autolearn.engine.load import Loaded
from benchmarks.models import DTYPES, NAMES, as_shipped, named
from benchmarks.side_by_side import Arm, alternate, report, rows

MOST = 128
"""Tokens of an answer at most; their lengths are log-normal, 42 on average."""
PASSAGE, PER_PASSAGE, LONG = 256, 8, 320
"""Tokens of a passage, items on it, and tokens of a prompt where shares are swept."""
WORDS = range(600, 3000)
"""Token ids to draw from."""
ORDERS = (
    "Answer in one sentence.",
    "Answer, then quote the text.",
    "Answer and say why.",
)
"""What is asked for with the questions of real texts."""
BATCH = 16
"""Of the peer that sorts; what performance studies of small CPUs use. 64 on a GPU."""
ALONE = "one by one"
"""The arm that takes turns."""


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


def questions(loaded: Loaded, file: Path, n_texts: int) -> list[Item]:
    """Return questions on the first texts of a file in the model's template, shuffled.

    Lengths are drawn as those of ``items``.
    """
    draw = random.Random(0)
    made = []
    with file.open(encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, n_texts)):
            asked = cycle(product(ORDERS, (one["question"] for one in row["qa"])))
            for order, question in islice(asked, PER_PASSAGE):
                said = f"Text:\n{row['text']}\n\nQuestion: {question}\n{order}"
                ids = loaded.chat.prompt((Message("user", said),))
                length = round(draw.lognormvariate(3.5, 0.7))
                made.append(Item(ids, min(MOST, max(1, length))))
    draw.shuffle(made)
    return made


def ours(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    """Return the texts that the engine writes."""
    prompts = [(item.ids, Sampling(max_new_tokens=item.n_new)) for item in work]
    found = generate.generate(loaded, prompts, lambda: False, stop_ids=frozenset())
    return [one.text for one in found]


def one_by_one(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    """Return the texts of ``generate``, called once for each item."""
    with as_shipped(loaded.model):
        return [text for item in work for text in _generated(loaded, [item])]


class InTurn:
    """``one_by_one`` on another share of the items each time it is called.

    What is written alone takes as long whatever is written before or after it, so the
    seconds of a share tell those of all items, and all tries see each item once.
    """

    def __init__(self, loaded: Loaded, work: Sequence[Item], tries: int) -> None:
        self._loaded = loaded
        self._shares = [work[i::tries] for i in range(tries)]
        self._texts: list[list[str]] = []
        self._n_all = sum(item.n_new for item in work)

    def __call__(self) -> None:
        """Write the next share."""
        share = self._shares[len(self._texts)]
        self._texts.append(one_by_one(self._loaded, share))

    def whole(self, arm: Arm) -> Arm:
        """Return the arm as if each try had written all items."""
        n_written = [sum(item.n_new for item in share) for share in self._shares]
        seconds = [
            self._n_all / n * each
            for n, each in zip(n_written, arm.seconds, strict=True)
        ]
        texts = [""] * sum(map(len, self._texts))
        for i, share in enumerate(self._texts):
            texts[i :: len(self._texts)] = share
        return replace(arm, seconds=seconds, result=texts)


def sorted_batches(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    """Return the texts of ``generate`` on padded batches of like length."""
    order = sorted(range(len(work)), key=lambda i: len(work[i].ids) + work[i].n_new)
    texts = [""] * len(work)
    size = 4 * BATCH if loaded.device.type == "cuda" else BATCH
    for start in range(0, len(order), size):
        picked = order[start : start + size]
        with as_shipped(loaded.model):
            found = _generated(loaded, [work[i] for i in picked])
        for i, text in zip(picked, found, strict=True):
            texts[i] = text
    return texts


def continuous_batches(loaded: Loaded, work: Sequence[Item]) -> list[str]:
    """Return the texts of the library's continuous batching, made for large GPUs."""
    loaded.packed.drop()
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, eos_token_id=_end(loaded), pad_token_id=loaded.pad_id
    )
    texts = [""] * len(work)
    batching = loaded.model.continuous_batching_context_manager(config)
    with as_shipped(loaded.model), batching as manager:
        for i, item in enumerate(work):
            manager.add_request(item.ids, str(i), max_new_tokens=item.n_new)
        for _ in work:
            made = manager.get_result()
            texts[int(made.request_id)] = loaded.chat.decode(made.generated_tokens)
    return texts


def _end(loaded: Loaded) -> int:
    """Return an end that nobody writes by himself: no word of the vocabulary in use."""
    return int(loaded.model.config.vocab_size - 1)


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
    loaded.packed.drop()
    longest = max(len(item.ids) for item in work)
    pad = loaded.pad_id
    ids = [[pad] * (longest - len(item.ids)) + item.ids for item in work]
    mask = [[0] * (longest - len(i.ids)) + [1] * len(i.ids) for i in work]
    end = _end(loaded)
    lengths = [item.n_new for item in work]
    written = loaded.model.generate(
        torch.tensor(ids, device=loaded.device),
        attention_mask=torch.tensor(mask, device=loaded.device),
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


def peers(loaded: Loaded, flags: argparse.Namespace) -> None:
    """Measure us and the library's own loop, and compare what they write (G1)."""
    if flags.texts:
        work = questions(loaded, flags.texts, flags.passages)
    else:
        work = items(flags.passages, PER_PASSAGE, PASSAGE, WORDS)
    n_new = sum(item.n_new for item in work)
    acts = {"ours": ours, "sorted batches": sorted_batches}
    if flags.continuous:
        acts["continuous batching"] = continuous_batches
    for act in acts.values():
        act(loaded, work[:2])
    turns: dict[str, Callable[[], Any]] = {
        name: partial(act, loaded, work) for name, act in acts.items()
    }
    clock = time.process_time if flags.cpu_seconds else time.perf_counter
    if not flags.batches_only:
        one_by_one(loaded, work[:2])
        alone = InTurn(loaded, work, flags.repeats)
        turns[ALONE] = alone
    arms = alternate(turns, flags.repeats, warm_up=False, clock=clock)
    if not flags.batches_only:
        arms[ALONE] = alone.whole(arms[ALONE])
    same = {
        name: sum(a == b for a, b in zip(arm.result, arms["ours"].result, strict=True))
        for name, arm in arms.items()
    }
    lines = rows(arms, "ours", n_new, "tokens")
    if flags.cpu_seconds:
        lines.append("seconds of the processor, on a machine that others used too")
    if ALONE in arms:
        lines.append(
            f"{ALONE}: a share of the items each time, the seconds are for all"
        )
    lines.append(f"the same texts as ours: {same}, of {len(work)}")
    seconds = {name: arm.seconds for name, arm in arms.items()}
    numbers = {"seconds": seconds, "tokens": n_new, "same": same}
    report(f"g1-{Path(flags.model).name}-{flags.dtype}-{len(work)}", lines, numbers)


def shares(loaded: Loaded, flags: argparse.Namespace) -> None:
    """Sweep how much of a prompt is shared; one token is written (G2)."""
    lines = [f"{'shared':>8}{'together':>10}{'apart':>8}{'gain':>7}{'tokens say':>12}"]
    found = []
    for share in (0.0, 0.25, 0.5, 0.75, 0.9):
        n_shared = round(share * LONG)
        draw = random.Random(1)
        work = [
            Item(passage + draw.choices(WORDS, k=LONG - n_shared), 1)
            for _ in range(flags.passages)
            for passage in [draw.choices(WORDS, k=n_shared)]
            for _ in range(PER_PASSAGE)
        ]
        arms = alternate(
            {
                "together": partial(_read, loaded, work, generate.GROUP_SIZE),
                "apart": partial(_read, loaded, work, 1),
            },
            flags.repeats,
        )
        together, apart = (arm.median for arm in arms.values())
        own = LONG - n_shared
        says = PER_PASSAGE * LONG / (n_shared + PER_PASSAGE * own)
        gain = apart / together
        lines.append(f"{share:8.0%}{together:10.2f}{apart:8.2f}{gain:7.2f}{says:12.2f}")
        found.append({"share": share, "gain": gain, "tokens": says})
    report(f"g2-{Path(flags.model).name}-{flags.dtype}", lines, {"shares": found})


def _read(loaded: Loaded, work: Sequence[Item], together: int) -> list[str]:
    usual, generate.GROUP_SIZE = generate.GROUP_SIZE, together
    try:
        return ours(loaded, work)
    finally:
        generate.GROUP_SIZE = usual


def growth(loaded: Loaded, flags: argparse.Namespace) -> None:
    """Do the same for four times as many passages."""
    few, many = (
        items(n * flags.passages, PER_PASSAGE, PASSAGE, WORDS) for n in (4, 16)
    )
    peaks = [_peak_after(loaded, work) for work in (few, many)]
    arms = alternate(
        {
            "few": partial(ours, loaded, few),
            "four times as many": partial(ours, loaded, many),
        },
        flags.repeats,
        warm_up=False,
    )
    n_few, n_many = (sum(item.n_new for item in work) for work in (few, many))
    first, second = arms.values()
    slower = second.median / n_many / (first.median / n_few)
    lines = [
        f"{len(few)} items: {first.median:.2f} s, {n_few / first.median:.0f} tokens/s",
        f"{len(many)} items: {second.median:.2f} s, "
        f"{n_many / second.median:.0f} tokens/s",
        f"time for a token: {slower:.2f} times",
        "most memory of the process so far: "
        f"{peaks[0]} MiB after the few, {peaks[1]} after the many",
    ]
    numbers = {name: arm.seconds for name, arm in arms.items()}
    found = {"seconds": numbers, "peaks": peaks}
    report(f"growth-{Path(flags.model).name}-{flags.dtype}", lines, found)


def _peak_after(loaded: Loaded, work: Sequence[Item]) -> int:
    """Return the most MiB that the process, or its GPU, has taken with this work."""
    ours(loaded, work)
    if loaded.device.type == "cuda":
        return torch.cuda.max_memory_allocated() >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main() -> int:
    """Measure, compare, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.generation")
    what = {"peers": peers, "shares": shares, "growth": growth}
    parser.add_argument("what", choices=what)
    parser.add_argument(
        "--model", default=NAMES[0], help=f"{', '.join(NAMES)}, or a model's folder"
    )
    parser.add_argument("--texts", type=Path, help="texts with questions, for peers")
    parser.add_argument(
        "--batches-only", action="store_true", help="leave out writing one by one"
    )
    parser.add_argument("--layers", type=int, default=32, help="of the large model")
    parser.add_argument("--dtype", choices=DTYPES, default=DTYPES[0])
    parser.add_argument("--passages", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--continuous", action="store_true", help="also that peer, slow on a CPU"
    )
    parser.add_argument(
        "--cpu-seconds",
        action="store_true",
        help="of the processor instead of the clock, for peers; with OMP_NUM_THREADS=1",
    )
    flags = parser.parse_args()
    loaded = named(flags.model, getattr(torch, flags.dtype), flags.layers)
    flags.dtype = loaded.identity.dtype
    what[flags.what](loaded, flags)
    return 0


if __name__ == "__main__":
    sys.exit(main())
