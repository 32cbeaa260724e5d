"""Free and used memory of this computer.

Nothing here loads torch or uses a GPU.
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
"""How long an answer of nvidia-smi is reused."""

_ASK = (
    "nvidia-smi",
    "--query-gpu=name,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
_MIB = 1 << 20


@dataclass(frozen=True)
class Gpu:
    """A GPU and its memory in bytes."""

    name: str
    used: int
    total: int

    @property
    def free(self) -> int:
        """Return the free memory in bytes."""
        return self.total - self.used


class _LastReading:
    """The last answer of nvidia-smi, and when it came."""

    gpu: Gpu | None = None
    at = float("-inf")


def gpu() -> Gpu | None:
    """Return the first GPU; None if there is none that can be used."""
    if time.monotonic() - _LastReading.at > LOOK_SECONDS:
        _LastReading.gpu, _LastReading.at = _query(), time.monotonic()
    return _LastReading.gpu


def _query() -> Gpu | None:
    with suppress(OSError, subprocess.SubprocessError):
        result = subprocess.run(
            _ASK, capture_output=True, text=True, check=True, timeout=2
        )
        return read_gpu(result.stdout)
    return None


def read_gpu(output: str) -> Gpu | None:
    """Return the first GPU in the output of nvidia-smi; None if there is none."""
    for row in csv.reader(output.splitlines(), skipinitialspace=True):
        with suppress(ValueError):
            name, n_used, total = row
            return Gpu(name, int(n_used) * _MIB, int(total) * _MIB)
    return None


def device() -> Device:
    """Return where a model would compute, as far as it can be known without torch."""
    if card := gpu():
        return Device("cuda", half=True, size=card.total)
    return Device("cpu", half=_cpu_has_half(), size=total_memory())


@lru_cache(maxsize=1)
def _cpu_has_half() -> bool:
    """Return whether the processor computes in bfloat16."""
    with suppress(OSError):
        cpu_info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return "avx512_bf16" in cpu_info or "amx_tile" in cpu_info
    return False


def free() -> int:
    """Return the free memory in bytes of the device where a model would compute."""
    card = gpu()
    return card.free if card else free_memory()


def free_memory() -> int:
    """Return the free main memory in bytes, cached files included."""
    return int(psutil.virtual_memory().available)


def total_memory() -> int:
    """Return the size of the main memory in bytes."""
    return int(psutil.virtual_memory().total)


def size_on_disk(folder: Path) -> int:
    """Return the size in bytes of all files in a folder and its subfolders."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # another process may remove it meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total


def worker_memory(pid_file: Path) -> int | None:
    """Return the memory of the worker in bytes; None if there is no worker.

    The PID file outlives its worker, and the PID may have been reused since.
    """
    with suppress(OSError, ValueError, psutil.Error):
        worker = psutil.Process(int(pid_file.read_text()))
        if any("autolearn.runs.worker" in part for part in worker.cmdline()):
            return int(worker.memory_info().rss)
    return None


def release_memory() -> None:
    """Return freed memory to the system, which the C library would keep otherwise."""
    if os.name == "posix":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
