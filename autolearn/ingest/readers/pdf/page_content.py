"""Take what is drawn on a page: words in their directions, fields and rules."""

import unicodedata
from contextlib import closing

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from autolearn.ingest.readers.pdf import (
    drawn_boxes,
    drawn_bullets,
    forms,
    glyphs,
    rules,
)
from autolearn.ingest.readers.pdf.glyphs import NO_UNICODE
from autolearn.ingest.readers.pdf.page_view import View
from autolearn.ingest.readers.pdf.shapes import (
    Direction,
    PageContent,
    Point,
    Word,
)

TWICE = "drawn twice"
TWICE_DISTANCE = 0.15
"""Distance of a word that is drawn twice, in sizes of its font."""


def of_page(document: pdfium.PdfDocument, number: int) -> PageContent:
    """Return the content that is drawn on a page.

    Raises:
        PdfiumError: The page cannot be loaded.
    """
    with closing(document[number]) as page, closing(page.get_textpage()) as text:
        view = View(page)
        words_by_angle = glyphs.words(text, view)
        angle = _main_angle(words_by_angle)
        frame = _TurnedPage(angle, *page.get_size())

        def to_page(x: float, y: float) -> Point:
            return frame.place(*view.place(x, y))

        words = frame.moved(_with_bullets(_once(words_by_angle.pop(angle))))
        words += forms.words(document, page, to_page, list(words))
        rulings, shapes = rules.drawn(page, to_page)
        words += list(drawn_boxes.words(shapes, words))
        words += list(drawn_bullets.words(shapes, words))
        return PageContent(
            *frame.size,
            words,
            [
                (frame.direction(a), turned_words)
                for a, turned_words in words_by_angle.items()
            ],
            rulings,
            is_blank=not pdfium_c.FPDFPage_CountObjects(page.raw),
        )


def _main_angle(words_by_angle: dict[int, list[Word]]) -> int:
    """Return the angle at which most characters run."""
    if len(words_by_angle) == 1:
        return next(iter(words_by_angle))
    return max(
        words_by_angle,
        key=lambda angle: sum(len(word.text) for word in words_by_angle[angle]),
    )


class _TurnedPage:
    """Turns a page so that most of its lines run from left to right."""

    def __init__(self, angle: int, width: float, height: float) -> None:
        self._angle, self._width, self._height = angle, width, height
        self.size = (height, width) if angle in (90, 270) else (width, height)

    def place(self, x: float, y: float) -> Point:
        """Return a point of the page as seen in the turned page."""
        if self._angle == 0:
            return x, y
        if self._angle == 90:
            return self._height - y, x
        if self._angle == 180:
            return self._width - x, self._height - y
        return y, self._width - x

    def direction(self, angle: int) -> Direction:
        """Return where text that runs at an angle on the page as seen is."""

        def to_page(x: float, y: float) -> Point:
            corners = {0: (x, y), 90: (y, -x), 180: (-x, -y), 270: (-y, x)}[angle]
            return self.place(*corners)

        (x0, y0), (x1, y1), (x2, y2) = to_page(0, 0), to_page(1, 0), to_page(0, 1)
        return Direction((x0, y0), (x1 - x0, y1 - y0), (x2 - x0, y2 - y0))

    def moved(self, words: list[Word]) -> list[Word]:
        """Return words whose places are measured from the corner of the turned page."""
        x, y = {
            0: (0.0, 0.0),
            90: (self._height, 0.0),
            180: (self._width, self._height),
            270: (0.0, self._width),
        }[self._angle]
        if not self._angle:
            return words
        return [
            word._replace(x0=word.x0 + x, x1=word.x1 + x, base=word.base + y)
            for word in words
        ]


def _once(words: list[Word]) -> list[Word]:
    """Mark words that are drawn twice at one place, as some bold type is."""
    last: dict[str, Word] = {}
    new_words = []
    for word in words:
        before = last.get(word.text)
        if before and len(word.text) > 1 and _is_twice(before, word):
            word = word._replace(left_out=TWICE)
        else:
            last[word.text] = word
        new_words.append(word)
    return new_words


def _with_bullets(words: list[Word]) -> list[Word]:
    """Return words with a bullet for each sign without Unicode before a line.

    Such signs come from fonts of ornaments.
    """
    result = list(words)
    for i, word in enumerate(words[:-1]):
        after, before = words[i + 1], words[i - 1] if i else None
        if (
            word.left_out == NO_UNICODE
            and len(word.text) == 1
            and not after.left_out
            and _is_beside(word, after)
            and (before is None or not _is_beside(before, word))
        ):
            result[i] = word._replace(text=drawn_bullets.BULLET, left_out="")
    return result


def _is_beside(a: Word, b: Word) -> bool:
    """Return whether a word is to the left of another one, with a gap."""
    size = max(a.size, b.size)
    return abs(a.base - b.base) < 0.3 * size and 0.2 * size < b.x0 - a.x1 < 5 * size


def _is_twice(a: Word, b: Word) -> bool:
    """Return whether two equal words are at one place.

    Some programs give the text of a letter with marks to each of its glyphs.
    """
    if abs(a.base - b.base) >= TWICE_DISTANCE * max(1.0, b.size):
        return False
    has_marks = any(unicodedata.category(c) == "Mn" for c in b.text)
    is_over = (
        min(a.x1, b.x1) - max(a.x0, b.x0) > 0 and abs(a.base - b.base) < TWICE_DISTANCE
    )
    return _distance(a, b) < TWICE_DISTANCE or (has_marks and is_over)


def _distance(a: Word, b: Word) -> float:
    """Return the distance of two words in sizes of their font."""
    return max(abs(a.x0 - b.x0), abs(a.base - b.base)) / b.size
