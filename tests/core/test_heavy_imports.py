"""The garbage collector waits while large packages are imported."""

import gc

import pytest

from autolearn.core.heavy_imports import heavy_imports


def test_nothing_is_collected_within_and_all_is_as_before_afterwards():
    assert gc.isenabled()
    with pytest.raises(ImportError), heavy_imports():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
    gc.disable()
    try:
        with heavy_imports():
            pass
        assert not gc.isenabled(), "whoever turned it off wants it so"
    finally:
        gc.enable()
