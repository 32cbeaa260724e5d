"""Time several ways of doing the same work, alternating, in one process."""

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
    """One way of doing the work, with how long each try took."""

    on_action: Callable[[], Any]
    seconds: list[float] = field(default_factory=list)
    result: Any = None
    """What the last try gave."""

    @property
    def median(self) -> float:
        """Return the seconds of the try in the middle."""
        return statistics.median(self.seconds)


def alternate(
    acts: Mapping[str, Callable[[], Any]],
    repeats: int,
    warm_up: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Arm]:
    """Do each in turn, ``repeats`` times; a first round is not counted.

    ``clock``: what seconds are told by; ``time.process_time`` counts those that the
    processor worked for us, which other programs change little.
    """
    arms = {name: Arm(act) for name, act in acts.items()}
    for turn in range(-warm_up, repeats):
        for arm in arms.values():
            begun = clock()
            arm.result = arm.on_action()
            wait()
            if turn >= 0:
                arm.seconds.append(clock() - begun)
    return arms


def wait() -> None:
    """Let a GPU finish what it was given to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratios(ours: Arm, theirs: Arm) -> list[float]:
    """Return how many times longer theirs took, turn by turn."""
    return [b / a for a, b in zip(ours.seconds, theirs.seconds, strict=True)]


def rows(arms: Mapping[str, Arm], ours: str, amount: float, unit: str) -> list[str]:
    """Return a table: seconds, amount a second, and the ratio with its spread."""
    head = f"{'':34}{'seconds':>9}{unit + '/s':>14}{'times ours':>12}{'spread':>16}"
    lines = [head]
    for name, arm in arms.items():
        line = f"{name:34}{arm.median:9.2f}{amount / arm.median:14.0f}"
        if name != ours:
            found = ratios(arms[ours], arm)
            spread = f"{min(found):.1f} to {max(found):.1f}"
            line += f"{statistics.median(found):12.1f}{spread:>16}"
        lines.append(line)
    return lines


def report(name: str, lines: Sequence[str], numbers: Mapping[str, Any]) -> None:
    """Print a table and keep it, with the numbers behind it, in ``results``."""
    RESULTS.mkdir(exist_ok=True)
    text = "\n".join([f"# {name}", machine(), "", *lines, ""])
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    (RESULTS / f"{name}.txt").write_text(text, encoding="utf-8")
    kept = json.dumps({"machine": machine(), **numbers}, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(kept, encoding="utf-8")


def machine() -> str:
    """Return what this was measured on, in one line."""
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
