"""The estimated time of a training."""

import os
import subprocess
import sys
import time

import pytest

from autolearn.models import compute
from autolearn.models.shape import ModelShape

SEEN = ModelShape(
    family="llama",
    architecture="",
    parameters=0,
    linear=((8, 8), (16, 8)),
    hidden_size=8,
    inner=16,
    kv=8,
    layers=1,
    vocabulary=100,
    context=None,
    dtype="float32",
    licence=None,
)


def test_operations_are_those_of_the_products():
    weights, head = 8 * 8 + 16 * 8, 100 * 8
    adapter, attention = 2 * (16 + 24), 2 * 10 * 8
    half = compute.operations(SEEN, rank=2, width=10, learned_share=0.5)
    assert half == 4 * (weights + head / 2) + 6 * (adapter + attention)
    assert compute.operations(SEEN, rank=2, width=10, learned_share=0.0) < half


def test_the_speed_of_products_is_measured_once(monkeypatch):
    compute.speed.cache_clear()
    assert 1e8 < compute.speed() < 1e14
    monkeypatch.setattr(time, "perf_counter", lambda: pytest.fail("again"))
    assert compute.speed() == compute.speed()


def test_other_programs_hardly_slow_the_measurement_down():
    """Threads that waited for each other seemed thirty times slower."""
    idle = compute.speed.__wrapped__()
    busy = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(busy) for _ in range(os.cpu_count() or 1)]
    try:
        time.sleep(0.5)
        assert compute.speed.__wrapped__() > idle / 4
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_more_operations_take_longer(monkeypatch):
    monkeypatch.setattr(compute, "speed", lambda: 1e9)
    few, many = (
        compute.tokens_per_second(SEEN, rank, width=10, learned_share=0.5)
        for rank in (2, 64)
    )
    assert few > many > 0
