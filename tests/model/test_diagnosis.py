"""The look at this computer, with the real libraries."""

import pytest

from autolearn.services import doctor

pytestmark = pytest.mark.model


def found(workspace):
    return {check.what: check for check in doctor.examine(workspace)}


def test_all_is_well_where_the_tests_pass(tmp_path):
    told = found(tmp_path)
    needed = set(told) - {"browser"}
    assert [name for name in needed if not told[name].well] == []
    assert "torch for" in told["device"].found
    assert told["4 bit"].found.startswith("rounds by 0.")


def test_a_library_that_is_broken_is_told_and_nothing_raised(tmp_path, monkeypatch):
    broken = doctor._PROBE.replace("quantize_4bit(given", "quantize_4bit(None")
    monkeypatch.setattr(doctor, "_PROBE", broken)
    check = found(tmp_path)["4 bit"]
    assert not check.well
    assert check.found.startswith("bitsandbytes fails: ")
    monkeypatch.setattr(doctor, "_PROBE", "import no_such_library")
    told = found(tmp_path)
    assert "No module named 'no_such_library'" in told["device"].found
    assert "4 bit" not in told


def test_a_workspace_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    check = found(tmp_path / "file")["workspace"]
    assert not check.well
    assert "not a folder" in check.found


def test_numbers_that_come_back_as_others_are_not_well():
    assert not doctor._four_bit({"off": 0.5}).well
