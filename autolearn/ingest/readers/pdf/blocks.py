"""Divide a page into paragraphs, headings, notes, code and tables."""

import math
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal

from autolearn.ingest.readers.pdf import (
    aligned,
    bidi,
    contents,
    grids,
    joints,
    line_text,
    order,
)
from autolearn.ingest.readers.pdf import lines as page_lines
from autolearn.ingest.readers.pdf.shapes import Box, Line, Table, overlap
from autolearn.ingest.readers.pdf.survey import Facts, PageLines

Kind = Literal["text", "item", "heading", "code", "table", "note", "aside"]

SAME_SIZE = 0.08
"""Largest difference of the sizes of lines in a paragraph."""
WIDER = 1.3
"""A distance of lines, in usual distances, that divides paragraphs."""
INDENT = 0.8
"""Indentation of a first line, in font sizes."""
SHORT = 0.75
"""A line that fills less of its column has been ended on purpose."""
LARGER, SMALLER, TINY = 1.12, 0.93, 0.8
"""Sizes of headings, notes and labels, in sizes of the text."""
LONGEST_HEADING, LONGEST_BOLD = 200, 120
"""Characters of a heading that is larger than the text, and of a bold one."""
LABEL = 6
"""Words of a label in a figure."""
LONGEST_SENTENCE = 60
"""Characters of a sentence over several lines that can be a heading."""
CODE = 0.4
"""Share of the lines that look like code, where all text has one width."""

_ITEM = re.compile(r"(?:[-\u2022\u25aa\u25e6\u2023*\u2013\u25cf\u25cb\u25a0]|\(?[0-9a-zA-Z]{1,3}[.)])\s")
_ENDS = re.compile(r"[.!?:;\u3002\uff01\uff1f\u061f\u06d4\u0964][\"'\u201d\u2019)\]\u00bb]*(?:\[[\d,\s\u2013-]+\])?$")
"""The end of a sentence, maybe with the mark of a note."""
_NOTE = re.compile(r"(?:\[?\d{1,3}\]?[.)]?|[*\u2020\u2021\u00a7\u00b6]+)\s*\S")
_CAPTION = re.compile(
    r"(?:figure|fig\.|table|tab\.|abb(?:ildung|\.)|tabelle|scheme|plate|listing|box|chart|"
    r"graphique|figura|tabla|图|圖|表|図)\s*[\dA-ZIVX]+",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|if|elif|else|for|while|return|import|from|function|var|let|"
    r"const|public|private|static|void|int|#include|//|/\*|\$|>>>)\b|[=!<>+-]=|\w\(.*\)|\s=\s"
)


def is_sentence_end(text: str) -> bool:
    """Return whether a text ends with a sentence."""
    return _ENDS.search(text[-40:]) is not None


@dataclass
class Block:
    """A part of a page that is written as one."""

    kind: Kind
    lines: list[Line] = field(default_factory=list)
    table: Table | None = None
    level: int = 0
    """Level of a heading, 1..6."""
    begins_column: bool = False
    """Whether it is the first of a column, so that it may go on with a paragraph."""
    is_full: bool = False
    """Whether its last line reaches the right edge of the column."""

    @property
    def is_label(self) -> bool:
        """Whether it is so short that it may belong to a figure."""
        text = line_text.text(self.lines[0])
        return (
            len(self.lines) == 1
            and len(self.lines[0].words) <= LABEL
            and not self.is_full
            and not is_sentence_end(text)
            and not text[:1].islower()
        )


class Column:
    """Lines and tables that are read from top to bottom.

    Edges are measured in the direction of reading: ``start`` and ``end`` of a line that
    runs from right to left are its right and its left edge, as negative numbers.
    """

    def __init__(self, items: list[Box], limits: dict[int, float]) -> None:
        self.items, self._limits = items, limits
        lines = [item for item in items if isinstance(item, Line)]
        self.is_rtl = any(bidi.is_rtl(line_text.text(line)) for line in lines)
        self.left = min(map(self.start, lines), default=0.0)
        self._ends = sorted(map(self.end, lines))
        self._pitches: dict[int, list[float]] = {}
        for a, b in pairwise(lines):
            pitch = (b.base - a.base) / b.size
            if abs(a.size - b.size) < SAME_SIZE * b.size and 0.8 < pitch < 2.6:
                self._pitches.setdefault(round(b.size), []).append(pitch)

    def start(self, line: Line) -> float:
        """Return where a line begins."""
        return -line.x1 if self.is_rtl else line.x0

    def end(self, line: Line) -> float:
        """Return where a line ends."""
        return -line.x0 if self.is_rtl else line.x1

    def right(self, line: Line) -> float:
        """Return where the longest line ends that does not reach the next column."""
        limit = self._limits.get(id(line), math.inf)
        return self._ends[max(0, bisect(self._ends, limit) - 1)]

    def pitch(self, size: float) -> float:
        """Return the usual distance of lines in a size, in font sizes."""
        return median(self._pitches.get(round(size), [1.3]))

    def fits(self, line: Line, after: Line) -> bool:
        """Return whether the first word of the next line would fit on a line."""
        word = after.words[-1 if self.is_rtl else 0]
        room = self.right(line) - self.end(line) - 0.3 * line.size
        return room > 1.05 * (word.x1 - word.x0)


def on_page(page: PageLines, facts: Facts) -> tuple[list[Block], list[tuple[str, str]]]:
    """Return the blocks of a page in the order of reading, and what is left out."""
    left_out = list(page.left_out)
    lines = _inside(page, left_out)
    heads = facts.heads.on_page(page.number, lines, page.height, facts.body_size)
    lines = _without(lines, heads, left_out, "running head")
    entries = contents.found(list(page_lines.rows(lines)))
    lines = _without(lines, entries, left_out, "table of contents")
    lines = _with_initials(aligned.with_markers(lines))
    blocks = _blocks(order.ordered(_with_tables(lines, page, facts)), facts)
    for turned in page.turned:
        blocks += _blocks(order.ordered(turned), facts)
    return blocks, left_out


def _inside(page: PageLines, left_out: list[tuple[str, str]]) -> list[Line]:
    """Return the lines on the visible part of a page; note the others."""
    outside = [
        line
        for line in page.lines
        if not (
            -1 < line.base < page.height + line.size
            and line.x1 > 0
            and line.x0 < page.width
        )
    ]
    return _without(page.lines, outside, left_out, "outside the page")


def _without(
    lines: list[Line], taken: Sequence[Line], left_out: list[tuple[str, str]], why: str
) -> list[Line]:
    """Return lines without some, which are noted as left out."""
    ids = {id(line) for line in taken}
    left_out += [(line_text.text(line), why) for line in taken]
    return [line for line in lines if id(line) not in ids]


def _with_initials(lines: list[Line]) -> list[Line]:
    """Put large first letters before the line that they begin."""
    result = list(lines)
    for initial in lines:
        if len(initial.words) > 1 or not initial.words[0].text.isalpha():
            continue
        beside = [
            line
            for line in result
            if initial.top <= line.base <= initial.base + 0.5 * line.size
            and initial.size > 1.8 * line.size
            and -0.3 * line.size < line.x0 - initial.x1 < 1.5 * line.size
        ]
        if beside and len(initial.words[0].text) <= 2:
            first = min(beside, key=lambda line: line.base)
            after = first.words[0]
            word = initial.words[0]._replace(
                base=after.base, size=after.size, order=after.order - 1
            )
            joined = Line([word, after._replace(space=0), *first.words[1:]])
            joined.x0 = first.x0
            result = [joined if line is first else line for line in result if line is not initial]
    return result


def _with_tables(lines: list[Line], page: PageLines, facts: Facts) -> list[Box]:
    """Return tables, and the lines that are in none."""
    items: list[Box] = []
    ruled = grids.found(lines, page.rules)
    taken = {i for _, places in ruled for i in places}
    items += [table for table, _ in ruled]
    lines = [line for i, line in enumerate(lines) if i not in taken]
    running = {id(line) for line in aligned.prose(order.columns(lines))}
    running |= {id(line) for line in lines if line.mono and not facts.is_mono}
    prose = {i for i, line in enumerate(lines) if id(line) in running}
    tables = aligned.found(lines, page.rules, prose)
    taken = {i for _, places in tables for i in places}
    items += [table for table, _ in tables]
    rest = [line for i, line in enumerate(lines) if i not in taken]
    listings, rest = _listings(rest)
    return items + listings + page_lines.without_gaps(rest, running)


def _listings(lines: Sequence[Line]) -> tuple[list[Box], list[Line]]:
    """Return lines of one width that stand together, and the other lines.

    Indented lines of code would look like columns.
    """
    listings: list[order.Part] = []
    rest: list[Line] = []
    for line in lines:
        near = [
            listing
            for listing in listings
            if line.mono
            and line.base - listing.items[-1].bottom < 2 * line.size
            and overlap(listing, line) > 0
        ]
        if near:
            listings.remove(near[-1])
            listings.append(order.Part([*near[-1].items, line]))
        elif line.mono:
            listings.append(order.Part([line]))
        else:
            rest.append(line)
    return list(listings), rest


def _blocks(items: Sequence[Box], facts: Facts) -> list[Block]:
    items = [
        part
        for item in items
        for part in (item.items if isinstance(item, order.Part) else [item])
    ]
    blocks: list[Block] = []
    limits = _limits([item for item in items if isinstance(item, Line)])
    for column in _columns(items, limits):
        parts = [_block(run, column, facts) for run in _runs(column, facts)]
        parts[0].begins_column = True
        _mark_notes(parts, facts)
        blocks += parts
    return blocks


def _limits(lines: Sequence[Line]) -> dict[int, float]:
    """Return where the next column begins on the right of each line."""
    by_base = sorted(lines, key=lambda line: line.base)
    bases = [line.base for line in by_base]
    limits = {}
    for line in lines:
        reach = 1.5 * line.size
        near = by_base[
            bisect(bases, line.base - reach) : bisect(bases, line.base + reach)
        ]
        limits[id(line)] = min(
            (other.x0 for other in near if other.x0 > line.x1), default=math.inf
        )
    return limits


def _columns(items: Sequence[Box], limits: dict[int, float]) -> Iterator[Column]:
    """Yield items until one stands higher than the one before."""
    column: list[Box] = []
    for item in items:
        before = column[-1] if column else None
        if before is not None and item.bottom < before.bottom - 0.5 * (item.bottom - item.top):
            yield Column(column, limits)
            column = []
            before = None
        if isinstance(before, Line) and isinstance(item, Line) and _is_beside(before, item):
            column[-1] = Line([*before.words, *item.words])
            limits[id(column[-1])] = limits[id(item)]
        else:
            column.append(item)
    if column:
        yield Column(column, limits)


def _is_beside(a: Line, b: Line) -> bool:
    return abs(a.base - b.base) < 0.35 * min(a.size, b.size) and b.x0 >= a.x1 - 1


def _runs(column: Column, facts: Facts) -> Iterator[list[Box]]:
    """Yield the lines of each paragraph, heading or listing, and each table."""
    run: list[Box] = []
    lines: list[Line] = []
    for item in column.items:
        is_next = (
            isinstance(item, Line)
            and bool(lines)
            and not _divides(lines, item, column, facts)
        )
        if run and not is_next:
            yield run
            run, lines = [], []
        run.append(item)
        if isinstance(item, Line):
            lines.append(item)
    if run:
        yield run


def _divides(lines: list[Line], line: Line, column: Column, facts: Facts) -> bool:
    """Return whether a line does not go on with the lines before."""
    before = lines[-1]
    pitch = (line.base - before.base) / line.size
    usual = column.pitch(line.size)
    if before.mono != line.mono:
        return True
    if line.mono and (not facts.is_mono or _is_code(lines)):
        return pitch > 4 * usual
    if abs(before.size - line.size) > SAME_SIZE * max(before.size, line.size):
        return True
    text = line_text.text(before)
    after = line_text.text(line)
    if text.endswith(tuple(joints.HYPHENS)) and pitch <= WIDER * usual:
        return False
    if pitch > WIDER * usual or _ITEM.match(after):
        return True
    fits = column.fits(before, line)
    if before.bold != line.bold and (fits or all(x.bold for x in lines)):
        return True
    if _is_indented(lines, line, text, column):
        return True
    is_short = not _is_full(before, column)
    if fits and is_sentence_end(text):
        return True
    return fits and is_short and not after[:1].islower()


def _is_full(line: Line, column: Column) -> bool:
    return column.end(line) - column.left >= SHORT * (column.right(line) - column.left)


def _is_indented(
    lines: list[Line], line: Line, text_before: str, column: Column
) -> bool:
    """Return whether the left edge of a line says that a paragraph begins."""
    starts = list(map(column.start, lines))
    start, first, unit = column.start(line), starts[0], INDENT * line.size
    if len(lines) == 1:
        is_item = _ITEM.match(line_text.text(lines[0]))
        return start > first + unit and not is_item and is_sentence_end(text_before)
    rest = min(starts[1:])
    if abs(first - rest) < unit:
        return start > rest + unit
    return abs(start - first) < abs(start - rest)


def _block(run: list[Box], column: Column, facts: Facts) -> Block:
    if isinstance(run[0], Table):
        return Block("table", table=run[0])
    lines = [item for item in run if isinstance(item, Line)]
    kind, level = _kind(lines, facts)
    return Block(kind, lines, level=level, is_full=_is_full(lines[-1], column))


def _kind(lines: list[Line], facts: Facts) -> tuple[Kind, int]:
    text = " ".join(map(line_text.text, lines))
    if lines[0].mono and (not facts.is_mono or _is_code(lines)):
        return "code", 0
    if _CAPTION.match(text):
        return "aside", 0
    if level := _level(lines, text, facts):
        return "heading", level
    largest = max(line.size for line in lines) / facts.body_size
    is_label = len(lines) == 1 and largest <= SMALLER and not is_sentence_end(text)
    if is_label or largest < TINY:
        return "aside", 0
    return ("item" if _ITEM.match(text) else "text"), 0


def _is_code(lines: Sequence[Line]) -> bool:
    n = sum(_CODE.search(line_text.text(line)) is not None for line in lines)
    return n >= CODE * len(lines)


def _level(lines: list[Line], text: str, facts: Facts) -> int:
    """Return the level of a heading; 0 if lines are none."""
    size = lines[0].size
    if not any(map(str.isalpha, text)) or len(text) > LONGEST_HEADING:
        return 0
    is_sentence = is_sentence_end(text) and not text.endswith("?")
    if is_sentence and len(lines) > 1 and len(text) > LONGEST_SENTENCE:
        return 0
    if size >= LARGER * facts.body_size:
        levels = [n for n, s in enumerate(facts.heading_sizes, 1) if size >= 0.97 * s]
        return min(levels, default=len(facts.heading_sizes) or 1)
    is_bold = (
        not facts.is_bold
        and all(line.bold for line in lines)
        and size >= SMALLER * facts.body_size
        and len(lines) <= 2
        and len(text) <= LONGEST_BOLD
        and not is_sentence
        and not text[:1].islower()
    )
    return min(6, len(facts.heading_sizes) + 1) if is_bold else 0


def _mark_notes(blocks: Sequence[Block], facts: Facts) -> None:
    """Mark footnotes: small text below the text of a column, beginning with a mark."""
    start = len(blocks)
    while start and _is_small(blocks[start - 1], facts):
        start -= 1
    while 0 < start < len(blocks) and not _is_note(blocks[start]):
        start += 1
    for block in blocks[start:] if start else ():
        block.kind = "note"


def _is_small(block: Block, facts: Facts) -> bool:
    return block.kind in ("text", "item", "aside") and (
        max(line.size for line in block.lines) <= SMALLER * facts.body_size
    )


def _is_note(block: Block) -> bool:
    return _NOTE.match(line_text.text(block.lines[0])) is not None
