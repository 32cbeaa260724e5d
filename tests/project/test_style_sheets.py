"""Gradio passes on only some of the rules of a style sheet."""

import re

import pytest

from autolearn.ui.server import ASSETS

PASSED_ON = {"media", "keyframes", "font-face"}


@pytest.mark.parametrize("sheet", sorted((ASSETS / "css").glob("*.css")), ids=str)
def test_no_rule_is_dropped_by_gradio(sheet):
    rules = re.findall(r"@([\w-]+)", sheet.read_text(encoding="utf-8"))
    assert set(rules) <= PASSED_ON
