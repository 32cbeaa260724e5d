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
from itertools import takewhile
from pathlib import Path

import psutil

from autolearn.models.memory import Device

LOOK_SECONDS = 5
"""How long an answer of nvidia-smi is reused."""
_IDS = ("GPU-", "MIG-")
"""Beginnings of the ids by which CUDA_VISIBLE_DEVICES may name GPUs."""

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


def gpu() -> Gpu | None:
    """Return the first GPU; None if there is none that can be used."""
    return next(iter(gpus()), None)


def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that can be used."""
    return _visible(_all_gpus(int(time.monotonic() // LOOK_SECONDS)))


def _visible(cards: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES names, in its order.

    CUDA ignores what follows a number that no GPU has, such as -1.
    """
    names = _visible_names()
    if names is None:
        return cards
    if all(name.startswith(_IDS) for name in names):
        return cards[: len(names)]  # nvidia-smi was not asked for ids
    numbers = {str(number): card for number, card in enumerate(cards)}
    return tuple(numbers[name] for name in takewhile(numbers.__contains__, names))


def _visible_names() -> list[str] | None:
    """Return what CUDA_VISIBLE_DEVICES says; None if nothing."""
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return None
    return [name.strip() for name in value.split(",") if name.strip()]


def visible_gpu(number: int) -> str:
    """Return the value of CUDA_VISIBLE_DEVICES for the GPU ``number``, from 0.

    Empty if there is none.
    """
    names = _visible_names()
    if names is None:
        return str(number)
    return names[number] if number < len(names) else ""


@lru_cache(maxsize=1)
def _all_gpus(_period: int) -> tuple[Gpu, ...]:
    """Return what nvidia-smi reports, asked once in each period."""
    with suppress(OSError, subprocess.SubprocessError):
        result = subprocess.run(
            _ASK, capture_output=True, text=True, check=True, timeout=2
        )
        return read_gpus(result.stdout)
    return ()


def read_gpus(output: str) -> tuple[Gpu, ...]:
    """Return the GPUs in the output of nvidia-smi."""
    cards = []
    for row in csv.reader(output.splitlines(), skipinitialspace=True):
        with suppress(ValueError):
            name, n_used, total = row
            cards.append(Gpu(name, int(n_used) * _MIB, int(total) * _MIB))
    return tuple(cards)


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


def free(devices: int = 1) -> int:
    """Return the free memory in bytes of the device where a model would compute.

    Of several devices, return that of the fullest. Without a GPU, as many processes
    divide the main memory.
    """
    cards = gpus()[:devices]
    return min(card.free for card in cards) if cards else free_memory() // devices


def most_devices() -> int:
    """Return how many GPUs can train together; without a GPU, how many processes."""
    return len(gpus()) or os.cpu_count() or 1


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
