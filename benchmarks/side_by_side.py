"""Time several implementations of the same work, alternating, in one process."""

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


@dataclass
class Arm:
    """One implementation, with the time of each repeat."""

    on_action: Callable[[], Any]
    seconds: list[float] = field(default_factory=list)
    result: Any = None
    """The result of the last repeat."""

    @property
    def median(self) -> float:
        """Return the median time in seconds."""
        return statistics.median(self.seconds)


def alternate(
    acts: Mapping[str, Callable[[], Any]],
    repeats: int,
    warm_up: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Arm]:
    """Run all implementations in turn, ``repeats`` times, after one uncounted round.

    With ``time.process_time`` as ``clock``, only the processor time of this process
    counts, on which other programs have little influence.
    """
    arms = {name: Arm(act) for name, act in acts.items()}
    for turn in range(-warm_up, repeats):
        for arm in arms.values():
            started_at = clock()
            arm.result = arm.on_action()
            wait()
            if turn >= 0:
                arm.seconds.append(clock() - started_at)
    return arms


def wait() -> None:
    """Wait until the GPU has finished its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratios(ours: Arm, theirs: Arm) -> list[float]:
    """Return how many times longer theirs took, repeat by repeat."""
    return [b / a for a, b in zip(ours.seconds, theirs.seconds, strict=True)]


def rows(arms: Mapping[str, Arm], ours: str, amount: float, unit: str) -> list[str]:
    """Return a table: seconds, amount per second, and the ratio with its spread."""
    head = f"{'':34}{'seconds':>9}{unit + '/s':>14}{'times ours':>12}{'spread':>16}"
    lines = [head]
    for name, arm in arms.items():
        rate = amount / arm.median
        digits = 0 if rate >= 10 else 2
        line = f"{name:34}{arm.median:9.2f}{rate:14.{digits}f}"
        if name != ours:
            values = ratios(arms[ours], arm)
            spread = f"{min(values):.1f} to {max(values):.1f}"
            line += f"{statistics.median(values):12.1f}{spread:>16}"
        lines.append(line)
    return lines


def report(name: str, lines: Sequence[str], numbers: Mapping[str, Any]) -> None:
    """Print a table, and store it with its numbers in ``results``."""
    RESULTS.mkdir(exist_ok=True)
    text = "\n".join([f"# {name}", machine(), "", *lines, ""])
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    (RESULTS / f"{name}.txt").write_text(text, encoding="utf-8")
    content = json.dumps({"machine": machine(), **numbers}, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(content, encoding="utf-8")


def machine() -> str:
    """Return a description of the machine in one line."""
    threads = torch.get_num_threads()
    gpu = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    return (
        f"{gpu}{_processor()}, {threads} thread{'s' * (threads > 1)}, "
        f"torch {torch.__version__}, {platform.system()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()
