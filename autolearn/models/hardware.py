"""How much memory this computer has to give, and how much of it is taken.

Nothing here loads torch or touches a device.
"""

import csv
import ctypes
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

from autolearn.models.memory import Device

LOOK_SECONDS = 5.0
"""How long what nvidia-smi said is taken as true."""

_ASK = (
    "nvidia-smi",
    "--query-gpu=name,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
_MIB = 1 << 20


@dataclass(frozen=True)
class Gpu:
    """A graphics card and its memory in bytes."""

    name: str
    used: int
    total: int

    @property
    def free(self) -> int:
        """Return how many bytes are not taken."""
        return self.total - self.used


class _LastReading:
    """The last look at the graphics card, and when it was."""

    seen: Gpu | None = None
    at = float("-inf")


def gpu() -> Gpu | None:
    """Return the first graphics card; None where there is none that can be used."""
    if time.monotonic() - _LastReading.at > LOOK_SECONDS:
        _LastReading.seen, _LastReading.at = _query(), time.monotonic()
    return _LastReading.seen


def _query() -> Gpu | None:
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(
            _ASK, capture_output=True, text=True, check=True, timeout=2
        )
        return read_gpu(told.stdout)
    return None


def read_gpu(told: str) -> Gpu | None:
    """Return the first card of what nvidia-smi told; None if it told nothing."""
    for row in csv.reader(told.splitlines(), skipinitialspace=True):
        with suppress(ValueError):
            name, used, total = row
            return Gpu(name, int(used) * _MIB, int(total) * _MIB)
    return None


def device() -> Device:
    """Return where a model would compute, as far as can be told without torch."""
    if card := gpu():
        return Device("cuda", half=True, size=card.total)
    return Device("cpu", half=_cpu_has_half(), size=total_memory())


@lru_cache(maxsize=1)
def _cpu_has_half() -> bool:
    """Return whether the processor computes in bfloat16."""
    with suppress(OSError):
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return "avx512_bf16" in told or "amx_tile" in told
    return False


def free() -> int:
    """Return how many bytes a model could still take where it would compute."""
    card = gpu()
    return card.free if card else free_memory()


def free_memory() -> int:
    """Return how many bytes programs may still take, cached files given up."""
    return int(psutil.virtual_memory().available)


def total_memory() -> int:
    """Return how many bytes of memory this computer has."""
    return int(psutil.virtual_memory().total)


def child_environment() -> dict[str, str]:
    """Return the environment of a process of ours, which finds these very modules."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    found = os.pathsep.join(path for path in paths if path)
    return {**os.environ, "PYTHONPATH": found}


def size_on_disk(folder: Path) -> int:
    """Return how many bytes the files of a folder have, those of its folders too."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # others may remove it meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total


def worker_memory(pid_file: Path) -> int | None:
    """Return how many bytes the worker holds; None if there is no worker.

    The file outlives its worker, and its number may be another program's by now.
    """
    with suppress(OSError, ValueError, psutil.Error):
        worker = psutil.Process(int(pid_file.read_text()))
        if any("autolearn.runs.worker" in part for part in worker.cmdline()):
            return int(worker.memory_info().rss)
    return None


def release_memory() -> None:
    """Return to the system what this process has freed; Linux keeps it at hand else."""
    if os.name == "posix":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
