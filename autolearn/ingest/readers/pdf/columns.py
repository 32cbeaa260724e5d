"""Columns of a page, and the paragraphs in them."""

import math
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from autolearn.ingest.readers.pdf import bidi, line_joining, line_text
from autolearn.ingest.readers.pdf import lines as page_lines
from autolearn.ingest.readers.pdf.shapes import BULLETS, CLEAR_BULLETS, Box, Line

SAME_SIZE = 0.08
"""Largest difference of the sizes of lines in a paragraph."""
PARAGRAPH_GAP, OPEN_SENTENCE_GAP = 1.3, 1.7
"""A distance of lines, in usual distances, that divides paragraphs; and one that does
so after a full line within a sentence."""
CLEARLY_SHORT_FILL = 0.6
"""A line that fills less of its column has been ended on purpose, even if the next one
begins with a small letter."""
MAX_CODE_GAP = 4
"""Largest distance of lines of code, in usual distances."""
INDENT = 0.8
"""Indentation of a first line, in font sizes."""
SHORT_FILL = 0.75
"""A line that fills less of its column has been ended on purpose."""
LEAST_WITHIN = 0.8
"""Share of the lines that begin at a place which end before the next column."""
MIN_CODE_SHARE = 0.4
"""Share of the lines that look like code, where all text has one width."""

ITEM = re.compile(
    rf"(?:[{BULLETS}]|\(?[0-9a-zA-Z]{{1,3}}[.)])\s"
    rf"|(?:[{CLEAR_BULLETS}]|[0-9]{{1,3}}[.)])(?![a-z])(?=[^\W\d_])"
)
"""The mark of a list item, with a space behind it unless it can be nothing else."""
_NUMBER = re.compile(r"(?:[0-9]{1,3}|[a-zA-Z])[.)](?=\s)")
_WORD = re.compile(r"(?![ivxlcIVXLC]+[.)])[a-zA-Z]{2,3}[.)]\s")
"""A short word that ends a sentence, and no Roman numeral."""
LABEL = re.compile(
    r"[\[<\u3008\u300a]\s?(?:figure|fig\.|table|tab\.|abb\.|图|圖|表|図|표|그림)\s*\d+",
    re.IGNORECASE,
)
"""A number in brackets that begins a caption."""
_ENDS = re.compile(
    r"[.!?:;\u3002\uff01\uff1f\u061f\u06d4\u0964][\"'\u201d\u2019)\]\u00bb]*(?:\[[\d,\s\u2013-]+\])?$"
)
"""The end of a sentence, maybe with the mark of a note."""
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|if|elif|else|for|while|return|import|from|function|var|let|"
    r"const|public|private|static|void|int|#include)\b|^\s*(?://|/\*|\$\s|>>>)|(?<!=)[=!<>+-]=(?!=)|"
    r"\w\(.*\)|\s=\s"
)


_TYPED_RULE = re.compile(r"\s*([-=_*~#])\1{4,}\s*")
"""A line of signs that replaces a drawn one."""


def is_sentence_end(text: str) -> bool:
    """Return whether a text ends with a sentence."""
    return _ENDS.search(text[-40:]) is not None


def is_rtl(line: Line) -> bool:
    """Return whether a line runs from right to left."""
    if line.is_rtl is None:
        line.is_rtl = bidi.is_rtl(line_text.text(line))
    return line.is_rtl


class TextColumn:
    """Lines and tables that are read from top to bottom.

    Edges are measured in the direction of reading: ``start`` and ``end`` of a line that
    runs from right to left are its right and its left edge, as negative numbers.
    """

    def __init__(self, items: list[Box], limits: dict[int, float]) -> None:
        self.items, self._limits = items, limits
        lines = [item for item in items if isinstance(item, Line)]
        self._ends: dict[bool, list[float]] = {False: [], True: []}
        self._starts: dict[bool, list[float]] = {False: [], True: []}
        for line in lines:
            self._starts[is_rtl(line)].append(self.start(line))
            self._ends[is_rtl(line)].append(self.end(line))
        for ends in self._ends.values():
            ends.sort()
        self._marks = {mark[0] for line in lines if (mark := _numbered(line))}
        self._pitches: dict[int, list[float]] = {}
        for a, b in pairwise(lines):
            pitch = (b.base - a.base) / b.size
            if abs(a.size - b.size) < SAME_SIZE * b.size and 0.8 < pitch < 2.6:
                self._pitches.setdefault(round(b.size), []).append(pitch)

    @staticmethod
    def start(line: Line) -> float:
        """Return where a line begins."""
        return -line.x1 if is_rtl(line) else line.x0

    @staticmethod
    def end(line: Line) -> float:
        """Return where a line ends."""
        return -line.x0 if is_rtl(line) else line.x1

    def fill(self, line: Line) -> float:
        """Return which share of its column a line fills."""
        start = min(self._starts[is_rtl(line)])
        return (self.end(line) - start) / max(1.0, self._right(line) - start)

    def _right(self, line: Line) -> float:
        """Return where the longest line ends that does not reach the next column."""
        ends = self._ends[is_rtl(line)]
        limit = math.inf if is_rtl(line) else self._limits.get(id(line), math.inf)
        return ends[max(0, bisect(ends, limit) - 1)]

    def pitch(self, size: float) -> float:
        """Return the usual distance of lines in a size, in font sizes."""
        return median(self._pitches.get(round(size), [1.3]))

    def has_neighbour(self, line: Line) -> bool:
        """Return whether another line begins with the number before or after."""
        mark = _numbered(line)
        if mark is None:
            return True
        text, sign = mark[0][:-1], mark[0][-1]
        if text.isdecimal():
            near = [str(int(text) - 1), str(int(text) + 1)]
        else:
            near = [chr(ord(text) - 1), chr(ord(text) + 1)]
        return any(f"{other}{sign}" in self._marks for other in near)

    def fits(self, line: Line, after: Line) -> bool:
        """Return whether the first word of the next line would fit on a line."""
        room = self._right(line) - self.end(line) - 0.3 * line.size
        return room > 1.05 * _first_width(after)


def _numbered(line: Line) -> re.Match[str] | None:
    """Return the number or letter without a bracket before it that begins a line."""
    return _NUMBER.match(line_text.text(line))


def _first_width(line: Line) -> float:
    """Return the width of a line up to its first space."""
    if is_rtl(line):
        return line.words[-1].x1 - line.words[-1].x0
    gaps = page_lines.spaces(line.words, is_rtl=False)
    n = next((i for i, is_spaced in enumerate(gaps) if is_spaced), len(gaps))
    return line.words[n - 1].x1 - line.words[0].x0


def _limits(lines: Sequence[Line]) -> dict[int, float]:
    """Return where the next column begins on the right of each line."""
    by_base = sorted(lines, key=lambda line: line.base)
    bases = [line.base for line in by_base]
    starts = {}
    for line in lines:
        reach = 1.5 * line.size
        near = by_base[
            bisect(bases, line.base - reach) : bisect(bases, line.base + reach)
        ]
        starts[id(line)] = min(
            (other.x0 for other in near if other.x0 > line.x1), default=math.inf
        )
    return starts | _shared_limits(lines, starts)


def _shared_limits(lines: Sequence[Line], starts: dict[int, float]) -> dict[int, float]:
    """Return limits for lines beside nothing, from others of the same column.

    Most lines that begin at their place must end before the next column.
    """
    shared: dict[int, float] = {}
    by_start: dict[int, list[Line]] = {}
    for line in lines:
        by_start.setdefault(round(line.x0), []).append(line)
    for group in by_start.values():
        limit = min(starts[id(line)] for line in group)
        within = [line for line in group if line.x1 < limit]
        if limit < math.inf and len(within) > LEAST_WITHIN * len(group):
            shared |= {
                id(line): limit for line in within if starts[id(line)] == math.inf
            }
    return shared


def columns(items: Sequence[Box]) -> Iterator[TextColumn]:
    """Yield items until an item is higher than the one before."""
    limits = _limits([item for item in items if isinstance(item, Line)])
    column: list[Box] = []
    for item in items:
        before = column[-1] if column else None
        if before is not None and item.bottom < before.bottom - 0.5 * (
            item.bottom - item.top
        ):
            yield TextColumn(column, limits)
            column = []
            before = None
        if (
            isinstance(before, Line)
            and isinstance(item, Line)
            and _is_beside(before, item)
        ):
            column[-1] = Line([*before.words, *item.words])
            limits[id(column[-1])] = limits[id(item)]
        else:
            column.append(item)
    if column:
        yield TextColumn(column, limits)


def _is_beside(a: Line, b: Line) -> bool:
    return abs(a.base - b.base) < 0.35 * min(a.size, b.size) and b.x0 >= a.x1 - 1


def paragraphs(column: TextColumn, *, is_mono: bool) -> Iterator[list[Box]]:
    """Yield the lines of each paragraph, heading or listing, and each table."""
    run: list[Box] = []
    lines: list[Line] = []
    for i, item in enumerate(column.items):
        is_next = (
            isinstance(item, Line)
            and bool(lines)
            and not _divides(lines, item, column, is_mono=is_mono)
            and not _is_title(lines, column.items[i : i + 2], column)
        )
        if run and not is_next:
            yield run
            run, lines = [], []
        run.append(item)
        if isinstance(item, Line):
            lines.append(item)
    if run:
        yield run


def _divides(
    lines: list[Line], line: Line, column: TextColumn, *, is_mono: bool
) -> bool:
    """Return whether a line does not continue the lines before."""
    before = lines[-1]
    pitch = (line.base - before.base) / line.size / column.pitch(line.size)
    text, after = line_text.text(before), line_text.text(line)
    if is_mono and (_TYPED_RULE.fullmatch(text) or _TYPED_RULE.fullmatch(after)):
        return True
    if line.mono and before.mono and (not is_mono or is_code(lines)):
        return pitch > MAX_CODE_GAP
    if is_rtl(before) != is_rtl(line):
        return True
    if before.mono != line.mono and not (is_mono and _share_mono(before, line)):
        return True
    if abs(before.size - line.size) > SAME_SIZE * max(before.size, line.size):
        return True
    if text.endswith(tuple(line_joining.HYPHENS)) and pitch <= PARAGRAPH_GAP:
        return False
    is_unfinished = not is_sentence_end(text) and after[:1].islower()
    is_open = is_unfinished and is_full(before, column)
    has_mark = _is_item(before, line, column) or LABEL.match(after)
    if pitch > (OPEN_SENTENCE_GAP if is_open else PARAGRAPH_GAP) or has_mark:
        return True
    return _is_ended(lines, line, column) or _is_indented(lines, line, text, column)


def _is_item(before: Line, line: Line, column: TextColumn) -> bool:
    """Return whether a line begins with the mark of an item.

    After a full line within a sentence, it may be the initial of a name or the end of
    the sentence ("in May of the year / 12. The"), unless its neighbour is an item too.
    """
    text = line_text.text(line)
    if not ITEM.match(text) or _WORD.match(text):
        return False
    is_within = not is_sentence_end(line_text.text(before)) and is_full(before, column)
    return column.has_neighbour(line) or not is_within or column.fits(before, line)


def _share_mono(a: Line, b: Line) -> bool:
    """Return whether both lines have words in a font of one width.

    A letter outside ASCII, such as an apostrophe, does not count as such.
    """
    return all(any(word.mono for word in line.words) for line in (a, b))


def _is_ended(lines: list[Line], line: Line, column: TextColumn) -> bool:
    """Return whether the line before has been ended on purpose.

    It has room for the first word of the next line, and it ends a sentence, is short,
    or is bold and the next one is not.
    """
    before = lines[-1]
    fits = column.fits(before, line)
    if before.bold != line.bold and (fits or all(x.bold for x in lines)):
        return True
    if not fits:
        return False
    text, after = line_text.text(before), line_text.text(line)
    if is_sentence_end(text) or column.fill(before) < CLEARLY_SHORT_FILL:
        return True
    return not is_full(before, column) and not after[:1].islower()


def is_full(line: Line, column: TextColumn) -> bool:
    """Return whether a line ends near the edge of its column.

    A single line does not say where its column ends.
    """
    return len(column.items) > 1 and column.fill(line) >= SHORT_FILL


def _is_indented(
    lines: list[Line], line: Line, text_before: str, column: TextColumn
) -> bool:
    """Return whether the left edge of a line says that a paragraph begins."""
    starts = list(map(column.start, lines))
    start, first, unit = column.start(line), starts[0], INDENT * line.size
    if len(lines) == 1:
        is_item = ITEM.match(line_text.text(lines[0]))
        return start > first + unit and not is_item and is_sentence_end(text_before)
    rest = min(starts[1:])
    if abs(first - rest) < unit:
        return start > rest + unit
    return abs(start - first) < abs(start - rest)


def _is_title(lines: list[Line], following: list[Box], column: TextColumn) -> bool:
    """Return whether a numbered line is the title of the paragraph after it.

    The first line of that paragraph is indented, and its second one begins where the
    title does. The lines of a list item would all be indented.
    """
    first, second = following[0], following[-1]
    if len(lines) > 1 or not isinstance(first, Line) or not isinstance(second, Line):
        return False
    if not ITEM.match(line_text.text(lines[0])):
        return False
    start, unit = column.start(lines[0]), INDENT * first.size
    return (
        second is not first
        and unit < column.start(first) - start < 4 * unit
        and abs(column.start(second) - start) < 0.5 * unit
        and second.base - first.base < PARAGRAPH_GAP * (first.base - lines[0].base)
        and abs(second.size - first.size) <= SAME_SIZE * first.size
        and is_full(first, column)
        and not ITEM.match(line_text.text(second))
    )


def is_code(lines: Sequence[Line]) -> bool:
    """Return whether many lines look like code."""
    n = sum(_CODE.search(line_text.text(line)) is not None for line in lines)
    return n >= MIN_CODE_SHARE * len(lines)
