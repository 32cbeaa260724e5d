"""The threat model names a test for each of its lines, and these tests exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [
    row
    for row in re.findall(r"^\|(.*)\|$", TEXT, re.MULTILINE)
    if not re.fullmatch(r"[-| ]+| (attempt|event) .*", row)
]
NAMES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


def test_there_are_lines_to_check():
    assert len(ROWS) >= 16
    assert len(NAMES) >= len(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_every_line_names_the_test_that_holds_it(row):
    *_, tests = row.split("|")
    assert re.fullmatch(r"( `tests/[\w/]+\.py::\w+`)+ ", tests), row


@pytest.mark.parametrize(("path", "name"), NAMES)
def test_every_named_test_exists(path, name):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in functions, f"docs/security.md names {path}::{name}"


def test_it_stays_one_page():
    assert len(TEXT.splitlines()) <= 120
