"""Run the benchmarks that need no GPU, one after the other: python -m benchmarks.

Those beside TRL are left out, and said to be, unless requirements-bench.txt is there.
"""

import importlib.util
import subprocess
import sys

ALONE = (
    ["generation", "peers"],
    ["generation", "peers", "--dtype", "bfloat16"],
    ["generation", "shares", "--model", "random", "--passages", "4"],
    ["generation", "growth"],
    ["training"],
    ["alternating"],
    ["review"],
)
BESIDE_TRL = (["peers", "sft"], ["peers", "dpo"], ["whole"])


def main() -> int:
    """Run each in a process of its own; return how many failed."""
    has_trl = importlib.util.find_spec("trl") is not None
    if not has_trl:
        sys.stdout.write("TRL is not installed: see requirements-bench.txt\n")
    failed = 0
    for name, *flags in (*ALONE, *(BESIDE_TRL if has_trl else ())):
        command = [sys.executable, "-m", f"benchmarks.{name}", *flags]
        failed += bool(subprocess.run(command, check=False).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main())
