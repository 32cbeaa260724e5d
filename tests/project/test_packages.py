"""The house keeps its floors: read from the table in ARCHITECTURE.md."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "autolearn"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def floors() -> dict[str, int]:
    """Return module or package name -> floor, from ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = re.findall(r"^\| (\d) \|[^|]*\| ([^|]*) \|", text, re.MULTILINE)
    return {
        name: int(floor)
        for floor, names in table
        for name in re.findall(r"`([\w.]+)`", names)
    }


def name_of(path: Path) -> str:
    """Return the first part below the package: a module's or a package's name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_module_stands_in_the_table():
    assert {name_of(p) for p in MODULES} - {"__init__"} == floors().keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_floor_and_below(path):
    known = floors()
    own = known.get(name_of(path), 9)
    for module in imports_of(path):
        parts = module.split(".")
        if parts[0] == "autolearn" and len(parts) > 1 and parts[1] in known:
            assert known[parts[1]] <= own, f"{path.name} reaches up to {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_floors_0_and_1_use_the_standard_library_only(path):
    if floors().get(name_of(path), 9) > 1:
        return
    outside = {m.split(".")[0] for m in imports_of(path)} - {"autolearn"}
    assert outside <= sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_stays_readable_in_length(path):
    assert len(path.read_text().splitlines()) <= 400


def test_the_command_line_and_the_jobs_do_not_import_torch():
    code = (
        "import sys, autolearn.cli.main, autolearn.runs.queues\n"
        "assert not {'torch', 'transformers', 'gradio'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
