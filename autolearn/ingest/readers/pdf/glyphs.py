"""Take words, with their places and fonts, from a page of pdfium.

A call for each character would cost more than all the rest. The text object of a
character is therefore asked for in steps, and the box only of the first and the last
character of a word.
"""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from autolearn.ingest.readers.pdf import bidi, forms, rules
from autolearn.ingest.readers.pdf.shapes import GAP, SPACE, PageContent, Word

NO_UNICODE = "font without Unicode"
OUTSIDE = "outside the page"
TWICE = "drawn twice"
BULLET = "\u2022"

SMALLEST, LARGEST = 1.5, 1000.0
"""Sizes of fonts in points; the height of a letter replaces what is beyond."""
NEAR = 0.15
"""Distance of a word that is drawn twice, in sizes of its font."""
_STEP = 8
"""Characters after which the text object is asked for again."""
_FIXED_PITCH = 1
_BOLD_WEIGHT = 600
_HYPHEN = "\x02"
"""What pdfium gives for a hyphen at the end of a line."""
_BOLD = re.compile(r"bold|black|heavy|demi|CMBX|CMSSBX|-B$|\.B$", re.IGNORECASE)
_MONO = re.compile(
    r"courier|mono(?!type)|consol|typewriter|CMTT|menlo|inconsolata|source ?code|lettergothic",
    re.IGNORECASE,
)
_BROKEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ue000-\uf8ff]")
_BULLETS = str.maketrans(
    {
        **dict.fromkeys("\uf0a7\uf0b7\uf06c\uf06e\uf09f\uf0d8\uf076", "\u2022"),
        **dict.fromkeys("\uf0fc\uf0fe\uf052", "\u2611"),
        **dict.fromkeys("\uf0a8\uf06f\uf072", "\u2610"),
        **dict.fromkeys("\uf0e0\uf0e8", "\u2192"),
    }
)
"""Signs of the fonts Symbol and Wingdings: bullets, boxes and arrows."""
_QUARTER = 90
_RUNS = re.compile(r"\s+|\S+")


Point = tuple[float, float]


class _Font(NamedTuple):
    """What all characters of one text object share."""

    size: float
    angle: int
    """The direction of its lines in degrees, a multiple of 90."""
    bold: bool
    mono: bool
    base: float
    is_plain: bool
    """Whether it runs from left to right on a page that is not turned."""


def content(document: pdfium.PdfDocument, number: int) -> PageContent:
    """Return what is drawn on a page.

    Raises:
        PdfiumError: The page cannot be loaded.
    """
    with closing(document[number]) as page, closing(page.get_textpage()) as text:
        width, height = page.get_size()
        view = View(page)
        angle, words, turned = _by_direction(_Reader(text, view).words())
        frame = _Frame(angle, width, height)

        def place(x: float, y: float) -> Point:
            return frame.place(*view.place(x, y))

        words = frame.moved(_with_bullets(_once(words)))
        words += forms.words(document, page, place, list(words))
        return PageContent(
            *frame.size,
            words,
            turned,
            rules.drawn(page, place),
            is_blank=not pdfium_c.FPDFPage_CountObjects(page.raw),
        )


class View:
    """How places in a file become places on the page as it is seen."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        self.turn = page.get_rotation()
        self.left = page.get_bbox()[0]
        self._box = page.get_bbox()

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return a point as seen, from the top left corner."""
        left, bottom, right, top = self._box
        return {
            0: (x - left, top - y),
            90: (y - bottom, x - left),
            180: (right - x, y - bottom),
            270: (top - y, right - x),
        }[self.turn]

    def direction(self, x: float, y: float) -> int:
        """Return the direction of a vector as seen, in quarter turns of degrees."""
        angle = math.degrees(math.atan2(y, x)) - self.turn
        return round(angle / _QUARTER) * _QUARTER % 360


class _Frame:
    """Turns a page so that most of its lines run from left to right."""

    def __init__(self, angle: int, width: float, height: float) -> None:
        self._angle, self._width, self._height = angle, width, height
        self.size = (height, width) if angle in (90, 270) else (width, height)

    def place(self, x: float, y: float) -> Point:
        """Return a point of the page as seen in the turned page."""
        return {
            0: (x, y),
            90: (self._height - y, x),
            180: (self._width - x, self._height - y),
            270: (y, self._width - x),
        }[self._angle]

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


class _Reader:
    """Reads the words of one page."""

    def __init__(self, text: pdfium.PdfTextPage, view: View) -> None:
        self._text, self._view = text.raw, view
        self._n: int = pdfium_c.FPDFText_CountChars(text.raw)
        self._codes = [
            pdfium_c.FPDFText_GetUnicode(text.raw, i) for i in range(self._n)
        ]
        self._characters = "".join(map(chr, self._codes)).replace(_HYPHEN, "-")
        self._has_rtl = bidi.has_rtl(self._characters)
        self._faces: dict[int, tuple[bool, bool]] = {}
        self._box, self._matrix = pdfium_c.FS_RECTF(), pdfium_c.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()

    def words(self) -> Iterator[tuple[int, Word]]:
        """Yield each word and the direction in which it runs."""
        order = space = 0
        for start, end, pointer in self._objects():
            font: _Font | None = None
            for match in _RUNS.finditer(self._characters, start, end):
                first, stop = match.span()
                if match[0].isspace():
                    space = max(space, self._kind_of_space(first))
                    continue
                font = font or self._font(first, pointer)
                for a, b in self._parts(first, stop):
                    yield font.angle, self._word(a, b, font, order, space)
                    order, space = order + 1, 0

    def _kind_of_space(self, i: int) -> int:
        is_real = self._codes[i] not in (10, 13) and not (
            pdfium_c.FPDFText_IsGenerated(self._text, i)
        )
        return SPACE if is_real else GAP

    def _parts(self, first: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield the characters of a word, one by one if it runs from right to left.

        Their order in the file says nothing about the order in which they are read.
        """
        if self._has_rtl and bidi.has_rtl(self._characters[first:stop]):
            yield from ((i, i + 1) for i in range(first, stop))
        else:
            yield first, stop

    def _objects(self) -> Iterator[tuple[int, int, Any]]:
        """Yield runs of characters that one text object draws: start, end, pointer."""
        start, pointer = 0, self._object(0)
        while start < self._n:
            end = self._end(start, pointer)
            yield start, end, pointer
            start, pointer = end, self._object(end)

    def _end(self, start: int, pointer: Any) -> int:
        """Return where the next text object begins."""
        address = _address(pointer)
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
        angle = self._view.direction(m.a, m.b)
        return _Font(round(abs(size), 1), angle, bold, mono, *self._base(i, angle))

    def _base(self, i: int, angle: int) -> tuple[float, bool]:
        """Return the baseline of a text object, and whether it runs as in the file."""
        pdfium_c.FPDFText_GetCharOrigin(self._text, i, self._x, self._y)
        x, y = self._view.place(self._x.value, self._y.value)
        base = {0: y, 90: x, 180: -y, 270: -x}[angle]
        return base, not (angle or self._view.turn)

    def _face(self, pointer: Any) -> tuple[bool, bool]:
        font = pdfium_c.FPDFTextObj_GetFont(pointer) if pointer else None
        if not font:
            return False, False
        address = _address(font)
        if address not in self._faces:
            self._faces[address] = _face(font)
        return self._faces[address]

    def _word(self, first: int, stop: int, font: _Font, order: int, space: int) -> Word:
        text = self._characters[first:stop].translate(_BULLETS)
        x0, x1 = self._extent(first, stop - 1, font)
        has_no_unicode = _BROKEN.search(text) or (
            pdfium_c.FPDFText_HasUnicodeMapError(self._text, first)
        )
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
            NO_UNICODE if has_no_unicode else "",
        )

    def _extent(self, first: int, last: int, font: _Font) -> tuple[float, float]:
        """Return where a word begins and ends on its baseline."""
        if font.is_plain:
            box = self._box
            pdfium_c.FPDFText_GetLooseCharBox(self._text, first, box)
            x0, x1 = box.left, box.right
            if last != first:
                pdfium_c.FPDFText_GetLooseCharBox(self._text, last, box)
                x0, x1 = min(x0, box.left), max(x1, box.right)
            return x0 - self._view.left, x1 - self._view.left
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
        box = self._box
        (x0, y0), (x1, y1) = (
            self._view.place(box.left, box.top),
            self._view.place(box.right, box.bottom),
        )
        return (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))


def _address(pointer: Any) -> int:
    return ctypes.addressof(pointer.contents) if pointer else 0


def _face(font: Any) -> tuple[bool, bool]:
    """Return whether a font is bold, and whether it has one width."""
    name = _name(font)
    flags = ctypes.c_int()
    pdfium_c.FPDFFont_GetFlags(font, flags)
    bold = bool(_BOLD.search(name)) or (
        pdfium_c.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT and "+" not in name
    )
    return bold, bool(_MONO.search(name)) or bool(flags.value & _FIXED_PITCH)


def _name(font: Any) -> str:
    n = pdfium_c.FPDFFont_GetBaseFontName(font, None, 0)
    buffer = ctypes.create_string_buffer(n + 1)
    pdfium_c.FPDFFont_GetBaseFontName(font, buffer, n)
    return buffer.value.decode("utf-8", "replace")


def _by_direction(
    words: Iterator[tuple[int, Word]],
) -> tuple[int, list[Word], list[list[Word]]]:
    """Return the prevailing direction, its words, and the others by direction."""
    lists: dict[int, list[Word]] = {}
    sizes: Counter[int] = Counter()
    for angle, word in words:
        lists.setdefault(angle, []).append(word)
        sizes[angle] += len(word.text)
    if not sizes:
        return 0, [], []
    main = sizes.most_common(1)[0][0]
    return main, lists.pop(main), list(lists.values())


def _once(words: list[Word]) -> list[Word]:
    """Mark words that are drawn twice at one place, as some bold type is."""
    last: dict[str, Word] = {}
    marked = []
    for word in words:
        before = last.get(word.text)
        if before and len(word.text) > 1 and _distance(before, word) < NEAR:
            word = word._replace(left_out=TWICE)
        else:
            last[word.text] = word
        marked.append(word)
    return marked


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
            result[i] = word._replace(text=BULLET, left_out="")
    return result


def _is_beside(a: Word, b: Word) -> bool:
    """Return whether a word stands on the left of another one, with a gap."""
    size = max(a.size, b.size)
    return abs(a.base - b.base) < 0.3 * size and 0.2 * size < b.x0 - a.x1 < 5 * size


def _distance(a: Word, b: Word) -> float:
    """Return the distance of two words in sizes of their font."""
    return max(abs(a.x0 - b.x0), abs(a.base - b.base)) / b.size
