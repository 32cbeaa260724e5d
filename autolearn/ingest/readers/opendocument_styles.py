"""The styles of an OpenDocument file: what they say about text, and about lists."""

import re
from dataclasses import dataclass, field
from typing import Self
from xml.etree.ElementTree import Element

from autolearn.ingest.readers.packages import child, integer, tag, value
from autolearn.ingest.readers.word_code import is_monospace


@dataclass(frozen=True)
class ListLevel:
    """How the items of a level of a list begin."""

    kind: str
    """The format of the number; empty if there is none."""
    prefix: str
    suffix: str
    start: int
    n_shown: int
    """How many levels the number shows."""
    bullet: str

    @classmethod
    def of(cls, level: Element) -> Self:
        """Read the description of a level."""
        return cls(
            value(level, "num-format"),
            value(level, "num-prefix"),
            value(level, "num-suffix"),
            integer(value(level, "start-value"), 1),
            integer(value(level, "display-levels"), 1),
            value(level, "bullet-char"),
        )


@dataclass(frozen=True)
class OpenStyles:
    """The names of styles, by what they say about their text."""

    parents: dict[str, str] = field(default_factory=dict)
    above: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)
    hidden_styles: set[str] = field(default_factory=set)
    code: set[str] = field(default_factory=set)
    struck: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)
    """Styles in the font Symbol."""
    hidden_slides: set[str] = field(default_factory=set)
    levels: dict[str, dict[int, ListLevel]] = field(default_factory=dict)
    """The levels of each style of lists, from 1; those of headings have no name."""

    @classmethod
    def of(cls, roots: list[Element]) -> Self:
        """Read the parts with styles."""
        styles = cls()
        for part in (part for root in roots for part in root.iter()):
            if tag(part) == "style":
                styles._add(part)
            elif tag(part) in ("list-style", "outline-style"):
                name = value(part, "name") if tag(part) == "list-style" else ""
                styles.levels[name] = {
                    integer(value(level, "level"), 1): ListLevel.of(level)
                    for level in part
                }
        return styles

    def _add(self, style: Element) -> None:
        name = value(style, "name")
        self.parents[name] = value(style, "parent-style-name")
        text = child(style, "text-properties")
        position = value(text, "text-position").split()
        if position and (position[0] == "super" or _percent(position[0]) > 0):
            self.above.add(name)
        elif position and (position[0] == "sub" or _percent(position[0]) < 0):
            self.below.add(name)
        is_table_hidden = value(child(style, "table-properties"), "display") == "false"
        if value(text, "display") == "none" or is_table_hidden:
            self.hidden_styles.add(name)
        font = value(text, "font-name")
        is_paragraph = value(style, "family") == "paragraph"
        if (
            "Preformatted" in name
            or value(style, "display-name") == "Source Code"
            or (is_paragraph and is_monospace(font))
        ):
            self.code.add(name)
        if re.fullmatch(r"symbol\d*", font, re.I):
            self.symbols.add(name)
        if value(text, "text-line-through-style") not in ("", "none"):
            self.struck.add(name)
        page = child(style, "drawing-page-properties")
        if value(page, "visibility") == "hidden":
            self.hidden_slides.add(name)

    def has(self, kind: set[str], name: str) -> bool:
        """Return whether a style, or one that it is based on, is of a kind."""
        visited_styles: set[str] = set()
        while name and name not in visited_styles:
            if name in kind:
                return True
            visited_styles.add(name)
            name = self.parents.get(name, "")
        return False


def _percent(text: str) -> float:
    number = text.rstrip("%")
    return float(number) if number.lstrip("-").replace(".", "", 1).isdigit() else 0.0
