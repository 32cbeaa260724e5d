"""Find check boxes that are drawn as lines, and whether they are ticked.

A box is a small empty square next to a text. A cross, a hook or a spot within it, drawn
or typed, is a tick. Squares that touch one another are cells of a table or places for
letters, and coloured ones explain a chart.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autolearn.ingest.readers.pdf.forms import EMPTY, TICK, on_baseline
from autolearn.ingest.readers.pdf.shapes import SPACE, Word

SMALLEST, LARGEST = 5.0, 18.0
"""Sides of a box, in points."""
UNEQUAL = 0.2
"""Largest difference of its sides, as a share of the longer one."""
FARTHEST = 2.5
"""Distance of a box from its text, in sides of the box."""
MOST_BOXES = 400
"""Squares on a page; a page with more is a drawing."""
_TICKS = frozenset("xX\u00d7\u2713\u2714\u2715\u2716\u2717\u2718\u2022\u25cf\u25a0")


class Shape(NamedTuple):
    """The area of a small path."""

    x0: float
    top: float
    x1: float
    bottom: float
    is_square: bool
    """Whether it is the outline of an empty rectangle."""
    is_coloured: bool
    """Whether it is filled with a colour that is neither dark nor white."""
    is_filled_square: bool = False
    """Whether it is a rectangle that is filled with a colour other than white."""
    is_stroke: bool = False
    """Whether it is drawn and not filled."""

    def holds(self, x: float, y: float) -> bool:
        """Return whether a point is inside."""
        return self.x0 < x < self.x1 and self.top < y < self.bottom

    def holds_middle(self, other: "Shape") -> bool:
        """Return whether the middle of another area is inside."""
        return self.holds((other.x0 + other.x1) / 2, (other.top + other.bottom) / 2)


def words(shapes: Sequence[Shape], page_words: list[Word]) -> Iterator[Word]:
    """Yield a sign for each box; take typed ticks out of the words of the page."""
    boxes = list(_boxes(shapes))
    boxes = [*boxes, *_filled(shapes, boxes)]
    marks = [shape for shape in shapes if not shape.is_square]
    order = max((word.order for word in page_words), default=0) + 2
    for box in boxes if len(boxes) <= MOST_BOXES else ():
        inside = [w for w in page_words if box.holds((w.x0 + w.x1) / 2, _middle(w))]
        is_typed = bool(inside) and all(word.text in _TICKS for word in inside)
        if (inside and not is_typed) or not _has_text_beside(box, page_words):
            continue
        for word in inside:
            page_words.remove(word)
        within = list(filter(box.holds_middle, marks))
        if any(mark.is_coloured for mark in within) and not box.is_filled_square:
            continue
        side = box.bottom - box.top
        text = TICK if is_typed or within or box.is_filled_square else EMPTY
        place = (box.x0, box.x1, box.bottom - 0.1 * side)
        sign = Word(text, *place, round(side, 1), False, False, order, SPACE)
        yield on_baseline(sign, (box.x0, box.top, box.x1, box.bottom), page_words)
        order += 2


def _middle(word: Word) -> float:
    return word.base - 0.3 * word.size


def _boxes(shapes: Sequence[Shape]) -> Iterator[Shape]:
    """Yield the squares that stand alone."""
    squares = [shape for shape in shapes if shape.is_square]
    for box in squares:
        if not any(other is not box and _touch(box, other) for other in squares):
            yield box


def _filled(shapes: Sequence[Shape], boxes: Sequence[Shape]) -> Iterator[Shape]:
    """Yield the filled squares that are ticked boxes; others may be bullets.

    They are dark and as large as a box, or a tick is drawn on them, as browsers do.
    """
    strokes = [shape for shape in shapes if shape.is_stroke and not shape.is_square]
    for square in shapes:
        if not square.is_filled_square or any(_touch(square, box) for box in boxes):
            continue
        if any(map(square.holds_middle, strokes)) or (
            not square.is_coloured and any(_are_as_large(square, box) for box in boxes)
        ):
            yield square


def _are_as_large(a: Shape, b: Shape) -> bool:
    sides = ((a.x1 - a.x0, b.x1 - b.x0), (a.bottom - a.top, b.bottom - b.top))
    return all(abs(side - other) < 1 for side, other in sides)


def _touch(a: Shape, b: Shape) -> bool:
    return (
        a.x0 - 1.5 <= b.x1
        and b.x0 - 1.5 <= a.x1
        and a.top - 1.5 <= b.bottom
        and b.top - 1.5 <= a.bottom
    )


def _has_text_beside(box: Shape, page_words: Sequence[Word]) -> bool:
    side = box.bottom - box.top
    reach = FARTHEST * side
    return any(
        box.top < _middle(word) < box.bottom
        and (-1 < word.x0 - box.x1 < reach or -1 < box.x0 - word.x1 < reach)
        and word.text not in (TICK, EMPTY)
        for word in page_words
    )
