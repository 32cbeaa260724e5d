"""Run the benchmarks one after the other: python -m benchmarks.

Those beside TRL are left out, and said to be, unless requirements-bench.txt is there.
``--gpu`` runs those of a large model instead, on a machine that has a GPU for it.
"""

import argparse
import importlib.util
import subprocess
import sys

import torch

ALONE = (
    ["generation", "peers", "--passages", "32"],
    ["generation", "shares", "--model", "random", "--passages", "2"],
    ["generation", "growth", "--passages", "4"],
    ["training"],
    ["alternating"],
    ["review"],
)
BESIDE_TRL = (
    ["peers", "sft", "--items", "160"],
    ["peers", "sft", "--items", "160", "--dtype", "bfloat16"],
    ["peers", "dpo", "--items", "120"],
    ["whole", "--passages", "1"],
)
LARGE = ["--model", "large"]
ALONE_ON_GPU = (
    ["generation", "peers", *LARGE],
    ["generation", "shares", "--passages", "4", *LARGE],
    ["generation", "growth", *LARGE],
    ["roofline", *LARGE],
    ["roofline", "--packed", *LARGE],
    ["training", *LARGE],
    ["alternating"],
    ["memory", "--gpu"],
)
BESIDE_TRL_ON_GPU = (["peers", "sft", *LARGE], ["peers", "dpo", *LARGE])
"""No whole round: a model with random weights asks nothing."""


def main() -> int:
    """Run each in a process of its own; return how many failed."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--gpu", action="store_true")
    flags = parser.parse_args()
    if flags.gpu and not torch.cuda.is_available():
        parser.error("torch finds no GPU here; run it without --gpu.")
    has_trl = importlib.util.find_spec("trl") is not None
    if not has_trl:
        sys.stdout.write("TRL is not installed: see requirements-bench.txt\n")
    alone, beside = (
        (ALONE_ON_GPU, BESIDE_TRL_ON_GPU) if flags.gpu else (ALONE, BESIDE_TRL)
    )
    failed = 0
    for name, *more in (*alone, *(beside if has_trl else ())):
        command = [sys.executable, "-m", f"benchmarks.{name}", *more]
        failed += bool(subprocess.run(command, check=False).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main())
