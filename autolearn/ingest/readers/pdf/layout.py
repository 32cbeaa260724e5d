"""Divide a page into blocks in reading order, and what is left out."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from autolearn.ingest.readers.pdf import (
    aligned,
    bidi,
    blocks,
    centred,
    contents,
    grids,
    line_text,
    misread_pages,
    reading_order,
    running_text,
)
from autolearn.ingest.readers.pdf import lines as page_lines
from autolearn.ingest.readers.pdf.blocks import Block
from autolearn.ingest.readers.pdf.misread_pages import Doubt
from autolearn.ingest.readers.pdf.shapes import Box, Line, PageTable, overlap
from autolearn.ingest.readers.pdf.survey import Facts, PageLines

INITIAL, INITIAL_GAP = 1.8, 1.5
"""Size of a letter that begins a chapter and its distance from the text, in sizes of
the text."""

PAGE_EDGE_SHARE = 0.03
"""Share of a page that is its edge."""
MAX_LISTING_GAP = 2.8
"""Largest distance of two lines of code, in font sizes."""

TypedText = tuple[str, str]
"""A text, and why it is left out; empty if it is not."""


@dataclass(frozen=True)
class PageParts:
    """The parts of a page."""

    blocks: list[Block]
    """Its text, in the order of reading."""
    left_out: list[TypedText]
    doubts: list[Doubt]


def on_page(page: PageLines, facts: Facts) -> PageParts:
    """Divide a page into blocks and what is left out."""
    left_out = list(page.left_out)
    lines = _inside(page, left_out)
    heads = facts.heads.on_page(page.number, lines, page.height, facts.body_size)
    lines = _without(lines, heads, left_out, "running head")
    entries = contents.find(list(page_lines.rows(lines)))
    lines = _without(lines, entries, left_out, "table of contents")
    lines = centred.moved_up(_with_initials(aligned.with_markers(lines)))
    items = _with_tables(lines, page, facts)
    is_rtl = bidi.is_rtl("".join(map(line_text.text, lines)))
    page_blocks = blocks.of_items(reading_order.ordered(items, is_rtl=is_rtl), facts)
    in_tables = {id(x) for item in items for x in _lines_of(item)}
    page_blocks += _turned(page, facts, in_tables)
    return PageParts(page_blocks, left_out, list(misread_pages.of_page(items)))


def _lines_of(item: Box) -> list[Line]:
    if not isinstance(item, PageTable):
        return []
    cells = [*item.titles, *(cell for row in item.rows for cell in row)]
    return [line for cell in cells for line in cell]


def _turned(page: PageLines, facts: Facts, in_tables: Set[int]) -> list[Block]:
    """Return the text that runs in other directions; it is not a heading.

    Args:
        page: The page.
        facts: Facts about the whole document.
        in_tables: The ``id`` of the lines that are in tables.
    """
    asides = [
        block
        for _, lines in page.turned_lines
        for block in blocks.of_items(
            reading_order.ordered(
                [line for line in lines if id(line) not in in_tables]
            ),
            facts,
        )
    ]
    for block in asides:
        block.kind = "aside" if block.kind == "heading" else block.kind
    return asides


def _inside(page: PageLines, left_out: list[TypedText]) -> list[Line]:
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
    lines: list[Line], others: Sequence[Line], left_out: list[TypedText], why: str
) -> list[Line]:
    """Return lines without some, which are noted as left out."""
    ids = {id(line) for line in others}
    left_out += [(line_text.text(line), why) for line in others]
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
            and initial.size > INITIAL * line.size
            and -0.3 * line.size < line.x0 - initial.x1 < INITIAL_GAP * line.size
        ]
        if beside and len(initial.words[0].text) <= 2:
            first = min(beside, key=lambda line: line.base)
            after = first.words[0]
            word = initial.words[0]._replace(
                base=after.base, size=after.size, order=after.order - 1
            )
            with_initial = Line([word, after._replace(space=0), *first.words[1:]])
            with_initial.x0 = first.x0
            result = [
                with_initial if line is first else line
                for line in result
                if line is not initial
            ]
    return result


def _with_tables(lines: list[Line], page: PageLines, facts: Facts) -> list[Box]:
    """Return tables, and the lines that are in none."""
    grid_tables, boxes = grids.find(lines, page.rules, page.turned_lines)
    lines = _outside(lines, grid_tables)
    columns = reading_order.columns(lines)
    running = {id(line) for line in running_text.prose(columns)}
    running -= {id(line) for line in running_text.texts_in_rows(columns)}
    running |= {id(line) for line in lines if line.mono and not facts.is_mono}
    prose = {i for i, line in enumerate(lines) if id(line) in running}
    tables = aligned.find(lines, page.rules, prose, boxes, _folds(page))
    listings, rest = _listings(_outside(lines, tables))
    items: list[Box] = [table for table, _ in grid_tables + tables]
    return items + listings + page_lines.without_gaps(rest, running)


def _outside(lines: list[Line], tables: list[tuple[PageTable, set[int]]]) -> list[Line]:
    """Return the lines that are in none of the tables, which name their places."""
    in_tables = {i for _, places in tables for i in places}
    return [line for i, line in enumerate(lines) if i not in in_tables]


def _folds(page: PageLines) -> list[float]:
    """Return where a rule divides a sheet into two pages."""
    return [
        rule.x0
        for rule in page.rules
        if not rule.is_horizontal
        and rule.y0 <= PAGE_EDGE_SHARE * page.height
        and rule.y1 >= (1 - PAGE_EDGE_SHARE) * page.height
        and PAGE_EDGE_SHARE * page.width < rule.x0 < (1 - PAGE_EDGE_SHARE) * page.width
    ]


def _listings(lines: Sequence[Line]) -> tuple[list[Box], list[Line]]:
    """Return lines of one width that are together, and the other lines.

    Indented lines of code would look like columns.
    """
    listings: list[reading_order.ColumnPart] = []
    rest: list[Line] = []
    for line in lines:
        near = [
            listing
            for listing in listings
            if line.mono
            and line.base - listing.items[-1].bottom < MAX_LISTING_GAP * line.size
            and overlap(listing, line) > 0
        ]
        if near:
            listings.remove(near[-1])
            listings.append(reading_order.ColumnPart([*near[-1].items, line]))
        elif line.mono:
            listings.append(reading_order.ColumnPart([line]))
        else:
            rest.append(line)
    return list(listings), rest
