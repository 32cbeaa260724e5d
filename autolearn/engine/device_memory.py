"""Free and used memory of the device, measured now."""

import threading
from typing import Self

import psutil
import torch

from autolearn.models import hardware
from autolearn.models.memory import LIBRARIES, Device


def device(kind: str, dtype: torch.dtype) -> Device:
    """Return the description of a device that the memory estimate uses."""
    on_gpu = kind == "cuda"
    size = torch.cuda.mem_get_info()[1] if on_gpu else hardware.total_memory()
    return Device(kind, dtype.itemsize == 2, size)


def free(device: torch.device) -> int:
    """Return how many bytes can still be allocated on a device."""
    if device.type != "cuda":
        return hardware.free_memory()
    available, _ = torch.cuda.mem_get_info(device)
    # Memory that torch has reserved but not allocated is available to us.
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(available + idle)


def bytes_in_use(device: torch.device) -> int:
    """Return how many bytes this process uses on a device.

    On a GPU torch counts tensors only. The memory of the CUDA libraries is added from
    the estimate.
    """
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device)) + LIBRARIES["cuda"]
    return int(psutil.Process().memory_info().rss)


class PeakMemory:
    """Measures the peak memory of this process on a device, in ``bytes`` on exit.

    A CPU has no peak counter that can be reset, so a thread samples the memory every
    ``every`` seconds. Sample often for short work and seldom for long work, which
    sampling would slow down.
    """

    def __init__(self, device: torch.device, every: float) -> None:
        self.bytes = 0
        self._every = every
        self._device = device
        self._is_over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        if self._device.type == "cuda":
            # torch counts peaks itself, exactly and without a thread.
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self._device)
            self.bytes = int(peak) + LIBRARIES["cuda"]
        else:
            self._is_over.set()
            self._sampler.join()

    def _sample(self) -> None:
        while True:
            # A short peak between two samples is missed.
            self.bytes = max(self.bytes, bytes_in_use(self._device))
            if self._is_over.wait(self._every):
                return
