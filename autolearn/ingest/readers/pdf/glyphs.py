"""Take words, with their places and fonts, from a page of pdfium.

A call for each character would cost more than all the rest. The text object of a
character is therefore asked for in steps, and the box only of the first and the last
character of a word.
"""

import ctypes
import math
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from autolearn.ingest.readers import symbol_fonts
from autolearn.ingest.readers.pdf import bidi, faces, line_joining, raised_glyphs
from autolearn.ingest.readers.pdf.page_view import View
from autolearn.ingest.readers.pdf.shapes import (
    GAP,
    SPACE,
    Point,
    Script,
    Word,
    between,
)

NO_UNICODE = "font without Unicode"

SMALLEST, LARGEST = 1.5, 1000.0
"""Sizes of fonts in points; the height of a letter replaces what is beyond."""
WIDEST_LETTER, WIDEST_GAP = 1.2, 0.9
"""Largest width of an average letter with its gap, and a gap within a word that divides
it, in font sizes."""
MOST_WITHIN = 0.05
"""Largest distance of parts of one word, in font sizes."""
SHORT = 4
"""Characters of a run in which letters may be raised, too; to look at each letter of a
page would take too long."""
LEAST_STEP = 0.7
"""Smallest step from a character to the next one in vertical text, in font sizes."""
_DOWN = 270
_STEP = 8
"""Characters after which the text object is asked for again."""
_HYPHEN = "\x02"
"""The character that pdfium gives for a hyphen at the end of a line."""
_NO_CHARACTER = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ue000-\uf8ff]"
)
_DIGIT = re.compile("[0-9]")
_WORD = re.compile("(?:\\S|[\x1c-\x1f])+")
_LINE_END = {0xFFFE: _HYPHEN}
"""Text in one piece has another sign for a hyphen at the end of a line."""


class _Font(NamedTuple):
    """The properties that all characters of one text object share."""

    size: float
    angle: int
    """The direction of its lines in degrees, a multiple of 90."""
    bold: bool
    mono: bool
    is_suspect: bool
    """Whether its characters may have no Unicode."""
    base: float
    is_plain: bool
    """Whether it runs from left to right on a page that is not turned."""


def words(text: pdfium.PdfTextPage, view: View) -> dict[int, list[Word]]:
    """Return the words of a page by the direction in which they run, in degrees.

    Places are those of the page turned back by this angle around its upper left corner.
    Letters that run from right to left are separate words, since their order in the
    file says nothing about the order in which they are read.
    """
    return _WordReader(text, view).words()


class _WordReader:
    """Reads the words of one page."""

    def __init__(self, text: pdfium.PdfTextPage, view: View) -> None:
        self._text, self._view = text.raw, view
        self._n: int = pdfium_c.FPDFText_CountChars(text.raw)
        characters = _characters(text.raw, self._n)
        self._characters = characters.replace(_HYPHEN, "-").translate(
            symbol_fonts.BULLETS
        )
        self._is_ascii = self._characters.isascii()
        self._is_broken = _NO_CHARACTER.search(self._characters) is not None
        self._faces: dict[int, tuple[bool, bool]] = {}
        self._box, self._matrix = pdfium_c.FS_RECTF(), pdfium_c.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._edges = [ctypes.c_double() for _ in range(4)]

    def words(self) -> dict[int, list[Word]]:
        """Return the words by direction."""
        words: dict[int, list[Word]] = {0: []}
        has_rtl = bidi.has_rtl(self._characters)
        order = space = 0
        for start, end, pointer in self._objects():
            font: _Font | None = None
            kind, last = SPACE if pointer else GAP, start
            is_short = end - start <= SHORT
            for match in _WORD.finditer(self._characters, start, end):
                first, stop = match.span()
                font = font or self._font(first, pointer)
                line = words.setdefault(font.angle, [])
                space = kind if first > last and kind > space else space
                last = stop
                parts: Iterable[tuple[int, int, Script]] = ((first, stop, ""),)
                if has_rtl or is_short or _DIGIT.search(match[0]):
                    parts = self._parts(
                        first, stop, font, has_rtl=has_rtl, is_short=is_short
                    )
                for a, b, script in parts:
                    word = self._word(a, b, font, order, space, script)
                    may_continue = space != SPACE and line and not has_rtl
                    if may_continue and _continues(line[-1], word):
                        line[-1] = _joined(line[-1], word)
                    elif word.x1 - word.x0 > WIDEST_LETTER * word.size * (b - a):
                        line += self._divided(word, a, b, font)
                    else:
                        line.append(word)
                    order, space = line[-1].order + 1, 0
            space = kind if last < end and kind > space else space
        return words

    def _parts(
        self, first: int, stop: int, font: _Font, *, has_rtl: bool, is_short: bool
    ) -> Iterator[tuple[int, int, Script]]:
        """Yield what is a word of its own within a run of characters."""
        text = self._characters[first:stop]
        if has_rtl and (bidi.has_rtl(text) or self._is_turned(first, stop - 1, font)):
            yield from ((i, i + 1, "") for i in range(first, stop))
        else:
            yield from raised_glyphs.parts(
                self._characters,
                first,
                stop,
                lambda i: self._heights(i, font),
                is_short=is_short,
            )

    def _heights(self, i: int, font: _Font) -> tuple[float, float]:
        """Return the edges of a glyph above its baseline, in font sizes."""
        left, right, bottom, top = self._edges
        pdfium_c.FPDFText_GetCharBox(self._text, i, left, right, bottom, top)
        places = [
            self._along(self._view.place(x.value, y.value), font.angle)
            for x, y in ((left, bottom), (right, top))
        ]
        base = self._along(self._origin(i), font.angle)
        return (base - max(places)) / font.size, (base - min(places)) / font.size

    def _is_turned(self, first: int, last: int, font: _Font) -> bool:
        """Return whether the last character of a word is left of the first.

        A full stop after a foreign word does so in a line from right to left.
        """
        return self._extent(last, last, font)[0] < self._extent(first, first, font)[0]

    def _objects(self) -> Iterator[tuple[int, int, Any]]:
        """Yield runs of characters that one text object draws: start, end, pointer."""
        start, pointer = 0, self._object(0)
        while start < self._n:
            end = self._end(start, pointer)
            yield start, end, pointer
            start, pointer = end, self._object(end)

    def _end(self, start: int, pointer: Any) -> int:
        """Return where the next text object begins.

        White space that pdfium adds belongs to no object and is taken one by one. Most
        objects end where it adds the end of a line.
        """
        if not pointer:
            return start + 1
        address = _address(pointer)
        line_end = self._characters.find("\r", start)
        if line_end > start and _address(self._object(line_end - 1)) == address:
            return line_end
        low = start
        while low < self._n and _address(self._object(low + _STEP)) == address:
            low += _STEP
        high = min(self._n, low + _STEP)
        while high - low > 1:
            middle = (low + high) // 2
            if _address(self._object(middle)) == address:
                low = middle
            else:
                high = middle
        return high

    def _object(self, i: int) -> Any:
        return pdfium_c.FPDFText_GetTextObject(self._text, i) if i < self._n else None

    def _font(self, i: int, pointer: Any) -> _Font:
        pdfium_c.FPDFText_GetMatrix(self._text, i, self._matrix)
        m = self._matrix
        size = pdfium_c.FPDFText_GetFontSize(self._text, i) * math.hypot(m.c, m.d)
        if not SMALLEST <= abs(size) <= LARGEST:
            pdfium_c.FPDFText_GetLooseCharBox(self._text, i, self._box)
            size = max(SMALLEST, self._box.top - self._box.bottom)
        bold, mono = self._face(pointer)
        is_suspect = self._is_broken or bool(
            pdfium_c.FPDFText_HasUnicodeMapError(self._text, i)
        )
        angle = self._view.direction(m.a, m.b)
        if angle == 0 and self._runs_down(i, abs(size)):
            angle = _DOWN
        base = self._along(self._origin(i), angle)
        is_plain = not (angle or self._view.turn)
        return _Font(round(abs(size), 1), angle, bold, mono, is_suspect, base, is_plain)

    def _runs_down(self, i: int, size: float) -> bool:
        """Return whether a character is above or below its neighbour in the file.

        So do those of Chinese and Japanese that is written from top to bottom.
        """
        if not line_joining.IDEOGRAPH.match(self._characters[i]):
            return False
        x, y = self._origin(i)
        return any(
            abs(x - x1) < 0.2 * size and LEAST_STEP < (y1 - y) * step / size < 1.6
            for step in (1, -1)
            if 0 <= i + step < self._n
            and line_joining.IDEOGRAPH.match(self._characters[i + step])
            for x1, y1 in [self._origin(i + step)]
        )

    def _origin(self, i: int) -> Point:
        pdfium_c.FPDFText_GetCharOrigin(self._text, i, self._x, self._y)
        return self._view.place(self._x.value, self._y.value)

    @staticmethod
    def _along(place: Point, angle: int) -> float:
        """Return how far down a point is where lines run in a direction."""
        x, y = place
        return {0: y, 90: x, 180: -y, 270: -x}[angle]

    def _face(self, pointer: Any) -> tuple[bool, bool]:
        font = pdfium_c.FPDFTextObj_GetFont(pointer) if pointer else None
        if not font:
            return False, False
        address = _address(font)
        if address not in self._faces:
            self._faces[address] = faces.of_font(font)
        return self._faces[address]

    def _word(
        self,
        first: int,
        stop: int,
        font: _Font,
        order: int,
        space: int,
        script: Script = "",
    ) -> Word:
        text = self._characters[first:stop]
        text = text if self._is_ascii else whole(text)
        x0, x1 = self._extent(first, stop - 1, font)
        return Word(
            text,
            x0,
            x1,
            font.base,
            font.size,
            font.bold,
            font.mono and text.isascii(),
            order,
            space,
            self._reason(text, first) if font.is_suspect else "",
            script,
        )

    def _divided(self, word: Word, first: int, stop: int, font: _Font) -> list[Word]:
        """Return the parts of a word between wide gaps, which are in columns."""
        extents = [self._extent(i, i, font) for i in range(first, stop)]
        starts = [first] + [
            i
            for i, (a, b) in enumerate(pairwise(extents), first + 1)
            if b[0] - a[1] > WIDEST_GAP * word.size
        ]
        return [
            self._word(a, b, font, word.order + n, GAP if n else word.space)
            for n, (a, b) in enumerate(pairwise([*starts, stop]))
        ]

    def _reason(self, text: str, first: int) -> str:
        has_no_unicode = _NO_CHARACTER.search(text) or (
            pdfium_c.FPDFText_HasUnicodeMapError(self._text, first)
        )
        return NO_UNICODE if has_no_unicode else ""

    def _extent(self, first: int, last: int, font: _Font) -> tuple[float, float]:
        """Return where a word begins and ends on its baseline."""
        if font.is_plain:
            box = self._box
            pdfium_c.FPDFText_GetLooseCharBox(self._text, first, box)
            x0, x1, left = box.left, box.right, self._view.left
            if last == first:
                return x0 - left, x1 - left
            pdfium_c.FPDFText_GetLooseCharBox(self._text, last, box)
            x2, x3 = box.left, box.right
            return (x0 if x0 < x2 else x2) - left, (x1 if x1 > x3 else x3) - left
        ends = [*self._ends(first), *self._ends(last)]
        places = {
            0: [x for x, _ in ends],
            90: [-y for _, y in ends],
            180: [-x for x, _ in ends],
            270: [y for _, y in ends],
        }[font.angle]
        return min(places), max(places)

    def _ends(self, i: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the upper left and the lower right corner of a character as seen."""
        pdfium_c.FPDFText_GetLooseCharBox(self._text, i, self._box)
        box, place = self._box, self._view.place
        x0, y0, x1, y1 = between(place(box.left, box.top), place(box.right, box.bottom))
        return (x0, y0), (x1, y1)


def _continues(word: Word, after: Word) -> bool:
    """Return whether a file has divided a word into several text objects.

    Some programs draw each letter apart.
    """
    return (
        after.order == word.order + 1
        and after.space != SPACE
        and abs(after.x0 - word.x1) <= MOST_WITHIN * word.size
        and word._replace(text="", x0=0, x1=0, order=0, space=0)
        == after._replace(text="", x0=0, x1=0, order=0, space=0)
    )


def _joined(word: Word, after: Word) -> Word:
    return word._replace(text=word.text + after.text, x1=after.x1)


def whole(text: str) -> str:
    """Return a text with characters instead of the halves of surrogate pairs.

    pdfium counts each half as a character.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _characters(text: Any, n: int) -> str:
    """Return the characters of a page, one for each index of pdfium.

    The text in one piece is faster, but leaves out characters without meaning.
    """
    buffer = (ctypes.c_ushort * (n + 1))()
    n_units = pdfium_c.FPDFText_GetText(text, 0, n, buffer) - 1
    characters = bytes(buffer)[: 2 * n_units].decode("utf-16-le", "surrogatepass")
    if len(characters) == n == n_units and "\0" not in characters:
        return characters.translate(_LINE_END)
    return "".join(chr(pdfium_c.FPDFText_GetUnicode(text, i)) for i in range(n))


def _address(pointer: Any) -> int:
    return ctypes.addressof(pointer.contents) if pointer else 0
