"""Find bullets of lists that are drawn as discs, circles or squares.

Browsers draw them so. Without them, nothing would divide the items of a list.
"""

from collections.abc import Iterator, Sequence

from autolearn.ingest.readers.pdf.drawn_boxes import MOST_BOXES, Shape
from autolearn.ingest.readers.pdf.shapes import SPACE, Word

BULLET = "\u2022"
SMALLEST, LARGEST = 0.15, 0.6
"""Sides of a bullet, in sizes of its text."""
UNEQUAL = 0.2
"""Largest difference of its sides, as a share of the longer one."""
LOWEST, HIGHEST = 0.1, 0.55
"""Place of its middle above the baseline, in sizes of its text."""
NEAREST, FARTHEST = 0.2, 2.0
"""Distance to its text, in sizes of the text."""
LEAST_ITEMS = 2
"""Bullets under one another with text under one another. A single one says nothing."""
LEAST_LETTERS = 3
"""Letters of a word; shorter ones may name points of a drawing."""
ALONE = 1.0
"""Distance to the text on its other side, in sizes of the text."""


def words(shapes: Sequence[Shape], page_words: Sequence[Word]) -> Iterator[Word]:
    """Yield a bullet for each small shape before a line, if several make a list."""
    spots = [shape for shape in shapes if _is_even(shape)]
    order = max((word.order for word in page_words), default=0) + 2
    lists: dict[tuple[int, int], dict[float, tuple[Shape, Word]]] = {}
    for spot in spots if len(spots) <= MOST_BOXES else ():
        if after := _text_after(spot, page_words):
            places = round(spot.x0), round(after.x0)
            lists.setdefault(places, {})[after.base] = spot, after
    for items in lists.values():
        n_words = sum(_is_word(after.text) for _, after in items.values())
        if len(items) < LEAST_ITEMS or 2 * n_words < len(items):
            continue  # dots in a drawing, some with a letter beside
        for spot, after in items.values():
            bullet = after._replace(text=BULLET, x0=spot.x0, x1=spot.x1)
            yield bullet._replace(order=order, space=SPACE, script="")
            order += 2


def _text_after(spot: Shape, page_words: Sequence[Word]) -> Word | None:
    """Return the first word of the line that a shape stands before, if any."""
    beside = [word for word in page_words if _is_level(spot, word)]
    right = [word for word in beside if word.x0 >= spot.x1]
    left = max((word.x1 for word in beside if word.x0 < spot.x1), default=0.0)
    if not right:
        return None
    after = min(right, key=lambda word: word.x0)
    gap = (after.x0 - spot.x1) / after.size
    is_alone = left < spot.x0 - ALONE * after.size
    is_bullet = NEAREST < gap < FARTHEST and is_alone and not after.left_out
    return after if is_bullet else None


def _is_word(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= LEAST_LETTERS


def _is_even(shape: Shape) -> bool:
    width, height = shape.x1 - shape.x0, shape.bottom - shape.top
    return not shape.is_square and min(width, height) >= (1 - UNEQUAL) * max(
        width, height, 1.0
    )


def _is_level(spot: Shape, word: Word) -> bool:
    """Return whether a shape stands where a bullet before a word would."""
    rise = word.base - (spot.top + spot.bottom) / 2
    side = spot.bottom - spot.top
    return (
        LOWEST * word.size < rise < HIGHEST * word.size
        and SMALLEST * word.size < side < LARGEST * word.size
    )
