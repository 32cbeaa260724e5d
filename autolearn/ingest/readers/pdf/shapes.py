"""Words and lines on a page, by their place.

Coordinates are points from the top left corner of the page as a person sees it: x grows
to the right, y grows downwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

ASCENT, DESCENT = 0.75, 0.25
"""Height above and depth below the baseline of a line, in sizes of its font."""

NEARLY_ALL = 0.9
"""Share of the characters of a line that are bold, or of one width."""

Script = Literal["", "super", "sub"]


Point = tuple[float, float]
Bounds = tuple[float, float, float, float]
"""Left, upper, right and lower edge."""


class Word(NamedTuple):
    """Characters without white space that are drawn in one font."""

    text: str
    x0: float
    x1: float
    base: float
    """Its baseline."""
    size: float
    """Size of the font, in points."""
    bold: bool
    mono: bool
    """Whether all characters of the font have the same width."""
    order: int
    """Its place among the words as they are drawn."""
    space: int
    """White space before it: none, ``GAP`` or ``SPACE``."""
    left_out: str = ""
    """Why it is not part of the text; empty if it is."""
    script: Script = ""


CLEAR_BULLETS = (
    "\u2022\u2023\u2043\u25a0\u25a1\u25aa\u25b6\u25b8\u25ba\u25c6\u25cb\u25cf\u25e6"
    "\u2610-\u2612\u2666\u2713\u2714\u2756\u27a2\u27a4"
)
"""Signs that mark list items, for the class of a regular expression."""
BULLETS = f"-*\u2013{CLEAR_BULLETS}"
"""These and others that mark list items before a space."""
GAP, SPACE = 1, 2
"""A gap between drawn words, and a space character in the file."""


class Box(Protocol):
    """An object with a place on the page."""

    @property
    def x0(self) -> float:
        """Left edge."""

    @property
    def x1(self) -> float:
        """Right edge."""

    @property
    def top(self) -> float:
        """Upper edge."""

    @property
    def bottom(self) -> float:
        """Lower edge."""


@dataclass
class Line:
    """Words on one baseline without a wide gap, from left to right."""

    words: list[Word]
    base: float = field(init=False)
    size: float = field(init=False)
    x0: float = field(init=False)
    x1: float = field(init=False)
    text: str | None = field(init=False, default=None)
    """The cached result of ``line_text.text``."""
    is_rtl: bool | None = field(init=False, default=None)
    """The cached result of ``columns.is_rtl``."""

    def __post_init__(self) -> None:
        """Measure the line by the words that are not raised or lowered."""
        words = self.words
        body = [word for word in words if not word.script] or words
        longest = body[0]
        if any(word.size != longest.size or word.base != longest.base for word in body):
            longest = max(body, key=_weight)
        self.base, self.size = longest.base, longest.size
        self.x0 = min([word.x0 for word in words])
        self.x1 = max([word.x1 for word in words])

    def __reduce__(self) -> tuple[object, ...]:
        """Return how to pickle it: plain tuples take a third of the time of words."""
        return _unpickled, (list(map(tuple, self.words)), self.text)

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.base - ASCENT * self.size

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.base + DESCENT * self.size

    @property
    def characters(self) -> str:
        """The characters of its words, without the spaces between them."""
        return "".join([word.text for word in self.words])

    @property
    def bold(self) -> bool:
        """Whether nearly all of it is bold."""
        return self.words[0].bold and _share([w.bold for w in self.words], self.words)

    @property
    def mono(self) -> bool:
        """Whether all of it is in a font of one width."""
        return self.words[0].mono and _share([w.mono for w in self.words], self.words)


def _unpickled(words: list[tuple[Any, ...]], text: str | None) -> Line:
    line = Line(list(map(Word._make, words)))
    line.text = text
    return line


def _weight(word: Word) -> float:
    return len(word.text) * word.size


def _share(flags: list[bool], words: list[Word]) -> bool:
    """Return whether nearly all characters have a flag."""
    if all(flags):
        return True
    n = sum(len(word.text) for word, flag in zip(words, flags, strict=True) if flag)
    return n > NEARLY_ALL * sum(len(word.text) for word in words)


class Area(NamedTuple):
    """A rectangle that is filled with a colour."""

    x0: float
    top: float
    x1: float
    bottom: float


class RulingLine(NamedTuple):
    """A straight line that is drawn along an axis, or the edge of a filled area."""

    x0: float
    y0: float
    x1: float
    y1: float
    area: Area | None = None
    """The area whose edge it is; None if it is drawn as a line."""

    @property
    def ends(self) -> tuple[float, float, float, float]:
        """The places where it begins and ends."""
        return self.x0, self.y0, self.x1, self.y1

    @property
    def is_horizontal(self) -> bool:
        """Whether it runs from left to right."""
        return self.y1 - self.y0 <= self.x1 - self.x0


class Direction(NamedTuple):
    """Where places in coordinates of turned text are on the page."""

    origin: Point
    right: Point
    """The step on the page for one point along a turned line."""
    down: Point
    """The step on the page for one point from a turned line to the next one."""

    def place(self, x: float, y: float) -> Point:
        """Return a point on the page."""
        (x0, y0), (x1, y1), (x2, y2) = self
        return x0 + x * x1 + y * x2, y0 + x * y1 + y * y2


class PageContent(NamedTuple):
    """The content that is drawn on one page."""

    width: float
    height: float
    words: list[Word]
    turned_words: list[tuple[Direction, list[Word]]]
    """Words that run in other directions, each list in its own coordinates."""
    rules: list[RulingLine]
    is_blank: bool
    """Whether nothing at all is drawn."""


def between(a: Point, b: Point) -> Bounds:
    """Return the left, upper, right and lower edge of the area between two corners."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])


def overlap(a: Box, b: Box) -> float:
    """Return the horizontal overlap of two boxes."""
    return min(a.x1, b.x1) - max(a.x0, b.x0)


def bounds(boxes: Iterable[Box]) -> Bounds:
    """Return left, upper, right and lower edge around boxes."""
    boxes = list(boxes)
    return (
        min(box.x0 for box in boxes),
        min(box.top for box in boxes),
        max(box.x1 for box in boxes),
        max(box.bottom for box in boxes),
    )


class TurnedLines(NamedTuple):
    """Lines that run in another direction, in their own coordinates."""

    direction: Direction
    lines: list[Line]


@dataclass
class PageTable:
    """A table and its place on the page."""

    rows: list[list[list[Line]]]
    """The lines of each cell; a cell that spans several repeats its lines."""
    has_head: bool
    """Whether the first row names the columns."""
    x0: float
    top: float
    x1: float
    bottom: float
    titles: list[list[Line]] = field(default_factory=list)
    """The texts above the names of the columns, from side to side."""
    is_ruled: bool = False
    """Whether lines are drawn between its cells."""
