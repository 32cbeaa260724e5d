"""How near writing comes to what the device can do (G3).

`python -m benchmarks.roofline`: more and more texts are written at once, nothing of
them shared. Beside the tokens a second stands what they could be if a step only had to
read the weights once at the measured bandwidth of memory, or only to multiply by them
at the measured speed of large products, whichever takes longer.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from autolearn.engine.load import Loaded
from benchmarks.generation import WORDS, Item, ours
from benchmarks.models import NAMES, keep_packed, named
from benchmarks.side_by_side import alternate, report, wait

ROWS = (1, 8, 32, 128, 512)
PROMPT, NEW = 16, 64
"""Tokens of a prompt and of each text: nearly all of the time is writing."""
COPIED, SIDE = 1 << 28, {"cuda": 8192, "cpu": 1024}
"""Bytes that are copied to measure the memory, and the side of the square product."""
TRIES = 5


def bandwidth(device: torch.device) -> float:
    """Return the bytes a second that are read and written by a large copy."""
    source = torch.empty(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED / _fastest(lambda: target.copy_(source))


def speed(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations a second of a large product of matrices."""
    n = SIDE[device.type]
    factor = torch.ones(n, n, dtype=dtype, device=device)
    return 2 * n**3 / _fastest(lambda: factor @ factor)


def _fastest(act: Callable[[], object]) -> float:
    took = []
    for _ in range(TRIES):
        wait()
        begun = time.perf_counter()
        act()
        wait()
        took.append(time.perf_counter() - begun)
    return min(took)


def sizes(loaded: Loaded) -> tuple[int, int]:
    """Return the bytes of the weights that a step reads, and how many numbers it uses.

    The table of embeddings is looked up, not read, unless it is the last layer too.
    """
    model = loaded.model
    head = model.get_output_embeddings().weight
    rows = model.get_input_embeddings().weight
    kept = {id(p): p for p in model.parameters() if p is head or p is not rows}
    n_bytes = sum(p.numel() * p.element_size() for p in kept.values())
    # Packed weights hold two numbers in a byte.
    numbers = sum(
        p.numel() * (2 if p.dtype == torch.uint8 else 1) for p in kept.values()
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
    loaded = named(flags.model, torch.float32, flags.layers)
    dtype = getattr(torch, loaded.identity.dtype)
    n_bytes, numbers = sizes(loaded)
    per_second, operations = bandwidth(loaded.device), speed(loaded.device, dtype)
    lines = [
        f"{per_second / 1e9:.0f} GB/s, {operations / 1e12:.2f} TFLOP/s; a step reads "
        f"{n_bytes >> 20} MiB of weights",
        "",
        f"{'texts':>6}{'tokens/s':>10}{'at most':>10}{'share':>8}",
    ]
    found = []
    draw = torch.Generator().manual_seed(0)
    for n in (n for n in ROWS if n <= flags.most):
        ids = torch.randint(WORDS[0], WORDS[-1], (n, PROMPT), generator=draw).tolist()
        work = [Item(row, NEW) for row in ids]
        arms = alternate({"ours": partial(ours, loaded, work)}, flags.repeats)
        real = n * NEW / arms["ours"].median
        most = n / max(n_bytes / per_second, 2 * numbers * n / operations)
        lines.append(f"{n:6}{real:10.0f}{most:10.0f}{real / most:8.0%}")
        found.append({"texts": n, "tokens_per_second": real, "at_most": most})
    numbers_kept = {"bandwidth": per_second, "operations": operations, "rows": found}
    how = "packed" if flags.packed else loaded.identity.dtype
    report(f"g3-{flags.model}-{how}", lines, numbers_kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
