"""The packages keep the responsibilities and imports of ARCHITECTURE.md."""

import ast
import functools
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "autolearn"
MODULES = sorted(PACKAGE.rglob("*.py"))
PLAIN = ("core", "text")
"""Packages of the standard library alone."""
LIGHT = (
    "autolearn.cli.main",
    "autolearn.runs.run_control",
    "autolearn.services.actions",
)
STORED = ("settings", "result", "scores")
"""The fields of runs and rounds that hold JSON values."""
N_TOP = 4
"""Most modules at the top of the package."""


@functools.cache
def allowed() -> dict[str, set[str]]:
    """Return package -> packages that it may import, from ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rows = re.findall(r"^\| `([\w/]+)` \|[^|]*\| ([^|]*) \|$", text, re.MULTILINE)
    return {name: set(re.findall(r"`([\w/]+)`", imports)) for name, imports in rows}


def package_of(parts: tuple[str, ...]) -> str:
    """Return the package in the table that a module, given by its parts, lies in."""
    subpackage = "/".join(parts[:2])
    return subpackage if subpackage in allowed() else parts[0]


def parts_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE).with_suffix("").parts


def is_top(path: Path) -> bool:
    return path.parent == PACKAGE


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imports_of(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def own_imports_of(path: Path) -> set[str]:
    """Return the packages in the table that a module imports."""
    names = (tuple(name.split(".")) for name in imports_of(path))
    return {
        package_of(parts[1:])
        for parts in names
        if parts[0] == "autolearn" and len(parts) > 1 and parts[1] != "__version__"
    }


def test_every_package_is_in_the_table():
    packages = {package_of(parts_of(path)) for path in MODULES if not is_top(path)}
    assert packages
    assert packages == allowed().keys()


def test_the_table_has_no_cycle():
    order = list(TopologicalSorter(allowed()).static_order())
    assert set(order) == allowed().keys()


def test_few_modules_stand_at_the_top():
    assert 0 < len([path for path in MODULES if is_top(path)]) <= N_TOP


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_package_may(path):
    if is_top(path):
        return
    package = package_of(parts_of(path))
    assert own_imports_of(path) <= allowed()[package] | {package}


def test_what_the_table_allows_is_used():
    imports: dict[str, set[str]] = {name: set() for name in allowed()}
    for path in MODULES:
        if not is_top(path):
            imports[package_of(parts_of(path))] |= own_imports_of(path)
    assert allowed() == {name: imports[name] - {name} for name in imports}


@pytest.mark.parametrize("package", PLAIN)
def test_values_and_functions_on_text_need_the_standard_library_only(package):
    paths = sorted((PACKAGE / package).rglob("*.py"))
    assert paths
    for path in paths:
        outside = {name.split(".")[0] for name in imports_of(path)} - {"autolearn"}
        assert outside <= sys.stdlib_module_names, path.name


def test_only_the_store_reaches_into_the_database():
    paths = [path for path in MODULES if parts_of(path)[0] != "store"]
    assert paths
    for path in paths:
        for node in nodes_of(path):
            assert not (isinstance(node, ast.Attribute) and node.attr == "db"), path
        assert not {"sqlite3", "sqlite_utils"} & imports_of(path), path


def stored_keys_of(path: Path) -> list[str]:
    """Return where a module reads settings, a result or scores by the name of a key."""
    places = []
    for node in nodes_of(path):
        if isinstance(node, ast.Subscript):
            place = node.value
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
            assert isinstance(node.func, ast.Attribute)
            place = node.func.value
        else:
            continue
        if isinstance(place, ast.Attribute) and place.attr in STORED:
            places.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return places


def test_what_is_stored_with_runs_and_rounds_is_read_by_its_dataclass():
    sources = {path for path in MODULES if "engine" not in parts_of(path)}
    assert sources
    assert [place for path in sources for place in stored_keys_of(path)] == []


def test_no_two_public_classes_have_the_same_name():
    places: dict[str, list[str]] = {}
    for path in MODULES:
        tree, *_ = nodes_of(path)
        assert isinstance(tree, ast.Module)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert places
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_stays_readable_in_length(path):
    assert len(path.read_text().splitlines()) <= 400


def imported_by(module: str) -> set[str]:
    """Return the modules that a process has which has imported one."""
    process = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return set(process.stdout.split())


def test_a_foreign_tokenizer_is_tried_without_torch():
    modules = imported_by("autolearn.engine.tokenizer_trial")
    assert "transformers" in modules
    assert "torch" not in modules


@pytest.mark.parametrize("module", LIGHT)
def test_the_command_line_and_the_queues_import_no_large_package(module):
    assert not {"torch", "transformers", "gradio", "pandas"} & imported_by(module)


def test_only_the_command_line_names_its_commands():
    # The page, the API and agents show the same sentences, and have no command line.
    naming = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in MODULES
        if "cli" not in path.parts and path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"(?<!`)python -m autolearn (?!\.)[a-z{]", node.value)
    ]
    assert not naming
