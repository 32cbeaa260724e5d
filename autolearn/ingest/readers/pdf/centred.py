"""Cells of one line that stand in the middle between two lines of the cell beside them.

Each would be a separate row, apart from what it belongs to. They are therefore moved
up to the first of the two lines.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from autolearn.ingest.readers.pdf.columns import SAME_SIZE
from autolearn.ingest.readers.pdf.shapes import Line, overlap

MOST_OFF = 0.2
"""Largest distance from the middle, in font sizes."""
LEADING = 1.7
"""Largest distance of the two lines, in font sizes; nothing of the column of the line
is as near."""
LEAST_GAP = 0.9
"""Smallest distance to the cell next to it, in font sizes."""
LEAST_ROWS = 3
"""Rows of a table in which cells are centred."""
LEAST_PAIRED = 0.8
"""Smallest share of the lines next to them that are such pairs; a note in the margin is
also between lines of a text, but not between all of them.
"""

MOST_NEAR = 40
"""Lines of other columns that are compared; a page with more is a drawing."""

Pair = tuple[Line, Line]


def moved_up(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a page, those that are centred next to two of them moved.

    ``lines``: from top to bottom; so are those that are returned.
    """
    pairs = {id(line): pair for line, pair in _centred(lines)}
    if not _are_rows(list(pairs.values()), lines):
        return list(lines)
    moved = [
        _at(line, pairs[id(line)][0].base) if id(line) in pairs else line
        for line in lines
    ]
    return sorted(moved, key=lambda line: (line.base, line.x0))


def _centred(lines: Sequence[Line]) -> Iterator[tuple[Line, Pair]]:
    """Yield the lines that are between two others, and those two."""
    bases = [line.base for line in lines]
    for line in lines:
        reach = LEADING * line.size
        first, last = (
            bisect_left(bases, line.base - reach),
            bisect_right(bases, line.base + reach),
        )
        near = [other for other in lines[first:last] if other is not line]
        is_alone = not any(overlap(other, line) > 0 for other in near)
        if is_alone and len(near) <= MOST_NEAR:
            yield from ((line, pair) for pair in _pairs(line, near)[:1])


def _pairs(line: Line, near: Sequence[Line]) -> list[Pair]:
    """Return the pairs of lines that have a line in their middle."""
    beside = [
        other
        for other in near
        if abs(other.size - line.size) <= SAME_SIZE * line.size
        and max(other.x0 - line.x1, line.x0 - other.x1) >= LEAST_GAP * line.size
    ]
    return [
        (above, below)
        for above in beside
        for below in beside
        if above.base < line.base < below.base
        and abs(above.base + below.base - 2 * line.base) <= 2 * MOST_OFF * line.size
        and MOST_OFF * line.size < line.base - above.base
        and below.base - above.base <= LEADING * line.size
        and overlap(above, below) > 0
    ]


def _are_rows(pairs: Sequence[Pair], lines: Sequence[Line]) -> bool:
    """Return whether nearly all lines between the first and the last pair are pairs."""
    tops = {above.base for above, _ in pairs}
    if len(tops) < LEAST_ROWS:
        return False
    paired = {id(line) for pair in pairs for line in pair}
    end = max(below.base for _, below in pairs)
    beside = [
        line
        for line in lines
        if min(tops) <= line.base <= end
        and any(overlap(line, above) > 0 for above, _ in pairs)
    ]
    n_paired = sum(id(line) in paired for line in beside)
    return n_paired >= LEAST_PAIRED * len(beside)


def _at(line: Line, base: float) -> Line:
    """Return a line at another height."""
    step = base - line.base
    return Line([word._replace(base=word.base + step) for word in line.words])
