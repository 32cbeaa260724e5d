"""The garbage collector waits while large packages are imported."""

import gc
import importlib
import sys
from contextlib import suppress

import pytest

from autolearn.core.heavy_imports import heavy_imports, left_out


def test_nothing_is_collected_within_and_all_is_as_before_afterwards():
    assert gc.isenabled()
    with suppress(ImportError), heavy_imports():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()


def test_what_was_made_until_then_is_not_looked_at_again():
    with heavy_imports():
        made: list[object] = [[]]
    assert not any(thing is made for thing in gc.get_objects())


@pytest.fixture
def collector_off():
    gc.disable()
    yield
    gc.enable()


def test_a_collector_that_was_off_stays_so(collector_off):
    with heavy_imports():
        pass
    assert not gc.isenabled()


def test_a_package_that_is_left_out_seems_to_be_missing_for_the_moment(
    tmp_path, monkeypatch
):
    (tmp_path / "optional_package.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with left_out("optional_package"), pytest.raises(ImportError):
        importlib.import_module("optional_package")
    package = importlib.import_module("optional_package")
    with left_out("optional_package"):
        assert importlib.import_module("optional_package") is package
    del sys.modules["optional_package"]
