"""Gradio passes on only some of the rules of a style sheet."""

import re

import pytest

from autolearn.ui.server import ASSETS

CSS = ASSETS / "css"
PASSED_ON = {"media", "keyframes", "font-face"}


@pytest.mark.parametrize("sheet", sorted(CSS.glob("*.css")), ids=str)
def test_no_rule_is_dropped_by_gradio(sheet):
    rules = re.findall(r"@([\w-]+)", sheet.read_text(encoding="utf-8"))
    assert set(rules) <= PASSED_ON


def test_whatever_scrolls_has_a_scrollbar_that_is_always_seen():
    """A passage and a wide table were cut off without a sign that they scroll."""
    sheets = [path.read_text(encoding="utf-8") for path in CSS.glob("*.css")]
    scrolling = re.findall(r"([^{}]*)\{[^{}]*overflow(?:-\w)?: auto", "".join(sheets))
    assert scrolling
    assert all(".al-" in selector for selector in scrolling)
    assert any('[class^="al-"]::-webkit-scrollbar {' in sheet for sheet in sheets)
