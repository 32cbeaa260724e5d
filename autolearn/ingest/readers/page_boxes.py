"""Write boxes that are ticked or not as signs, and what is typed into others."""

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

_SIGNS = {True: "☒", False: "☐"}
_CLASSES = {"checkbox-on": True, "checkbox-off": False}
"""Boxes of Notion."""
_TYPED = ("", "text", "number", "date", "time", "month", "email", "tel", "url")
"""Types of boxes that show their value."""
_TASKS = "inline-task-list"
"""The class of lists of tasks of Confluence, whose items are ticked by their class."""


def write_out(soup: BeautifulSoup) -> None:
    """Replace boxes of forms, and those that are drawn by their class."""
    for box in soup("input", value=True):
        if str(box.get("type", "")).lower() in _TYPED:
            _put(box, str(box["value"]))
    for box in soup("input", type=("checkbox", "radio")):
        _put(box, _SIGNS[box.has_attr("checked")])
    for box in soup.select("[role=checkbox][aria-checked], [role=radio][aria-checked]"):
        _insert(box, is_ticked=box["aria-checked"] == "true")
    for name, is_ticked in _CLASSES.items():
        for box in soup(class_=name):
            _insert(box, is_ticked=is_ticked)
    for tasks in soup(["ul", "ol"], class_=_TASKS):
        for item in tasks("li", recursive=False):
            _insert(item, is_ticked="checked" in item.get_attribute_list("class"))


def _put(box: Tag, text: str) -> None:
    after = box.next_sibling
    is_apart = isinstance(after, NavigableString) and after[:1].isspace()
    box.replace_with(NavigableString(text + " " * (not is_apart)))


def _insert(box: Tag, *, is_ticked: bool) -> None:
    box.insert(0, NavigableString(f"{_SIGNS[is_ticked]} "))
    if box.name == "div":
        box.name = "span"
