"""Count the items of the lists of a Word document, whose numbers are not in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self
from xml.etree.ElementTree import Element

from autolearn.ingest.readers import list_labels, symbol_fonts
from autolearn.ingest.readers.packages import (
    child,
    children,
    integer,
    is_on,
    tag,
    value,
)

_PLACE = re.compile(r"%([1-9])")
"""Where the text of a level has the number of a level, the first of which is 1."""
_MOST_BASES = 16
"""Most styles that are based on each other."""


@dataclass(frozen=True)
class _Level:
    """How the items of a level of a list are numbered."""

    kind: str
    """The format, such as ``decimal``, ``bullet`` or ``none``."""
    text: str
    start: int
    is_legal: bool
    """Whether the numbers of all levels are decimal."""
    restart: int
    """How many of the levels above begin it anew; 0 if it goes on counting."""

    @classmethod
    def of(cls, level: Element) -> Self:
        depth = integer(value(level, "ilvl"), 0)
        return cls(
            value(child(level, "numFmt")) or "decimal",
            value(child(level, "lvlText")),
            integer(value(child(level, "start")), 1),
            is_on(child(level, "isLgl")),
            integer(value(child(level, "lvlRestart")), depth),
        )


@dataclass
class _Numbering:
    """A list as it is used: the levels of its description, and where it begins."""

    shape: str
    """The id of the description, whose lists go on counting together."""
    levels: dict[int, _Level]
    starts: dict[int, int]
    """The numbers with which the levels of this list begin anew."""


@dataclass
class WordLists:
    """Counts the items of the lists of a document, in their order."""

    numberings: dict[str, _Numbering] = field(default_factory=dict)
    by_style: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The list and the level of the paragraphs of a style."""
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, numbering: Element, styles: Element | None) -> Self:
        """Read the parts that describe the lists and the styles."""
        shapes = {
            value(shape, "abstractNumId"): shape
            for shape in children(numbering, "abstractNum")
        }
        numberings = {
            value(part, "numId"): _numbering(part, shapes)
            for part in children(numbering, "num")
        }
        return cls(numberings, _by_style(numberings, numbering, styles))

    def mark(self, paragraph: Element) -> str:
        """Count a paragraph; return what stands before its text, empty if nothing."""
        number, depth = self._place(paragraph)
        numbering = self.numberings.get(number)
        level = numbering.levels.get(depth) if numbering else None
        if numbering is None or level is None:
            return ""
        if level.kind == "bullet":
            return list_labels.box(level.text.translate(symbol_fonts.BULLETS))
        counts = self._counts.setdefault(numbering.shape, {})
        start = numbering.starts.pop(depth, None)
        before = counts.get(depth, level.start - 1) if start is None else start - 1
        counts[depth] = before + 1
        for other in range(depth):  # an item within no item begins one
            if other in numbering.levels:
                counts.setdefault(other, numbering.levels[other].start)
        for deeper in [other for other in counts if other > depth]:
            own = numbering.levels.get(deeper)
            if own is None or depth < own.restart:
                del counts[deeper]
        return list_labels.mark(_label(numbering.levels, level, counts))

    def _place(self, paragraph: Element) -> tuple[str, int]:
        """Return the list and the level of a paragraph."""
        properties = child(paragraph, "pPr")
        number, depth = self.by_style.get(value(child(properties, "pStyle")), ("", 0))
        own = child(properties, "numPr")
        return (
            value(child(own, "numId")) or number,
            integer(value(child(own, "ilvl")), depth),
        )


def _label(levels: dict[int, _Level], level: _Level, counts: dict[int, int]) -> str:
    def written(match: re.Match[str]) -> str:
        depth = int(match[1]) - 1
        other = levels.get(depth, level)
        n = counts.get(depth, other.start)
        return list_labels.number(n, "decimal" if level.is_legal else other.kind)

    text = "" if level.kind == "none" else _PLACE.sub(written, level.text)
    return text.strip()


def _numbering(part: Element, shapes: dict[str, Element]) -> _Numbering:
    shape = value(child(part, "abstractNumId"))
    levels = {
        integer(value(level, "ilvl"), 0): _Level.of(level)
        for level in children(shapes.get(shape), "lvl")
    }
    starts = {}
    for change in children(part, "lvlOverride"):
        depth = integer(value(change, "ilvl"), 0)
        if (level := child(change, "lvl")) is not None:
            levels[depth] = _Level.of(level)
        if start := value(child(change, "startOverride")):
            starts[depth] = integer(start, 1)
    return _Numbering(shape, levels, starts)


def _by_style(
    numberings: dict[str, _Numbering], numbering: Element, styles: Element | None
) -> dict[str, tuple[str, int]]:
    """Return the list and the level of each style that has them."""
    depths = {
        value(child(level, "pStyle")): integer(value(level, "ilvl"), 0)
        for level in numbering.iter()
        if tag(level) == "lvl"
    }
    parts = {value(style, "styleId"): style for style in children(styles, "style")}
    places = {}
    for name in parts:
        for based_on in _bases(name, parts):
            properties = child(parts[based_on], "pPr", "numPr")
            if number := value(child(properties, "numId")):
                depth = integer(value(child(properties, "ilvl")), 0)
                places[name] = number, depths.get(name, depths.get(based_on, depth))
                break
    return {name: place for name, place in places.items() if place[0] in numberings}


def _bases(name: str, parts: dict[str, Element]) -> Iterator[str]:
    """Yield a style and those that it is based on."""
    for _ in range(_MOST_BASES):
        if name not in parts:
            return
        yield name
        name = value(child(parts[name], "basedOn"))
