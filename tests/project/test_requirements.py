"""What is installed has exact versions, within the ranges, and with hashes."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LEVELS = ["requirements", "requirements-dev", "requirements-bench"]
CUDA = ("cuda-", "nvidia-", "triton")


def lines(name):
    """Return the requirements of a file, without its options and hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    rows = [re.sub(r"\s--hash=.*", "", row).strip() for row in text.splitlines()]
    return [row for row in rows if row and row[0] not in "#-"]


def requirements(name):
    return [Requirement(line) for line in lines(name)]


def versions(names):
    """Return name -> versions that some Python or system gets."""
    pins: dict[str, set[str]] = {}
    for requirement in (pin for name in names for pin in requirements(name)):
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        name = canonicalize_name(requirement.name)
        pins.setdefault(name, set()).add(specifier.version)
    return pins


ALL_PINS = versions([*(f"{level}.txt" for level in LEVELS), "constraints-cuda.txt"])


@pytest.mark.parametrize("level", LEVELS)
def test_the_ranges_allow_the_exact_versions(level):
    ranges = requirements(f"{level}.in")
    assert ranges
    for requirement in ranges:
        pins = ALL_PINS[canonicalize_name(requirement.name)]
        assert all(version in requirement.specifier for version in pins), requirement


@pytest.mark.parametrize("level", LEVELS)
def test_the_hashed_lock_has_the_same_versions(level):
    plain = lines(f"{level}.txt")
    if level == "requirements":
        plain += lines("constraints-cuda.txt")
    assert sorted(plain) == sorted(lines(f"{level}.lock"))


@pytest.mark.parametrize("level", LEVELS)
def test_every_package_of_the_lock_has_hashes(level):
    text = (ROOT / f"{level}.lock").read_text(encoding="utf-8").replace("\\\n", "")
    pins = [row for row in text.splitlines() if "==" in row]
    assert len(pins) == len(lines(f"{level}.lock"))
    assert all(re.search(r" --hash=sha256:[0-9a-f]{64}\b", row) for row in pins)


def test_a_cpu_build_of_torch_brings_nothing_of_cuda():
    names = [name for level in LEVELS for name in versions([f"{level}.txt"])]
    assert "torch" in names
    assert not [name for name in names if name.startswith(CUDA)]
    assert all(name.startswith(CUDA) for name in versions(["constraints-cuda.txt"]))
    assert "-c constraints-cuda.txt\n" in (ROOT / "requirements.txt").read_text()


def test_no_file_says_where_packages_are_downloaded_from():
    files = [*ROOT.glob("requirements*"), *ROOT.glob("constraints*")]
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"index-url|find-links|trusted-host|://", text), path


def needed(requirement, needs):
    """Add what an installed package needs here, itself included, to ``needs``."""
    name = canonicalize_name(requirement.name)
    keys = {(name, extra) for extra in ("", *requirement.extras)} - needs
    needs |= keys
    try:
        dependencies = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for _, extra in keys:
        for each in map(Requirement, dependencies):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                needed(each, needs)


def test_everything_that_is_installed_with_autolearn_has_an_exact_version():
    needs: set[tuple[str, str]] = set()
    for requirement in [
        pin for level in LEVELS[:2] for pin in requirements(f"{level}.in")
    ]:
        needed(requirement, needs)
    # pip installs the others and stays as it is.
    names = {name for name, _ in needs} - {"pip"}
    assert len(names) > 50
    assert names <= ALL_PINS.keys()
