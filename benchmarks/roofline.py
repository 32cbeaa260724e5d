"""Compare the speed of generation with the limits of the device (G3).

`python -m benchmarks.roofline`: more and more texts without common prefixes are
generated at once. The upper bound is the time to read the weights once per step at the
measured memory bandwidth, or to multiply by them at the measured speed of large
products, whichever is longer.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from autolearn.engine.load import LoadedModel
from benchmarks.generation import WORDS, Item, ours
from benchmarks.models import NAMES, keep_packed, named
from benchmarks.side_by_side import alternate, report, wait

ROWS = (1, 8, 32, 128, 512)
PROMPT, NEW = 16, 64
"""Tokens of a prompt and of each text, such that nearly all time is generation."""
COPIED, SIDE = 1 << 28, {"cuda": 8192, "cpu": 1024}
"""Bytes that are copied to measure the bandwidth, and the side of the product."""
TRIES = 5


def bandwidth(device: torch.device) -> float:
    """Return the memory bandwidth of a large copy in bytes per second."""
    source = torch.empty(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED / _fastest(lambda: target.copy_(source))


def speed(device: torch.device, dtype: torch.dtype) -> float:
    """Return the speed of a large matrix product in operations per second."""
    n = SIDE[device.type]
    factor = torch.ones(n, n, dtype=dtype, device=device)
    return 2 * n**3 / _fastest(lambda: factor @ factor)


def _fastest(act: Callable[[], object]) -> float:
    times = []
    for _ in range(TRIES):
        wait()
        started_at = time.perf_counter()
        act()
        wait()
        times.append(time.perf_counter() - started_at)
    return min(times)


def sizes(lm: LoadedModel) -> tuple[int, int]:
    """Return the bytes of the weights that a step reads, and how many numbers it uses.

    The embedding table is not read as a whole, unless it is also the output layer.
    """
    model = lm.model
    head = model.get_output_embeddings().weight
    rows = model.get_input_embeddings().weight
    weights = {id(p): p for p in model.parameters() if p is head or p is not rows}
    n_bytes = sum(p.numel() * p.element_size() for p in weights.values())
    # Packed weights hold two numbers per byte.
    numbers = sum(
        p.numel() * (2 if p.dtype == torch.uint8 else 1) for p in weights.values()
    )
    return n_bytes, numbers


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.roofline")
    parser.add_argument("--model", choices=NAMES, default="built-in")
    parser.add_argument("--layers", type=int, default=32, help="of the large model")
    parser.add_argument("--most", type=int, default=max(ROWS), help="texts at once")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--packed", action="store_true", help="unpack at each step")
    flags = parser.parse_args()
    if flags.packed:
        keep_packed()
    model = named(flags.model, torch.float32, flags.layers)
    dtype = getattr(torch, model.identity.dtype)
    n_bytes, numbers = sizes(model)
    per_second, operations = bandwidth(model.device), speed(model.device, dtype)
    lines = [
        f"{per_second / 1e9:.0f} GB/s, {operations / 1e12:.2f} TFLOP/s; a step reads "
        f"{n_bytes >> 20} MiB of weights",
        "",
        f"{'texts':>6}{'tokens/s':>10}{'at most':>10}{'share':>8}",
    ]
    results = []
    draw = torch.Generator().manual_seed(0)
    for n in (n for n in ROWS if n <= flags.most):
        ids = torch.randint(WORDS[0], WORDS[-1], (n, PROMPT), generator=draw).tolist()
        work = [Item(row, NEW) for row in ids]
        arms = alternate({"ours": partial(ours, model, work)}, flags.repeats)
        real = n * NEW / arms["ours"].median
        limit = n / max(n_bytes / per_second, 2 * numbers * n / operations)
        lines.append(f"{n:6}{real:10.0f}{limit:10.0f}{real / limit:8.0%}")
        results.append({"texts": n, "tokens_per_second": real, "at_most": limit})
    figures = {"bandwidth": per_second, "operations": operations, "rows": results}
    precision = "packed" if flags.packed else model.identity.dtype
    report(f"g3-{flags.model}-{precision}", lines, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
