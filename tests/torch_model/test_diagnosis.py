"""The doctor with the real libraries."""

import pytest

from autolearn.services import doctor

pytestmark = pytest.mark.torch_model


def checks_by_name(workspace):
    return {check.what: check for check in doctor.examine(workspace)}


def test_the_doctor_reports_a_working_machine(tmp_path):
    checks = checks_by_name(tmp_path)
    names = set(checks) - {"browser"}
    assert [name for name in names if not checks[name].ok] == []
    assert "torch for" in checks["device"].result
    assert checks["4 bit"].result.startswith("error up to 0.")


def test_the_doctor_reports_a_broken_library_without_raising(tmp_path, monkeypatch):
    library = tmp_path / "bitsandbytes"  # found before the installed one
    library.mkdir()
    (library / "__init__.py").touch()
    (library / "functional.py").write_text(
        "dequantize_4bit = None\n"
        "def quantize_4bit(*_, **__):\n"
        "    raise ValueError('no kernel')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = checks_by_name(tmp_path / "lab")["4 bit"]
    assert not check.ok
    assert check.result == "bitsandbytes fails: ValueError: no kernel"
    (library / "__init__.py").write_text("import no_such_library")
    checks = checks_by_name(tmp_path / "lab")
    assert "No module named 'no_such_library'" in checks["device"].result
    assert "4 bit" not in checks


def test_the_doctor_reports_an_unusable_workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_device", list)  # it loads torch, which is slow
    (tmp_path / "file").write_text("x")
    check = checks_by_name(tmp_path / "file")["workspace"]
    assert not check.ok
    assert "not a folder" in check.result


def test_the_doctor_reports_wrong_4_bit_values():
    assert not doctor._four_bit(0.5, "").ok
