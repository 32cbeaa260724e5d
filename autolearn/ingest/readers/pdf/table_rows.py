"""Make rows of the cells of a table, and find the row that names the columns."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from autolearn.ingest.readers.pdf import bidi, line_text
from autolearn.ingest.readers.pdf.shapes import Line

LONGEST_REPEATED = 4
"""Words of a cell that is repeated in each column that it spans."""
SHORT_CELL = 2
"""Words of an average line if the lines of a cell are separate rows."""
MOST_HEAD_ROWS = 4
"""Rows that may name the columns together."""

CLOSER = 0.85
"""Largest distance of the lines within a row, in distances of two rows."""

_YEAR = re.compile(r"(?:1[5-9]|20)\d\d(?:[/\u2013-]\d+)?")

Cell = tuple[int, int]
"""A row and a column between ruling lines."""
CellRow = list[list[Line]]
"""The lines of each cell of a row."""


def of_cells(
    shape: tuple[int, int],
    roots: Mapping[Cell, Cell],
    contents: Mapping[Cell, list[Line]],
) -> tuple[list[list[Line]], list[CellRow], bool]:
    """Make rows of cells, some of which are merged.

    Args:
        shape: The numbers of rows and columns between ruling lines.
        roots: For each cell the upper left one of those it is merged with.
        contents: The lines of these cells.

    Returns:
        The titles above the table, its rows, and whether the first one names the
        columns.
    """
    n_rows, n_columns = shape
    bands = [
        [roots[row, column] for column in range(n_columns)] for row in range(n_rows)
    ]
    bands = [band for band in bands if any(contents.get(root) for root in band)]
    n_titles = 0
    while n_titles < len(bands) - 2 and len(set(bands[n_titles])) == 1:
        n_titles += 1
    titles = [contents[root] for root in dict.fromkeys(b[0] for b in bands[:n_titles])]
    bands = bands[n_titles:]
    n_head = _n_head_rows(bands, contents)
    rows: list[CellRow] = []
    if n_head > 1:
        rows.append(
            _joined([_texts(b, contents, is_head=True) for b in bands[:n_head]])
        )
        bands = bands[n_head:]
    for i, band in enumerate(bands):
        is_first = not i or band[0] != bands[i - 1][0]
        if len(set(band)) > 1 or is_first:
            rows += _split(_texts(band, contents))
    rows = in_reading_order(without_empty_columns(rows))
    return titles, rows, n_head > 1 or names_columns(rows)


def _texts(
    band: Sequence[Cell], contents: Mapping[Cell, list[Line]], *, is_head: bool = False
) -> CellRow:
    """Return the lines of a row; those of a long merged cell are written once.

    A name that several columns share is repeated in each.
    """
    is_whole = len(set(band)) == 1
    texts = []
    for i, root in enumerate(band):
        lines = contents.get(root, [])
        is_merged = i > 0 and root == band[i - 1]
        is_long = sum(len(line.words) for line in lines) > LONGEST_REPEATED
        texts.append(
            [] if is_merged and (is_whole or (is_long and not is_head)) else lines
        )
    return texts


def _n_head_rows(
    bands: Sequence[Sequence[Cell]], contents: Mapping[Cell, list[Line]]
) -> int:
    """Return how many rows name the columns: more if one name is above several."""
    n = 1
    while n < min(MOST_HEAD_ROWS, len(bands) - 1) and _is_divided(
        bands[n - 1], bands[n], contents
    ):
        n += 1
    return n


def _is_divided(
    above: Sequence[Cell], band: Sequence[Cell], contents: Mapping[Cell, list[Line]]
) -> bool:
    """Return whether a row divides names that the row above gives to several columns.

    All other columns have one name over both rows.
    """
    repeats = {a for a, b in pairwise(above) if a == b}
    parts = {(a, b) for a, b in zip(above, band, strict=True) if a in repeats}
    others = [
        (a, b) for a, b in zip(above, band, strict=True) if a not in repeats and a != b
    ]
    names = [contents.get(b, []) for _, b in parts]
    return (
        len(parts) > len(repeats)
        and not any(contents.get(b) for _, b in others)
        and (not has_numbers(names) or _has_years(names))
    )


def _joined(head: Sequence[CellRow]) -> CellRow:
    """Return rows that name the columns together as one."""
    columns = zip(*head, strict=True)
    return [
        list({id(line): line for cell in cells for line in cell}.values())
        for cells in columns
    ]


def _split(cells: CellRow) -> list[CellRow]:
    """Return the rows of a band between rules.

    If most columns have the same number of short lines on the same baselines, each
    is a row. A cell with one line is repeated in all of them.
    """
    n = max(len(cell) for cell in cells)
    full = [cell for cell in cells if len(cell) == n]
    is_divided = (
        n > 1
        and len(full) > 1
        and 2 * len(full) > len([cell for cell in cells if cell])
        and all(len(cell) in (0, 1, n) for cell in cells)
        and (len(cells[0]) == n or any(all(map(_is_value, c)) for c in full))
        and all(_are_rows(cell, full[0]) for cell in full)
    )
    if not is_divided:
        return [cells]
    return [[[cell[i]] if len(cell) == n else cell for cell in cells] for i in range(n)]


def _are_rows(cell: list[Line], other: list[Line]) -> bool:
    """Return whether the lines of two cells are short and on the same baselines."""
    n_words = sum(len(line_text.text(line).split()) for line in cell)
    return n_words <= SHORT_CELL * len(cell) and all(
        abs(a.base - b.base) < 0.4 * a.size for a, b in zip(cell, other, strict=True)
    )


def continued(cells: list[CellRow], *, has_head: bool) -> list[CellRow]:
    """Join lines that continue the cells of the row above, without a first cell.

    Several do so at once if lines within a row are closer than rows are.
    """
    is_spaced = _has_spaced_rows(cells[has_head:])
    result: list[CellRow] = []
    for row in cells:
        filled = [i for i, cell in enumerate(row) if cell]
        continues = (
            len(result) > has_head
            and not row[0]
            and (is_spaced or len(filled) == 1)
            and all(result[-1][i] for i in filled)
            and (is_spaced or not has_numbers([row[i] for i in filled]))
        )
        if continues:
            result[-1] = [a + b for a, b in zip(result[-1], row, strict=True)]
        else:
            result.append(row)
    return result


def _has_spaced_rows(cells: Sequence[CellRow]) -> bool:
    """Return whether lines without a first cell are closer than rows are.

    None of them may have a value, which would belong to a separate row.
    """
    bases = [min(line.base for cell in row for line in cell) for row in cells]
    gaps = [b - a for a, b in pairwise(bases)]
    rows = [gap for gap, row in zip(gaps, cells[1:], strict=True) if row[0]]
    inner = [row for row in cells[1:] if not row[0]]
    inner_gaps = [gap for gap, row in zip(gaps, cells[1:], strict=True) if not row[0]]
    return (
        len(rows) > 1
        and bool(inner)
        and max(inner_gaps) < CLOSER * min(rows)
        and not any(_is_value(line) for row in inner for cell in row for line in cell)
    )


def _is_value(line: Line) -> bool:
    return not any(map(str.isalpha, line_text.text(line)))


def as_pairs(cells: list[CellRow]) -> list[CellRow]:
    """Return rows of labels and values as two columns.

    Values may be at several places, as on receipts, but each place has separate rows.
    Amounts that alternate between two columns say something by their column.
    """
    places = [[i for i, cell in enumerate(row) if cell and i] for row in cells]
    columns = [i for row in places for i in row]
    is_list = all(row[0] for row in cells) and max(map(len, places)) <= 1
    n_changes = sum(a != b for a, b in pairwise(columns))
    if not is_list or len(cells[0]) < 3 or n_changes >= len(set(columns)):
        return cells
    return [
        [row[0], row[own[0]] if own else []]
        for row, own in zip(cells, places, strict=True)
    ]


def without_empty_columns(rows: list[CellRow]) -> list[CellRow]:
    """Return rows without the columns in which no cell has text."""
    has_text = [any(cells) for cells in zip(*rows, strict=True)]
    return [
        [cell for cell, is_filled in zip(row, has_text, strict=True) if is_filled]
        for row in rows
    ]


def names_columns(rows: Sequence[CellRow]) -> bool:
    """Return whether the first row of a ruled table names its columns.

    It does unless it has numbers other than years.
    """
    return len(rows) > 1 and (stands_out(rows) or not has_numbers(rows[0]))


def stands_out(rows: Sequence[CellRow]) -> bool:
    """Return whether the first row is bold or has years, unlike the others."""
    first, others = rows[0], rows[1:]
    is_bold = _is_bold(first) and not all(map(_is_bold, others))
    return is_bold or (_has_years(first) and not any(map(_has_years, others)))


def _is_bold(row: CellRow) -> bool:
    lines = [line for cell in row for line in cell]
    return bool(lines) and all(line.bold for line in lines)


def _has_year(cell: list[Line]) -> bool:
    return len(cell) == 1 and _YEAR.fullmatch(line_text.text(cell[0])) is not None


def _has_years(row: CellRow) -> bool:
    """Return whether all numbers of a row are years, two at least."""
    n = sum(map(_has_year, row))
    with_numbers = sum(has_numbers([cell]) for cell in row)
    return n > 1 and n == with_numbers


def has_numbers(row: CellRow) -> bool:
    """Return whether at least half of the cells of a row have digits."""
    texts = ["".join(line.characters for line in cell) for cell in row]
    n = sum(any(map(str.isdigit, text)) for text in texts)
    return n > 0 and 2 * n >= sum(map(bool, texts))


def in_reading_order(cells: list[CellRow]) -> list[CellRow]:
    """Return rows whose first column is the one that is read first."""
    lines = (line for row in cells for cell in row for line in cell)
    text = "".join(line.characters for line in lines)
    return [row[::-1] for row in cells] if bidi.is_rtl(text) else cells
