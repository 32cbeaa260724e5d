import ctypes
import os
import subprocess
import sys

import pytest

from autolearn.models import hardware


def test_the_first_card_that_can_be_read_is_taken():
    card = hardware.read_gpu("NVIDIA H100, 80GB, x\nNVIDIA H100, 512, 81559\n")
    assert card is not None
    assert (card.name, card.used >> 20, card.free >> 20) == (
        "NVIDIA H100",
        512,
        81047,
    )
    assert hardware.read_gpu("") is None
    assert hardware.read_gpu("No devices were found") is None


def test_there_is_free_memory():
    assert hardware.free_memory() > 0


def test_a_reused_pid_is_not_taken_for_a_worker(tmp_path):
    file = tmp_path / "worker.pid"
    assert hardware.worker_memory(file) is None
    for text in (str(os.getpid()), "no number", "-4"):
        file.write_text(text)
        assert hardware.worker_memory(file) is None


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="no glibc")
def test_freed_memory_returns_to_the_system():
    program = (
        "import psutil\n"
        "from autolearn.models import hardware\n"
        "taken = [bytes(64 << 10) for _ in range(2000)]\n"
        "last = bytes(1)\n"
        "held = [psutil.Process().memory_info().rss]\n"
        "del taken[:-1]\n"
        "hardware.release_memory()\n"
        "held.append(psutil.Process().memory_info().rss)\n"
        "print(held[0] - held[1])\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(process.stdout) > 50 << 20
