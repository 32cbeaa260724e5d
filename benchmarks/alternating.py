"""Check that generation between trainings leaves the gradients unchanged (T4).

`python -m benchmarks.alternating`: three rounds of generation and training on packed
4-bit weights, and the same trainings without generation. Both begin with the same
adapter. After each round the gradients of all its weights are compared.
"""

import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.engine import adapters, load
from autolearn.engine.load import LoadedModel
from autolearn.engine.trainer.batches import Example
from autolearn.models.files import BUILT_IN
from benchmarks.generation import PASSAGE, PER_PASSAGE, WORDS, items, ours
from benchmarks.models import keep_packed
from benchmarks.side_by_side import report
from benchmarks.training import examples, gradients

ROUNDS, RATE = 3, 0.05


def trained(lm: LoadedModel, work: Sequence[Example], *, writes: bool) -> list[Tensor]:
    """Return the gradients of each round, one after the other."""
    adapters.attach_new(lm, TrainSettings())
    parameters = [p for p in lm.model.parameters() if p.requires_grad]
    prompts = items(1, PER_PASSAGE, PASSAGE, WORDS)
    rounds: list[Tensor] = []
    for _ in range(ROUNDS):
        if writes:
            ours(lm, prompts)
        gradient_list = gradients(lm, work, lm.token_cost)
        rounds.append(torch.cat([gradient.flatten() for gradient in gradient_list]))
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradient_list, strict=True):
                parameter -= RATE * gradient
    adapters.detach(lm)
    return rounds


def main() -> int:
    """Compare, and print a table; fail if a gradient differs."""
    keep_packed()  # only packed weights are at risk
    work = examples(2, 4, 128)
    writing = trained(load.load(ModelSettings(), BUILT_IN), work, writes=True)
    twin = trained(load.load(ModelSettings(), BUILT_IN), work, writes=False)
    differences = [
        float((a - b).abs().max() / b.abs().max())
        for a, b in zip(writing, twin, strict=True)
    ]
    counts = [int((gradient != 0).sum()) for gradient in twin]
    lines = [f"{'round':>6}{'gradients that are not 0':>26}{'largest difference':>20}"]
    lines += [
        f"{n:6}{count:26}{difference:20.1e}"
        for n, (count, difference) in enumerate(
            zip(counts, differences, strict=True), start=1
        )
    ]
    report("t4", lines, {"difference": differences, "gradients": counts})
    return int(max(differences) > 0)


if __name__ == "__main__":
    torch.manual_seed(0)
    sys.exit(main())
