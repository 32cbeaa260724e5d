"""Run all benchmarks, one after the other: python -m benchmarks.

The comparisons with TRL need requirements-bench.txt; without it they are skipped with a
message. ``--gpu`` runs those with a large model, on a machine with a GPU.
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
"""Without whole rounds: a model with random weights asks no questions."""


def main() -> int:
    """Run each benchmark in a process of its own; return the number of failures."""
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
    n_failures = 0
    for name, *more in (*alone, *(beside if has_trl else ())):
        command = [sys.executable, "-m", f"benchmarks.{name}", *more]
        n_failures += bool(subprocess.run(command, check=False).returncode)
    return n_failures


if __name__ == "__main__":
    sys.exit(main())
