"""Write out what the styles of a page say about its text.

Programs that save documents as pages often raise, lower, strike or hide text by a style
alone, and use fonts whose letters are other signs.
"""

import re
from collections.abc import Callable

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from autolearn.ingest.readers import style_sheets, symbol_fonts
from autolearn.ingest.readers.style_sheets import declarations

_LENGTH = re.compile(r"([+-]?)(?=[\d.]*[1-9])(?:\d+\.?\d*|\.\d+)(?:[a-z]+|%)")
"""A length or a percentage other than 0."""
_SYMBOL = re.compile(r"[\"']?symbol\b", re.I)
_WINGDINGS = re.compile(r"[\"']?wingdings\b", re.I)
_SCRIPTS = {"superscript": "sup", "sup": "sup", "subscript": "sub", "sub": "sub"}
"""Usual names of classes whose style sheet may be missing."""
_BLOCKS = ("block", "flex", "grid", "list-item", "table", "table-row")
"""Values of display that begin a new line."""
_ROWS = ("flex", "inline-flex", "grid", "inline-grid", "table-row")
"""Values of display that place what is within side by side, apart from each other."""
_INLINE = ("span", "font", "em", "b", "strong", "i", "a", "small", "u")
_WITH_FONTS = ("font", "span", "p", "td")
_STRUCK = ["s", "del"]
_UNSEEN = ("hidden", "collapse")
"""Values of visibility."""


def embed(soup: BeautifulSoup, load: Callable[[str], str]) -> None:
    """Put style sheets of other files into a page.

    Args:
        soup: The page.
        load: Returns the text of a sheet by its address; empty if there is none.
    """
    for link in soup("link", rel="stylesheet", href=True):
        sheet = soup.new_tag("style")
        sheet.string = load(str(link["href"]))
        link.replace_with(sheet)


def write_out(soup: BeautifulSoup) -> None:
    """Copy rules into the style of each element, and write fonts of signs as text."""
    style_sheets.apply(soup)
    for tag in soup.find_all(True):
        own = declarations(tag)
        family = own.get("font-family", "") or str(tag.get("face", ""))
        if tag.name in _WITH_FONTS and _SYMBOL.match(family):
            _translate(tag, symbol_fonts.symbol)
        elif tag.name in _WITH_FONTS and _WINGDINGS.match(family):
            _translate(tag, symbol_fonts.wingdings)
        is_struck = "line-through" in " ".join(
            (own.get("text-decoration", ""), own.get("text-decoration-line", ""))
        )
        if is_struck or tag.name == "strike":
            _strike(tag)
        elif tag.name == "span" and own.get("display") in _BLOCKS:
            tag.name = "div"
        if own.get("display") in _ROWS and tag.name not in ("pre", "code"):
            _set_apart(tag)


def is_hidden(tag: Tag) -> bool:
    """Return whether the style of an element hides it."""
    own = declarations(tag)
    return own.get("display") == "none" or own.get("visibility") in _UNSEEN


def script(tag: Tag) -> str:
    """Return ``sup`` or ``sub`` if the style of an element raises or lowers it."""
    own = declarations(tag)
    align = own.get("vertical-align", "")
    names = tag.get_attribute_list("class") if tag.name == "span" else []
    if not align and (named := next(filter(None, map(_SCRIPTS.get, names)), "")):
        return named
    if align in ("super", "sub"):
        return align.replace("super", "sup")
    is_box = own.get("display", "inline") not in ("inline", "contents")
    if is_box or "font-size" not in own or tag.name not in _INLINE:
        return ""
    if align in ("top", "text-top"):
        return "sup"
    if match := _LENGTH.fullmatch(align):
        return "sub" if match[1] == "-" else "sup"
    if own.get("position") == "relative":
        for name, up, down in (("top", "sub", "sup"), ("bottom", "sup", "sub")):
            if match := _LENGTH.fullmatch(own.get(name, "")):
                return down if match[1] == "-" else up
    return ""


def _set_apart(tag: Tag) -> None:
    """Put spaces between elements that only their style sets apart."""
    for item in tag.find_all(True, recursive=False):
        if isinstance(item.previous_sibling, Tag):
            item.insert_before(NavigableString(" "))


def _strike(tag: Tag) -> None:
    """Mark the text of an element as struck."""
    if tag.name in ("font", "span", "strike"):
        tag.name = "s"
        return
    for string in list(tag.find_all(string=True)):
        is_text = type(string) is NavigableString and bool(string.strip())
        if is_text and not string.find_parent(_STRUCK):
            string.wrap(Tag(name="s"))


def _translate(tag: Tag, font: Callable[[str], str]) -> None:
    """Write the codes of a font of signs as the signs."""
    for string in list(tag.find_all(string=True)):
        if type(string) is NavigableString:
            string.replace_with(NavigableString(font(string)))
