"""The cells of tables and sheets of OpenDocument."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from typing import Protocol
from xml.etree.ElementTree import Element

from autolearn.ingest.readers.hidden_cells import Hidden
from autolearn.ingest.readers.packages import tag, value

MOST_REPEATED = 256
"""Most times that a cell is repeated; a sheet fills its rest with repeated ones."""
_HIDDEN = ("collapse", "filter")
_SPANS = re.compile(r"\A(<t[dh])[^>]*")

Grid = list[list[str]]


class WriteCell(Protocol):
    """Writes a cell as an HTML element with a name."""

    def __call__(self, cell: Element, name: str) -> str:
        """Return the element."""


def grid(sheet: Element, write: WriteCell) -> tuple[Grid, Grid, Hidden]:
    """Return the cells of a sheet as HTML, their texts, and what is hidden of them.

    All rows have one length. What a merged cell covers is no HTML and has its text; if
    something is hidden, it is repeated there, since the spans would no longer be right.
    """
    cells: Grid = []
    texts: Grid = []
    hidden_rows: set[int] = set()
    for row, group in rows(sheet):
        name = "th" if tag(group) == "table-header-rows" else "td"
        above = texts[-1] if texts else []
        row_cells, row_texts = _row(row, above, partial(write, name=name))
        n = n_repeated(row, "number-rows-repeated") if any(row_texts) else 1
        if value(row, "visibility") in _HIDDEN:
            hidden_rows.update(range(len(texts), len(texts) + n))
        cells += [row_cells] * n
        texts += [row_texts] * n
    width = max((len(row) for row in texts), default=0)
    cells, texts = _filled(cells, width), _filled(texts, width)
    hidden = Hidden(hidden_rows, _hidden_columns(sheet))
    return (_without_spans(cells, texts) if hidden else cells), texts, hidden


def _hidden_columns(sheet: Element) -> set[int]:
    columns: set[int] = set()
    end = 0
    for part in sheet.iter():
        if tag(part) == "table-column":
            begin, number = end, value(part, "number-columns-repeated")
            end += int(number) if number.isdecimal() else 1
            if value(part, "visibility") in _HIDDEN:
                columns.update(range(begin, min(end, begin + MOST_REPEATED)))
    return columns


def _without_spans(cells: Grid, texts: Grid) -> Grid:
    """Return cells of which each covers only its own place."""
    return [
        [
            _SPANS.sub(r"\1", cell) if cell else f"<td>{escape(text)}</td>"
            for cell, text in zip(*row, strict=True)
        ]
        for row in zip(cells, texts, strict=True)
    ]


def _row(
    row: Element, above: list[str], write: Callable[[Element], str]
) -> tuple[list[str], list[str]]:
    """Return the cells of a row and their texts, up to the last text."""
    cells: list[str] = []
    texts: list[str] = []
    end = 0
    for cell in row:
        n = n_repeated(cell, "number-columns-repeated")
        if tag(cell) == "table-cell":
            end = len(texts) + n_repeated(cell, "number-columns-spanned")
            cells += [write(cell)] * n
            texts += [plain_text(cell)] * n
        elif tag(cell) == "covered-table-cell":
            for i in range(len(texts), len(texts) + n):
                texts.append(texts[-1] if 0 < i < end else "".join(above[i : i + 1]))
                cells.append("")
    last = max((i for i, content in enumerate(texts, 1) if content), default=0)
    return cells[:last], texts[:last]


def _filled(cells: Grid, width: int) -> Grid:
    return [row + [""] * (width - len(row)) for row in cells]


def n_repeated(part: Element, name: str) -> int:
    """Return how often a part is repeated, or how many cells it spans."""
    number = value(part, name)
    return min(int(number), MOST_REPEATED) if number.isdecimal() else 1


def rows(table: Element) -> Iterator[tuple[Element, Element]]:
    """Yield the rows of a table and the group that each is in."""
    for part in table:
        if tag(part) == "table-row":
            yield part, table
        elif tag(part) in ("table-header-rows", "table-rows", "table-row-group"):
            yield from ((row, part) for row, _ in rows(part))


def plain_text(part: Element | None) -> str:
    """Return all text of an element."""
    if part is None:
        return ""
    pieces: list[str] = []
    for inner in part.iter():
        pieces += [" "] if tag(inner) in ("p", "h", "s", "tab", "line-break") else []
        pieces.append(inner.text or "")
        pieces.append(inner.tail or "" if inner is not part else "")
    return " ".join("".join(pieces).split())
