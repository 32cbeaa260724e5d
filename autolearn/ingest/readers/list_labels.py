"""Write the numbers of lists as documents show them: 4., (b), iii., Article 2.

A text refers to an item by its number, so a list that goes on after a paragraph goes on
counting. Readers of other formats put a mark with the label at the beginning of an
item or a paragraph; the lists of pages are numbered by their attributes.
"""

import re

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from autolearn.ingest.readers import style_sheets

ATTRIBUTE = "autolearn-label"
"""The attribute with the label of an item."""
_BEGIN, _END = "\ue0f0", "\ue0f1"
_MARK = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}")
_OWN_LABEL = re.compile(r"\s*\(?(?:\d+(?:\.\d+)*|[a-zA-Z]|[ivxIVX]{1,5})[.)]")
"""A number that the text of an item begins with."""
_FORMATS = {
    "a": "a", "A": "A", "i": "i", "I": "I", "lower-alpha": "a", "lower-latin": "a",
    "upper-alpha": "A", "upper-latin": "A", "lower-roman": "i", "upper-roman": "I",
    "lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I",
}  # fmt: skip
"""Formats other than decimal numbers, in HTML, CSS, OpenDocument and Word."""
_BOXES = frozenset("☐☑☒✓✔✗✘□■🗹")
"""Bullets that say something: whether an item is ticked."""
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MOST = 4000
"""Numbers from which on no letters or Roman numerals are written."""


def mark(label: str) -> str:
    """Return what a reader puts before the text of an item; "" if it has no number."""
    return f"{_BEGIN}{label}{_END}"


def box(bullet: str) -> str:
    """Return what stands before an item whose bullet is a box; empty for other ones."""
    return f"{bullet} " if bullet in _BOXES else ""


def number(n: int, kind: str) -> str:
    """Return a number in a format, such as ``a`` or ``lowerRoman``."""
    form = _FORMATS.get(kind, "1")
    if form == "1" or not 0 < n < _MOST:
        return str(n)
    text = _roman(n) if form in "iI" else _letters(n)
    return text.upper() if form.isupper() else text


def write_out(soup: BeautifulSoup) -> None:
    """Give each item of a numbered list its label, and write those of paragraphs."""
    for item in soup("li"):
        item.attrs.pop(ATTRIBUTE, None)
        own = [part for part in item.contents if part.get_text().strip()]
        if len(own) == 1 and isinstance(own[0], Tag) and own[0].name in ("ul", "ol"):
            item.unwrap()  # an inner list without an item of the outer one
    for numbered in soup("ol"):
        _number(numbered)
    for string in list(soup.find_all(string=_MARK)):
        labels = _MARK.findall(string)
        labelled = _item_that_begins_with(string)
        text = _MARK.sub("", string)
        if labelled is not None:
            labelled[ATTRIBUTE] = labels[0] or "-"
        elif labels[0]:
            text = f"{labels[0]} {text}"
        string.replace_with(NavigableString(text))


def _number(numbered: Tag) -> None:
    items = numbered("li", recursive=False)
    is_reversed = numbered.has_attr("reversed")
    n = _integer(numbered.get("start"), len(items) if is_reversed else 1)
    style = _style(numbered)
    kinds = (word for word in style if word in _FORMATS or word == "decimal")
    kind = next(kinds, str(numbered.get("type") or "1"))
    for item in items:
        n = _integer(item.get("value"), n)
        has_own = "none" in style and _OWN_LABEL.match(item.get_text())
        item[ATTRIBUTE] = "-" if has_own else f"{number(n, kind)}."
        n += -1 if is_reversed else 1


def _style(numbered: Tag) -> list[str]:
    """Return the words of the style of a list that say how its items are marked."""
    own = style_sheets.declarations(numbered)
    texts = (own.get(name, "") for name in ("list-style-type", "list-style"))
    return " ".join(texts).split()


def _integer(value: object, default: int) -> int:
    text = str(value or "").strip()
    is_number = re.fullmatch(r"-?[0-9]{1,9}", text)
    return int(text) if is_number else default


def _item_that_begins_with(string: NavigableString) -> Tag | None:
    """Return the item of which a string is the first text."""
    item = string.find_parent("li")
    first = item.find(string=lambda text: bool(text.strip())) if item else None
    return item if first is string else None


def _roman(n: int) -> str:
    text = ""
    for value, sign in _ROMAN:
        text += sign * (n // value)
        n %= value
    return text


def _letters(n: int) -> str:
    """Return a letter; after z, Word and CSS go on with aa."""
    text = ""
    while n > 0:
        n, rest = divmod(n - 1, 26)
        text = chr(ord("a") + rest) + text
    return text
