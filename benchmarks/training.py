"""Train eight tasks on each passage, as trees and as padded rows (T2).

`python -m benchmarks.training`. Both arms have the same model in float32, the same
adapter and the same items. Their gradients are compared.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from autolearn.core.settings import TrainSettings
from autolearn.engine import adapters
from autolearn.engine.load import LoadedModel
from autolearn.engine.trainer.batches import Example, Row, collate, micro_batches
from autolearn.engine.trainer.forward import Forward
from benchmarks.models import NAMES, named
from benchmarks.side_by_side import alternate, report, rows

QUESTION, ANSWER = 20, 40
"""Tokens of a task after its passage, and of its answer."""


def examples(n_passages: int, per_passage: int, n_shared: int) -> list[Example]:
    """Return items that share a passage of ``n_shared`` tokens."""
    draw = random.Random(0)
    words = range(600, 3000)
    result = []
    for _ in range(n_passages):
        passage = draw.choices(words, k=n_shared)
        for _ in range(per_passage):
            prompt = passage + draw.choices(words, k=QUESTION)
            ids = prompt + draw.choices(words, k=ANSWER)
            result.append(Example("sft", Row(ids, len(prompt)), None, 1.0))
    draw.shuffle(result)
    return result


def gradients(
    lm: LoadedModel, work: Sequence[Example], token_cost: int
) -> list[Tensor]:
    """Return the gradient of the adapter for one step on all items."""
    parameters = [p for p in lm.model.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.grad = None
    forward = Forward(lm)
    forward.token_cost = token_cost
    for part in forward.parts(work):
        log_probs = forward.log_probs([example.chosen for example in part])
        loss = -log_probs.sum() / len(work)
        loss.backward()  # type: ignore[no-untyped-call]
    return [p.grad.clone() for p in parameters if p.grad is not None]


def main() -> int:
    """Measure, compare, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.training")
    parser.add_argument("--model", choices=NAMES, default="built-in")
    parser.add_argument("--layers", type=int, default=32, help="of the large model")
    parser.add_argument("--passages", type=int, default=4)
    parser.add_argument("--items", type=int, default=8, help="for each passage")
    parser.add_argument("--shared", type=int, default=600, help="tokens of a passage")
    parser.add_argument("--repeats", type=int, default=5)
    flags = parser.parse_args()
    model = named(flags.model, torch.float32, flags.layers)
    adapters.attach_new(model, TrainSettings())
    _stir(model)
    work = examples(flags.passages, flags.items, flags.shared)
    arms = alternate(
        {
            "ours: trees": partial(gradients, model, work, model.token_cost),
            "padded rows": partial(gradients, model, work, 0),
        },
        flags.repeats,
    )
    trees, reference = (arm.result for arm in arms.values())
    largest = max(float(p.abs().max()) for p in reference)
    difference = (
        max(float((a - b).abs().max()) for a, b in zip(trees, reference, strict=True))
        / largest
    )
    n_tokens = sum(len(example.chosen.ids) for example in work)
    n_columns = sum(
        collate([e.chosen for e in part], 0, model.device, model.token_cost).ids.numel()
        for part in micro_batches(work, model.token_cost)
    )
    lines = rows(arms, "ours: trees", n_tokens, "tokens")
    lines.append(f"{n_tokens} tokens of rows, {n_columns} columns of trees")
    lines.append(
        f"largest difference of gradients, of the largest one: {difference:.1e}"
    )
    numbers = {"seconds": {name: arm.seconds for name, arm in arms.items()}}
    report(f"t2-{flags.model}", lines, {**numbers, "difference": difference})
    return 0


def _stir(lm: LoadedModel) -> None:
    """Give the adapter random weights; a new one has zero gradients in A."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in lm.model.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.02)


if __name__ == "__main__":
    sys.exit(main())
