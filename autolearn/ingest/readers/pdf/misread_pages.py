"""Tell which pages may have been read wrongly, so that a person compares them."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from autolearn.ingest.readers.pdf import line_text, table_rows
from autolearn.ingest.readers.pdf import lines as page_lines
from autolearn.ingest.readers.pdf.shapes import Box, Line, PageTable

Doubt = Literal["uneven", "nameless", "script"]

LABEL = 5
"""Words of a label or a value in a form."""
SHORT, SIDE_BY_SIDE, LEAST_ROWS = 0.6, 0.25, 6
"""Share of lines that are labels or values, share of rows that have several lines, and
number of such rows, from which a page is a form."""
LEAST_FILLED = 0.75
"""Share of cells with text in a table whose columns are sure without rules."""
LEAST_CELLS = 12
"""Cells of a table that can be uneven."""
SENTENCES: dict[Doubt, str] = {
    "uneven": "{0} {1} a form or a table without clear columns; compare with the "
    "original which value belongs to which label",
    "nameless": "{0} {1} a table without a row that names its columns, so its passages "
    "do not say what the numbers mean",
    "script": "{0} {1} Burmese, Khmer or Tibetan letters, whose order PDF files seldom "
    "keep; compare with the original",
}
_REORDERED_LETTERS = re.compile("[\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff]")
"""Letters that are drawn in another order than they are read."""


def of_page(items: Sequence[Box]) -> Iterator[Doubt]:
    """Yield the doubts about the lines and tables of a page."""
    tables = [item for item in items if isinstance(item, PageTable)]
    lines = [item for item in items if isinstance(item, Line)]
    if _is_form(lines) or any(map(_is_uneven, tables)):
        yield "uneven"
    if any(map(_is_nameless, tables)):
        yield "nameless"
    if any(_REORDERED_LETTERS.search(line_text.text(line)) for line in lines):
        yield "script"


def _is_form(lines: Sequence[Line]) -> bool:
    """Return whether most lines are short and many are side by side."""
    rows = list(page_lines.rows(lines))
    n_multiple = sum(len(row) > 1 for row in rows)
    n_short = sum(len(line.words) <= LABEL for line in lines)
    least = max(LEAST_ROWS, SIDE_BY_SIDE * len(rows))
    return n_multiple >= least and n_short >= SHORT * len(lines)


def _is_uneven(table: PageTable) -> bool:
    """Return whether many cells of a table by alignment have no text."""
    cells = [cell for row in table.rows for cell in row]
    return (
        not table.is_ruled
        and len(table.rows[0]) > 2
        and len(cells) >= LEAST_CELLS
        and sum(map(bool, cells)) < LEAST_FILLED * len(cells)
    )


def _is_nameless(table: PageTable) -> bool:
    """Return whether a table has no names of columns and is not a list of labels."""
    first = [row[:1] for row in table.rows]
    is_list = len(table.rows[0]) == 2 and not any(map(table_rows.has_numbers, first))
    numbers = sum(map(table_rows.has_numbers, table.rows))
    return not table.has_head and not is_list and 2 * numbers >= len(table.rows) > 2
