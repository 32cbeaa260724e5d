"""How much memory a device has to give, and how much of it is taken, as it is now."""

import threading
from typing import Self

import psutil
import torch

from autolearn.models import hardware
from autolearn.models.memory import LIBRARIES, Device


def device(kind: str, dtype: torch.dtype) -> Device:
    """Return a device as its memory is reckoned with."""
    on_gpu = kind == "cuda"
    size = torch.cuda.mem_get_info()[1] if on_gpu else hardware.total_memory()
    return Device(kind, dtype.itemsize == 2, size)


def free(device: torch.device) -> int:
    """Return how many bytes can still be taken on a device."""
    if device.type != "cuda":
        return hardware.free_memory()
    left, _ = torch.cuda.mem_get_info(device)
    # What torch has taken and does not use is free for us.
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(left + idle)


def held(device: torch.device) -> int:
    """Return how many bytes this process holds on a device.

    A GPU counts tensors alone; what its libraries hold is taken from the estimate.
    """
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device)) + LIBRARIES["cuda"]
    return int(psutil.Process().memory_info().rss)


class PeakMemory:
    """The most bytes that this process holds on a device while this is open.

    On a CPU somebody looks every so many seconds, since it keeps no peak that could be
    set back: often for a moment's work, seldom for an hour's, which looking would slow.
    """

    def __init__(self, device: torch.device, every: float) -> None:
        self.bytes = 0
        self._every = every
        self._device = device
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._device.type == "cuda":
            taken = torch.cuda.max_memory_allocated(self._device)
            self.bytes = int(taken) + LIBRARIES["cuda"]
        else:
            self._over.set()
            self._looking.join()

    def _look(self) -> None:
        while True:
            self.bytes = max(self.bytes, held(self._device))
            if self._over.wait(self._every):
                return
