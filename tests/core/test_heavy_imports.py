"""The garbage collector waits while large packages are imported."""

import gc
from contextlib import suppress

import pytest

from autolearn.core.heavy_imports import heavy_imports


def test_nothing_is_collected_within_and_all_is_as_before_afterwards():
    assert gc.isenabled()
    with suppress(ImportError), heavy_imports():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()


@pytest.fixture
def collector_off():
    gc.disable()
    yield
    gc.enable()


def test_a_collector_that_was_off_stays_so(collector_off):
    with heavy_imports():
        pass
    assert not gc.isenabled()
