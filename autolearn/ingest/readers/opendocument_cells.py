"""The cells of tables and sheets of OpenDocument."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol
from xml.etree.ElementTree import Element

from autolearn.ingest.readers.packages import tag, value

MOST_REPEATED = 256
"""Most times that a cell is repeated; a sheet fills its rest with repeated ones."""

Grid = list[list[str]]


class WriteCell(Protocol):
    """Writes a cell as an HTML element with a name."""

    def __call__(self, cell: Element, name: str) -> str:
        """Return the element."""


def grid(sheet: Element, write: WriteCell) -> tuple[Grid, Grid]:
    """Return the cells of a sheet as HTML, and their texts, in rows of one length.

    What a merged cell covers is no HTML and has its text.
    """
    cells: Grid = []
    texts: Grid = []
    for row, group in rows(sheet):
        name = "th" if tag(group) == "table-header-rows" else "td"
        above = texts[-1] if texts else []
        row_cells, row_texts = _row(row, above, partial(write, name=name))
        n = n_repeated(row, "number-rows-repeated") if any(row_texts) else 1
        cells += [row_cells] * n
        texts += [row_texts] * n
    width = max((len(row) for row in texts), default=0)
    return _filled(cells, width), _filled(texts, width)


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
