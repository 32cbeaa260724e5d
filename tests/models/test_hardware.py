import ctypes
import os
import subprocess
import sys

import pytest

from autolearn.models import hardware


def test_the_cards_that_can_be_read_are_taken():
    rows = "NVIDIA H100, 80GB, x\nNVIDIA H100, 512, 81559\nNVIDIA L4, 0, 23034\n"
    card, other = hardware.read_gpus(rows)
    assert (card.name, card.used >> 20, card.free >> 20) == (
        "NVIDIA H100",
        512,
        81047,
    )
    assert (other.name, other.free >> 20) == ("NVIDIA L4", 23034)
    assert hardware.read_gpus("") == ()
    assert hardware.read_gpus("No devices were found") == ()


@pytest.mark.parametrize(
    ("visible", "names", "of_second"),
    [
        (None, ["a", "b", "c"], "1"),
        ("2,0", ["c", "a"], "0"),
        ("1, 7", ["b"], "7"),
        ("0,9,1", ["a"], "9"),
        ("-1", [], ""),
        ("", [], ""),
        ("GPU-1f, GPU-2e", ["a", "b"], "GPU-2e"),
        ("MIG-1f", ["a"], ""),
    ],
)
def test_only_visible_cards_are_used(monkeypatch, visible, names, of_second):
    cards = tuple(hardware.Gpu(name, i, 10) for i, name in enumerate("abc"))
    monkeypatch.setattr(hardware, "_all_gpus", lambda period: cards)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [card.name for card in hardware.gpus()] == names
    assert hardware.visible_gpu(1) == of_second
    if names:
        assert hardware.most_devices() == len(names)
        assert hardware.free(2) == min(c.free for c in hardware.gpus()[:2])
    else:
        assert hardware.most_devices() == os.cpu_count()
        assert hardware.free(2) < hardware.free_memory()


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
