"""Find the order in which the parts of a page are read.

Lines under one another become columns. Then the rules of Breuel (2003, "High
performance document layout analysis") order the columns: a part is read before what is
under it, and before what is on its right unless a wider part is between them.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from autolearn.ingest.readers.pdf import line_text
from autolearn.ingest.readers.pdf.shapes import Box, Line, bounds, overlap

MOST_PARTS = 250
"""Parts that are compared in pairs; a page with more is read from top to bottom."""
SAME_SIZE = 0.2
"""Largest difference of the sizes of two lines of one column."""
MAX_LINE_GAP = 1.6
"""Largest distance of two lines of one column, in font sizes."""
NARROW = 0.15
"""An overlap of this share of the narrower part counts as being under it."""
SAME_TYPE = 0.05
"""Largest difference of the sizes of lines of two columns of one text."""


class ColumnPart:
    """Lines under one another, or one other thing on the page."""

    def __init__(self, items: list[Box]) -> None:
        self.items = items
        self.x0, self.top, self.x1, self.bottom = bounds(items)

    def _overlaps(self, other: "ColumnPart") -> bool:
        narrow = min(self.x1 - self.x0, other.x1 - other.x0)
        return overlap(self, other) > max(1.0, NARROW * narrow)

    def is_over(self, other: "ColumnPart") -> bool:
        """Return whether the other part is under this one."""
        is_higher = self.top + self.bottom < other.top + other.bottom
        return is_higher and self._overlaps(other)

    def is_left_of(self, other: "ColumnPart") -> bool:
        """Return whether the other part is to the right of this one."""
        return self.x0 + self.x1 < other.x0 + other.x1 and not self._overlaps(other)

    def divides(self, a: "ColumnPart", b: "ColumnPart") -> bool:
        """Return whether this part is between two others, one higher than it."""
        middle = self.top + self.bottom
        low, high = sorted((a.top + a.bottom, b.top + b.bottom))
        return low < middle < high and overlap(self, a) > 1 and overlap(self, b) > 1


def ordered(items: Sequence[Box], *, is_rtl: bool = False) -> list[Box]:
    """Return lines and other things on a page in the order in which they are read.

    Args:
        items: What is on the page.
        is_rtl: Whether what is on the right is read first.
    """
    parts = _parts(sorted(items, key=lambda item: (item.bottom, item.x0)))
    if is_rtl:
        for part in parts:
            part.x0, part.x1 = -part.x1, -part.x0
    if len(parts) > MOST_PARTS:
        parts.sort(key=lambda part: (round(part.top), part.x0))
    else:
        _widen(parts)
        parts = _sorted(parts)
    return [item for part in parts for item in part.items]


def _widen(parts: Sequence[ColumnPart]) -> None:
    """Make a heading as wide as the text directly below it.

    It belongs to the same column, which what is over both may be wider than.
    """
    for part in parts:
        height = part.bottom - part.top
        if len(part.items) > 1:
            continue
        for below in parts:
            if (
                len(below.items) > 1
                and abs(below.x0 - part.x0) < height
                and -1 < below.top - part.bottom < height
                and not any(_is_beside(part, below, other) for other in parts)
            ):
                part.x1 = max(part.x1, below.x1)


def _is_beside(part: ColumnPart, below: ColumnPart, other: ColumnPart) -> bool:
    """Return whether something is on the right of a heading, over the text below."""
    is_level = other.top < part.bottom and part.top < other.bottom
    return other is not part and is_level and part.x1 - 1 < other.x0 < below.x1


def columns(lines: Sequence[Line]) -> list[list[Line]]:
    """Return lines that are closely under one another."""
    parts = _parts(sorted(lines, key=lambda line: (line.bottom, line.x0)))
    return [[item for item in part.items if isinstance(item, Line)] for part in parts]


class _Chain:
    """Lines under one another, and where the next column begins on their right."""

    def __init__(self) -> None:
        self.items: list[Box] = []
        self._limit = math.inf

    def add(self, item: Box, limit: float) -> None:
        """Add the next item, and where what is on its right begins."""
        self.items.append(item)
        self._limit = min(self._limit, limit)

    def is_left_by(self, line: Line) -> bool:
        """Return whether a line is under the next column as well.

        One that continues a sentence only flows around something.
        """
        is_across = line.x1 > self._limit + 1
        return is_across and not line_text.text(line)[:1].islower()


def _parts(items: list[Box]) -> list[ColumnPart]:
    """Return the columns: chains of lines that each have one neighbour below.

    Args:
        items: Parts of the page from top to bottom.
    """
    above = [_neighbours(items, i) for i in range(len(items))]
    n_below = Counter(j for neighbours in above for j in neighbours)
    chains: dict[int, _Chain] = {}
    chain_of: dict[int, int] = {}
    for i, (item, limit) in enumerate(zip(items, _limits(items), strict=True)):
        before = above[i][0] if len(above[i]) == 1 else None
        is_next = (
            before is not None
            and isinstance(item, Line)
            and n_below[before] == 1
            and _is_alike(items[before], item)
            and not chains[chain_of[before]].is_left_by(item)
        )
        chain_of[i] = chain_of[before] if is_next and before is not None else i
        chains.setdefault(chain_of[i], _Chain()).add(item, limit)
    return [ColumnPart(chain.items) for chain in chains.values()]


def _limits(items: list[Box]) -> Iterator[float]:
    """Yield where the nearest line of the same type begins on the right of each item.

    Args:
        items: Parts of the page from top to bottom.
    """
    bottoms = [item.bottom for item in items]
    for item in items:
        first = bisect_right(bottoms, item.top)
        last = bisect_left(bottoms, item.bottom + item.bottom - item.top)
        yield min(
            (
                other.x0
                for other in items[first:last]
                if other.x0 > item.x1 and _is_alike(item, other, SAME_TYPE)
            ),
            default=math.inf,
        )


def _neighbours(items: list[Box], i: int) -> list[int]:
    """Return the parts directly above a part."""
    item, matches = items[i], []
    reach = MAX_LINE_GAP * (item.bottom - item.top)
    for j in range(i - 1, -1, -1):
        distance = item.bottom - items[j].bottom
        if distance > reach:
            break
        if distance > 0 and overlap(item, items[j]) > 1:
            matches.append(j)
    return matches


def _is_alike(a: Box, b: Box, most: float = SAME_SIZE) -> bool:
    return (
        isinstance(a, Line)
        and isinstance(b, Line)
        and abs(a.size - b.size) <= most * max(a.size, b.size)
    )


def _sorted(parts: list[ColumnPart]) -> list[ColumnPart]:
    parts.sort(key=lambda part: (part.top, part.x0))
    if not _stand_side_by_side(parts):
        return parts
    waiting = {i: _before(parts, i) for i in range(len(parts))}
    result: list[ColumnPart] = []
    while waiting:
        free = [i for i, before in waiting.items() if not before]
        i = free[0] if free else min(waiting)
        del waiting[i]
        for before in waiting.values():
            before.discard(i)
        result.append(parts[i])
    return result


def _stand_side_by_side(parts: list[ColumnPart]) -> bool:
    """Return whether any two parts, sorted by their tops, have the same height."""
    return any(b.top < a.bottom - 1 for a, b in pairwise(parts))


def _before(parts: list[ColumnPart], i: int) -> set[int]:
    """Return the parts that are read before a part."""
    part = parts[i]
    return {
        j
        for j, other in enumerate(parts)
        if j != i
        and (
            other.is_over(part)
            or (
                other.is_left_of(part)
                and not any(third.divides(other, part) for third in parts)
            )
        )
    }
