"""Write out what the styles of a page say about its text.

Programs that save documents as pages often raise, lower, strike or hide text by a style
alone, and use fonts whose letters are other signs. Only selectors that name a class or
an id of the element itself are followed.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from autolearn.ingest.readers import symbol_fonts

Declarations = dict[str, str]
"""The values of properties, by their names."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.S)
_BRACE = re.compile(r"([{}])")
_SELECTOR = re.compile(r"([a-z]\w*)?((?:[.#][\w-]+)+)", re.I)
_NAME = re.compile(r"[.#][\w-]+")
_EVERYWHERE = re.compile(r"@media\s+(?:only\s+)?(?:screen|all)\s*", re.I)
_RELEVANT = (
    "vertical-align", "position", "top", "bottom", "font-size", "display",
    "visibility", "text-decoration", "text-decoration-line", "font-family",
)  # fmt: skip
_LENGTH = re.compile(r"([+-]?)(?=[\d.]*[1-9])(?:\d+\.?\d*|\.\d+)(?:[a-z]+|%)")
"""A length or a percentage other than 0."""
_SYMBOL = re.compile(r"[\"']?symbol\b", re.I)
_WINGDINGS = re.compile(r"[\"']?wingdings\b", re.I)
_SCRIPTS = {"superscript": "sup", "sup": "sup", "subscript": "sub", "sub": "sub"}
"""Usual names of classes whose style sheet may be missing."""
_BLOCKS = ("block", "flex", "grid", "list-item", "table", "table-row")
"""Values of display that begin a new line."""
_INLINE = ("span", "font", "em", "b", "strong", "i", "a", "small", "u")

_Rules = dict[str, list[tuple[str, frozenset[str], Declarations]]]
"""For a class or an id: the element, all classes and ids, and what is declared."""


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
    sheets = ("".join(sheet.find_all(string=True)) for sheet in soup("style"))
    rules = list(map(_rules, sheets))
    if any(rules):
        for tag in soup.find_all(True):
            _apply(tag, rules)
    for tag in soup.find_all(["font", "span", "p", "td"]):
        own = declarations(tag)
        family = own.get("font-family", "") or str(tag.get("face", ""))
        if _SYMBOL.match(family):
            _translate(tag, symbol_fonts.symbol)
        elif _WINGDINGS.match(family):
            _translate(tag, symbol_fonts.wingdings)
        is_struck = "line-through" in " ".join(
            (own.get("text-decoration", ""), own.get("text-decoration-line", ""))
        )
        if is_struck and tag.name in ("font", "span"):
            tag.name = "s"
        elif tag.name == "span" and own.get("display") in _BLOCKS:
            tag.name = "div"


def declarations(tag: Tag) -> Declarations:
    """Return what the style of an element declares, the last value of each property."""
    style = tag.get("style")
    return _declarations(str(style)) if style else {}


def is_hidden(tag: Tag) -> bool:
    """Return whether the style of an element hides it."""
    own = declarations(tag)
    return own.get("display") == "none" or own.get("visibility") == "hidden"


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


def _apply(tag: Tag, rules: list[_Rules]) -> None:
    names = {f".{name}" for name in tag.get_attribute_list("class") if name}
    if tag.get("id"):
        names.add(f"#{tag['id']}")
    found = {
        key: text
        for sheet in rules
        for name in sorted(names)
        for element, all_names, declared in sheet.get(name, ())
        if element in ("", tag.name) and all_names <= names
        for key, text in declared.items()
    }
    if found:
        style = "".join(f"{key}:{text};" for key, text in found.items())
        tag["style"] = style + str(tag.get("style", ""))


@lru_cache(maxsize=64)
def _declarations(style: str) -> Declarations:
    values: Declarations = {}
    for declaration in style.split(";"):
        name, _, text = declaration.partition(":")
        name = name.strip().lower()
        if name in _RELEVANT:
            text = text.lower().replace("!important", "").strip()
            values[name] = text
    return values


@lru_cache(maxsize=16)
def _rules(sheet: str) -> _Rules:
    """Return the rules of a style sheet that matter, by a class or an id of each."""
    rules: _Rules = {}
    for selectors, body in _blocks(_COMMENT.sub("", sheet)):
        if declared := _declarations(body):
            for selector in selectors.split(","):
                if match := _SELECTOR.fullmatch(selector.strip()):
                    names = frozenset(_NAME.findall(match[2]))
                    rule = ((match[1] or "").lower(), names, declared)
                    rules.setdefault(min(names), []).append(rule)
    return rules


def _blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield the selectors and the body of each rule that holds on a screen."""
    open_blocks: list[str] = []
    parts = _BRACE.split(sheet)
    for text, brace in zip(parts[::2], parts[1::2], strict=False):
        if brace == "{":
            open_blocks.append(text.rpartition(";")[2].strip())
        elif open_blocks:
            selectors = open_blocks.pop()
            if selectors[:1] != "@" and all(map(_EVERYWHERE.fullmatch, open_blocks)):
                yield selectors, text


def _translate(tag: Tag, font: Callable[[str], str]) -> None:
    """Write the codes of a font of signs as the signs."""
    for string in list(tag.find_all(string=True)):
        if type(string) is NavigableString:
            string.replace_with(NavigableString(font(string)))
