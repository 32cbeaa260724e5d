"""Writing and training in turn leaves the gradients as they were (T4).

`python -m benchmarks.alternating`: three rounds of writing and training on packed 4-bit
weights, beside a twin that trains alike and never writes. Both begin with the same
adapter; after each round the gradients of all its weights are compared.
"""

import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.engine import adapters, load
from autolearn.engine.load import Loaded
from autolearn.engine.trainer.batches import Example
from autolearn.models.files import BUILT_IN
from benchmarks.generation import PASSAGE, PER_PASSAGE, WORDS, items, ours
from benchmarks.models import keep_packed
from benchmarks.side_by_side import report
from benchmarks.training import examples, gradients

ROUNDS, RATE = 3, 0.05


def trained(loaded: Loaded, work: Sequence[Example], *, writes: bool) -> list[Tensor]:
    """Return the gradients of each round, one after the other."""
    adapters.attach_new(loaded, TrainSettings())
    parameters = [p for p in loaded.model.parameters() if p.requires_grad]
    asked = items(1, PER_PASSAGE, PASSAGE, WORDS)
    found: list[Tensor] = []
    for _ in range(ROUNDS):
        if writes:
            ours(loaded, asked)
        made = gradients(loaded, work, loaded.token_cost)
        found.append(torch.cat([one.flatten() for one in made]))
        with torch.no_grad():
            for parameter, gradient in zip(parameters, made, strict=True):
                parameter -= RATE * gradient
    adapters.detach(loaded)
    return found


def main() -> int:
    """Compare, and print a table; fail if a gradient differs."""
    keep_packed()  # the traps are in packed weights
    work = examples(2, 4, 128)
    writing = trained(load.load(ModelSettings(), BUILT_IN), work, writes=True)
    twin = trained(load.load(ModelSettings(), BUILT_IN), work, writes=False)
    off = [
        float((a - b).abs().max() / b.abs().max())
        for a, b in zip(writing, twin, strict=True)
    ]
    seen = [int((one != 0).sum()) for one in twin]
    lines = [f"{'round':>6}{'gradients that are not 0':>26}{'largest difference':>20}"]
    lines += [
        f"{n:6}{some:26}{each:20.1e}"
        for n, (some, each) in enumerate(zip(seen, off, strict=True), start=1)
    ]
    report("t4", lines, {"difference": off, "gradients": seen})
    return int(max(off) > 0)


if __name__ == "__main__":
    torch.manual_seed(0)
    sys.exit(main())
