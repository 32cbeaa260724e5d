"""Compare the engine with other libraries on many short prompts about shared passages.

`python -m benchmarks.generation peers` (G1). All arms have the same weights, prompts
and seeded lengths, so none gains by stopping early. The number of equal texts is
reported; in float32 it must be all of them. The one-by-one arm generates another share
of the prompts in each repeat, and all prompts over all repeats.

`--model FOLDER` measures a real model, with `--texts FILE` on real texts: JSON Lines
with a `text` and its questions (`qa`). Each question is asked in as many wordings as
needed for eight prompts per text. Packed weights (``packed_linear``) are dropped before
a peer runs, so each run of ours includes packing.

`... shares` (G2): the gain from reading a shared prefix once, compared with what the
token counts predict. `... growth`: the time for four times as many passages.
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
from autolearn.engine.load import LoadedModel
from benchmarks.models import DTYPES, NAMES, as_shipped, named
from benchmarks.side_by_side import Arm, alternate, report, rows

MOST = 128
"""Most tokens of an answer; lengths are log-normal, 42 on average."""
PASSAGE, PER_PASSAGE, LONG = 256, 8, 320
"""Tokens of a passage, prompts per passage, and tokens of a prompt in ``shares``."""
WORDS = range(600, 3000)
"""Token ids to draw from."""
ORDERS = (
    "Answer in one sentence.",
    "Answer, then quote the text.",
    "Answer and say why.",
)
"""Instructions that are added to the questions of real texts."""
BATCH = 16
"""Batch size of the arm with sorted batches, common in CPU studies; 64 on a GPU."""
ALONE = "one by one"
"""The arm that generates another share in each repeat."""


@dataclass(frozen=True)
class Item:
    """A prompt in token ids, and the number of tokens to generate."""

    ids: list[int]
    n_new: int


def items(
    n_passages: int, per_passage: int, n_shared: int, vocabulary: Sequence[int]
) -> list[Item]:
    """Return prompts that share a passage of ``n_shared`` tokens, shuffled."""
    draw = random.Random(0)
    prompts = []
    for _ in range(n_passages):
        passage = draw.choices(vocabulary, k=n_shared)
        for _ in range(per_passage):
            own = draw.choices(vocabulary, k=draw.randint(8, 48))
            length = round(draw.lognormvariate(3.5, 0.7))
            prompts.append(Item(passage + own, min(MOST, max(1, length))))
    draw.shuffle(prompts)
    return prompts


def questions(lm: LoadedModel, file: Path, n_texts: int) -> list[Item]:
    """Return shuffled questions about the first texts of a file, in the chat template.

    Lengths are drawn as in ``items``.
    """
    draw = random.Random(0)
    prompts = []
    with file.open(encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, n_texts)):
            pairs = cycle(product(ORDERS, (entry["question"] for entry in row["qa"])))
            for order, question in islice(pairs, PER_PASSAGE):
                text = f"Text:\n{row['text']}\n\nQuestion: {question}\n{order}"
                ids = lm.chat.prompt((Message("user", text),))
                length = round(draw.lognormvariate(3.5, 0.7))
                prompts.append(Item(ids, min(MOST, max(1, length))))
    draw.shuffle(prompts)
    return prompts


def ours(lm: LoadedModel, work: Sequence[Item]) -> list[str]:
    """Return the texts that the engine generates."""
    texts = [
        generate.DecodedText(item.ids, Sampling(max_new_tokens=item.n_new))
        for item in work
    ]
    completions = generate.generate(lm, texts, lambda: False, stop_ids=frozenset())
    return [completion.text for completion in completions]


def one_by_one(lm: LoadedModel, work: Sequence[Item]) -> list[str]:
    """Return the texts of ``generate``, called once for each item."""
    with as_shipped(lm.model):
        return [text for item in work for text in _generated(lm, [item])]


class InTurn:
    """``one_by_one`` on another share of the prompts at each call.

    One-by-one generation takes the same time in any order. The time of a share thus
    gives that of all prompts, and each prompt is generated once.
    """

    def __init__(self, lm: LoadedModel, work: Sequence[Item], tries: int) -> None:
        self._lm = lm
        self._shares = [work[i::tries] for i in range(tries)]
        self._texts: list[list[str]] = []
        self._n_all = sum(item.n_new for item in work)

    def __call__(self) -> None:
        """Generate the next share."""
        share = self._shares[len(self._texts)]
        self._texts.append(one_by_one(self._lm, share))

    def whole(self, arm: Arm) -> Arm:
        """Return the arm as if each repeat had generated all prompts."""
        n_written = [sum(item.n_new for item in share) for share in self._shares]
        seconds = [
            self._n_all / n * s for n, s in zip(n_written, arm.seconds, strict=True)
        ]
        texts = [""] * sum(map(len, self._texts))
        for i, share in enumerate(self._texts):
            texts[i :: len(self._texts)] = share
        return replace(arm, seconds=seconds, result=texts)


def sorted_batches(lm: LoadedModel, work: Sequence[Item]) -> list[str]:
    """Return the texts of ``generate`` on padded batches sorted by length."""
    order = sorted(range(len(work)), key=lambda i: len(work[i].ids) + work[i].n_new)
    texts = [""] * len(work)
    size = 4 * BATCH if lm.device.type == "cuda" else BATCH
    for start in range(0, len(order), size):
        indices = order[start : start + size]
        with as_shipped(lm.model):
            batch_texts = _generated(lm, [work[i] for i in indices])
        for i, text in zip(indices, batch_texts, strict=True):
            texts[i] = text
    return texts


def continuous_batches(lm: LoadedModel, work: Sequence[Item]) -> list[str]:
    """Return the texts of the library's continuous batching, made for large GPUs."""
    lm.packed_linears.drop()
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, eos_token_id=_end(lm), pad_token_id=lm.pad_id
    )
    texts = [""] * len(work)
    context = lm.model.continuous_batching_context_manager(config)
    with as_shipped(lm.model), context as manager:
        for i, item in enumerate(work):
            manager.add_request(item.ids, str(i), max_new_tokens=item.n_new)
        for _ in work:
            response = manager.get_result()
            texts[int(response.request_id)] = lm.chat.decode(response.generated_tokens)
    return texts


def _end(lm: LoadedModel) -> int:
    """Return an end token that no arm generates by itself."""
    return int(lm.model.config.vocab_size - 1)


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


def _generated(lm: LoadedModel, work: Sequence[Item]) -> list[str]:
    lm.packed_linears.drop()
    longest = max(len(item.ids) for item in work)
    pad = lm.pad_id
    ids = [[pad] * (longest - len(item.ids)) + item.ids for item in work]
    mask = [[0] * (longest - len(i.ids)) + [1] * len(i.ids) for i in work]
    end = _end(lm)
    lengths = [item.n_new for item in work]
    rows_written = lm.model.generate(
        torch.tensor(ids, device=lm.device),
        attention_mask=torch.tensor(mask, device=lm.device),
        generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False,
            max_new_tokens=max(lengths),
            eos_token_id=end,
            pad_token_id=pad,
        ),
        logits_processor=[_Lengths(longest, lengths, end)],
    )
    return [
        lm.chat.decode(row[longest : longest + item.n_new].tolist())
        for row, item in zip(rows_written, work, strict=True)
    ]


def peers(lm: LoadedModel, flags: argparse.Namespace) -> None:
    """Measure the engine and the library's own loop, and compare the texts (G1)."""
    if flags.texts:
        work = questions(lm, flags.texts, flags.passages)
    else:
        work = items(flags.passages, PER_PASSAGE, PASSAGE, WORDS)
    n_new = sum(item.n_new for item in work)
    acts = {"ours": ours, "sorted batches": sorted_batches}
    if flags.continuous:
        acts["continuous batching"] = continuous_batches
    for act in acts.values():
        act(lm, work[:2])
    turns: dict[str, Callable[[], Any]] = {
        name: partial(act, lm, work) for name, act in acts.items()
    }
    clock = time.process_time if flags.cpu_seconds else time.perf_counter
    if not flags.batches_only:
        one_by_one(lm, work[:2])
        alone = InTurn(lm, work, flags.repeats)
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


def shares(lm: LoadedModel, flags: argparse.Namespace) -> None:
    """Vary the shared fraction of the prompts; one token is generated (G2)."""
    lines = [f"{'shared':>8}{'together':>10}{'apart':>8}{'gain':>7}{'tokens say':>12}"]
    results = []
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
                "together": partial(_read, lm, work, generate.GROUP_SIZE),
                "apart": partial(_read, lm, work, 1),
            },
            flags.repeats,
        )
        together, apart = (arm.median for arm in arms.values())
        own = LONG - n_shared
        says = PER_PASSAGE * LONG / (n_shared + PER_PASSAGE * own)
        gain = apart / together
        lines.append(f"{share:8.0%}{together:10.2f}{apart:8.2f}{gain:7.2f}{says:12.2f}")
        results.append({"share": share, "gain": gain, "tokens": says})
    report(f"g2-{Path(flags.model).name}-{flags.dtype}", lines, {"shares": results})


def _read(lm: LoadedModel, work: Sequence[Item], together: int) -> list[str]:
    original, generate.GROUP_SIZE = generate.GROUP_SIZE, together
    try:
        return ours(lm, work)
    finally:
        generate.GROUP_SIZE = original


def growth(lm: LoadedModel, flags: argparse.Namespace) -> None:
    """Compare a run with one of four times as many passages."""
    few, many = (
        items(n * flags.passages, PER_PASSAGE, PASSAGE, WORDS) for n in (4, 16)
    )
    peaks = [_peak_after(lm, work) for work in (few, many)]
    arms = alternate(
        {
            "few": partial(ours, lm, few),
            "four times as many": partial(ours, lm, many),
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
    results = {"seconds": numbers, "peaks": peaks}
    report(f"growth-{Path(flags.model).name}-{flags.dtype}", lines, results)


def _peak_after(lm: LoadedModel, work: Sequence[Item]) -> int:
    """Return the peak memory of the process, or of its GPU, in MiB after this work."""
    ours(lm, work)
    if lm.device.type == "cuda":
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
    model = named(flags.model, getattr(torch, flags.dtype), flags.layers)
    flags.dtype = model.identity.dtype
    what[flags.what](model, flags)
    return 0


if __name__ == "__main__":
    sys.exit(main())
