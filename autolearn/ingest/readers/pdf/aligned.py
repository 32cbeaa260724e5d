"""Find tables without vertical rules: short cells in aligned columns."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from autolearn.ingest.readers.pdf import (
    captioned_values,
    common_gaps,
    framed_rows,
    running_text,
    table_rows,
)
from autolearn.ingest.readers.pdf.lines import joined_if, rows, split_at
from autolearn.ingest.readers.pdf.shapes import (
    BULLETS,
    Box,
    Line,
    PageTable,
    RulingLine,
    bounds,
)
from autolearn.ingest.readers.pdf.survey import LARGER

LEAST_ROWS = 3
MOST_CUT = 4
"""Rows at the edges of a table that may turn out to be no part of it."""
MOST_CONTINUED = 3
"""Lines of one cell that may follow a row."""
CELL_GAP = 0.42
"""A gap within a line that may divide two cells, in font sizes."""
MOST_CROSSED = 0.15
"""Share of the rows that may be across the gap between two columns."""
LEAST_FILLED, LEAST_ALIGNED = 0.5, 0.7
"""Smallest shares of cells with text, and of cells at the edge of their column."""
EDGE_TOLERANCE = 0.6
"""Distance from the edge of a column that counts as being at it, in font sizes."""
LONGEST_CELL = 12
"""Words of an average cell."""
ITEM = re.compile(
    rf"(?:[{BULLETS}o]"
    r"|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\(\w{1,3}\)|\d+(?:\.\d+)+\.?|\[\d+\])$"
)
"""The mark of a list item, or the number of a heading."""

LineRow = list[Line]
Span = tuple[float, float]
"""Where a column begins and ends."""


def with_markers(lines: Sequence[Line]) -> list[Line]:
    """Return lines from top to bottom, the marks of list items joined to their text."""
    return [line for row in rows(lines) for line in joined_if(row, _is_marker)]


def _is_marker(line: Line, after: Line) -> bool:
    return (
        len(line.words) == 1
        and ITEM.match(line.words[0].text) is not None
        and after.x0 - line.x1 < 5 * after.size
        and not after.words[0].text[:1].isdigit()
        and any(map(str.isalpha, after.characters))
    )


def find(
    lines: Sequence[Line],
    rules: Sequence[RulingLine],
    prose: set[int],
    boxes: Sequence[Box],
    folds: Sequence[float],
) -> list[tuple[PageTable, set[int]]]:
    """Return the tables of a page, and for each the places of its lines.

    Args:
        lines: The lines of the page from top to bottom.
        rules: Its ruling lines.
        prose: Places of lines that belong to running text.
        boxes: Grids that are not tables; no table goes across their edges.
        folds: Places of rules from the upper to the lower edge of the page.
    """
    places = {id(line): i for i, line in enumerate(lines)}
    tables: list[tuple[PageTable, set[int]]] = []
    in_tables: set[int] = set()

    def add(table: PageTable, table_lines: Sequence[Line]) -> None:
        own = {places[id(line)] for line in table_lines}
        tables.append((table, own))
        in_tables.update(own)

    for frame in framed_rows.find(lines, rules, prose):
        free = [line for line in frame.lines if places[id(line)] not in in_tables]
        if table := _table(free, least=2, head=frame.head):
            add(table, free)
    rest = [
        line for i, line in enumerate(lines) if i not in in_tables and i not in prose
    ]
    for run in [run for side in _sides(rest, folds) for run in _runs(side, boxes)]:
        for cut in _cuts(run):
            if table := _table(cut, least=LEAST_ROWS):
                add(table, cut)
                break
    rest = [line for line in rest if places[id(line)] not in in_tables]
    for table, table_lines in captioned_values.find(rest):
        add(table, table_lines)
    return tables


def _cuts(run: list[LineRow]) -> Iterator[list[Line]]:
    """Yield the lines of a run, then without its first and its last rows.

    What is directly over or under a table need not belong to it.
    """
    most = min(MOST_CUT, len(run) - LEAST_ROWS)
    for n in range(most + 1):
        for first in range(n + 1):
            rest = run[first : len(run) - (n - first)]
            if len(rest) >= LEAST_ROWS and len(rest[0]) > 1:
                yield [line for row in rest for line in row]


def _sides(lines: Sequence[Line], folds: Sequence[float]) -> Iterator[list[Line]]:
    """Yield the lines on each side of a fold."""
    edges = [-math.inf, *sorted(folds), math.inf]
    for left, right in pairwise(edges):
        yield [line for line in lines if left <= line.x0 < right]


def _runs(lines: Sequence[Line], boxes: Sequence[Box]) -> Iterator[list[LineRow]]:
    """Yield rows that follow one another and have several cells."""
    run: list[LineRow] = []
    n_single = 0
    for row in rows(lines):
        near = (
            run
            and row[0].base - run[-1][0].base <= framed_rows.MAX_ROW_GAP * row[0].size
            and not any(_goes_across(box, run[-1], row) for box in boxes)
            and not (len(row) == 1 and _is_title(row[0], run[-1]))
        )
        if run and (not near or (len(row) < 2 and n_single >= MOST_CONTINUED)):
            yield _without_last_lines(run, n_single)
            run, n_single = [], 0
        if len(row) > 1 or run:
            n_single = 0 if len(row) > 1 else n_single + 1
            run.append(row)
    if run:
        yield _without_last_lines(run, n_single)


def _is_title(line: Line, row: LineRow) -> bool:
    """Return whether a line has words in larger type than the row before it."""
    has_words = any(word.text.isalpha() and len(word.text) > 2 for word in line.words)
    return has_words and line.size >= LARGER * row[0].size


def _without_last_lines(run: list[LineRow], n_single: int) -> list[LineRow]:
    """Return rows without the single lines at their end that do not continue a cell.

    Such a line does if it begins where a cell of the last row begins, other than the
    first one, and is as near to it as rows are. If rows of two halves alternate, the
    last one of each half counts.
    """
    n = len(run) - n_single
    step = 2 if _alternate(run[max(0, n - 4) : n]) else 1
    left = min(row[0].x0 for row in run)
    cells = [x for row in run[n - step : n] for x in row]
    pitches = [b[0].base - a[0].base for a, b in zip(run, run[step:], strict=False)]
    pitch = min(pitches, default=0)
    while n < len(run):
        (line,) = run[n]
        near = EDGE_TOLERANCE * line.size
        bases = [x.base for x in cells if abs(x.x0 - line.x0) < near < x.x0 - left]
        if not bases or line.base - bases[-1] > 1.05 * pitch:
            break
        cells.append(line)
        n += 1
    return run[:n]


def _alternate(last_rows: list[LineRow]) -> bool:
    """Return whether four rows are in one half of a table and the other by turns."""
    return (
        len(last_rows) == 4
        and _share_start(last_rows[1], last_rows[3])
        and not any(_share_start(a, b) for a, b in pairwise(last_rows))
    )


def _share_start(row: LineRow, other: LineRow) -> bool:
    return any(abs(a.x0 - b.x0) < EDGE_TOLERANCE * a.size for a in row for b in other)


def _goes_across(box: Box, before: LineRow, row: LineRow) -> bool:
    """Return whether one of two rows is in a box and the other one is not."""
    return (box.top < before[0].base <= box.bottom) != (
        box.top < row[0].base <= box.bottom
    )


def _table(lines: list[Line], *, least: int, head: float = 0) -> PageTable | None:
    """Return the table that lines make; None if they are something else."""
    all_rows = common_gaps.divided(list(rows(lines)))
    if sum(len(row) > 1 for row in all_rows) < least:
        return None
    columns = _columns(all_rows)
    if len(columns) < 2 or not _is_tabular(all_rows, columns):
        return None
    cells = _cells(all_rows, columns)
    n_head = sum(row[0].base < head for row in all_rows) if head else 0
    if 1 < n_head <= 3:
        head_row = [
            [x for row in cells[:n_head] for x in row[c]] for c in range(len(columns))
        ]
        cells = [head_row, *cells[n_head:]]
    x0, top, x1, bottom = bounds(lines)
    cells = table_rows.in_reading_order(table_rows.without_empty_columns(cells))
    has_head = bool(n_head) or _differs(cells)
    cells = table_rows.continued(cells, has_head=has_head)
    if not has_head:
        cells = table_rows.as_pairs(cells)
    return PageTable(cells, has_head, x0, top, x1, bottom)


def _columns(rows: list[LineRow]) -> list[Span]:
    """Return where the columns begin and end: between gaps that few rows cross."""
    full = [row for row in rows if len(row) > 1]
    edges = sorted(
        [(line.x0, 1) for row in full for line in row]
        + [(line.x1, -1) for row in full for line in row]
    )
    limit, n = int(MOST_CROSSED * len(full)), 0
    columns: list[Span] = []
    begin: float | None = None
    for place, step in edges:
        n += step
        if begin is None and n > limit:
            begin = place
        elif begin is not None and n <= limit:
            columns.append((begin, place))
            begin = None
    return columns


def _is_tabular(rows: list[LineRow], columns: list[Span]) -> bool:
    """Return whether rows and columns look like a table and not like running text."""
    cells = [line for row in rows for line in row]
    n_filled = sum(
        len({_column(line, columns) for line in row}) for row in rows if len(row) > 1
    )
    n_full = sum(len(row) > 1 for row in rows)
    if n_filled < LEAST_FILLED * n_full * len(columns):
        return False
    if sum(map(running_text.n_words, cells)) > LONGEST_CELL * len(cells):
        return False
    by_column: list[list[Line]] = [[] for _ in columns]
    for line in cells:
        by_column[_column(line, columns)].append(line)
    if all(running_text.is_prose(column) for column in by_column if len(column) > 2):
        return False
    n_aligned = sum(map(_n_aligned, by_column))
    return n_aligned >= LEAST_ALIGNED * len(cells)


def _column(line: Line, columns: list[Span]) -> int:
    """Return the column that a line has most in common with."""
    return max(
        range(len(columns)),
        key=lambda i: min(line.x1, columns[i][1]) - max(line.x0, columns[i][0]),
    )


def _n_aligned(column: list[Line]) -> int:
    """Return the largest number of cells that share an edge or the centre."""
    if not column:
        return 0
    tolerance = EDGE_TOLERANCE * median(line.size for line in column)
    best = 0
    for places in (
        [line.x0 for line in column],
        [line.x1 for line in column],
        [(line.x0 + line.x1) / 2 for line in column],
    ):
        middle = median(places)
        best = max(best, sum(abs(place - middle) <= tolerance for place in places))
    return best


def _cells(rows: list[LineRow], columns: list[Span]) -> list[list[list[Line]]]:
    result = []
    for row in rows:
        cells: list[list[Line]] = [[] for _ in columns]
        for line in row:
            for i, part in _by_column(line, columns):
                cells[i].append(part)
        result.append(cells)
    return result


def _by_column(line: Line, columns: list[Span]) -> Iterator[tuple[int, Line]]:
    """Yield the parts of a line and their columns.

    A line over several columns is divided at its wide gaps. Without any it is the title
    that they have in common.
    """
    over = [
        i for i, (x0, x1) in enumerate(columns) if line.x0 < (x0 + x1) / 2 < line.x1
    ]
    if len(over) < 2:
        yield _column(line, columns), line
        return
    gap = CELL_GAP * line.size
    parts = list(split_at(line.words, lambda a, b: b.x0 - a.x1 > gap))
    if len(parts) > 1:
        yield from ((_column(part, columns), part) for part in parts)
    elif len(over) < len(columns) and len(line.words) <= table_rows.LONGEST_REPEATED:
        yield from ((i, line) for i in over)
    else:
        yield over[0], line


def _differs(cells: list[list[list[Line]]]) -> bool:
    """Return whether the first row names the columns of a table."""
    if table_rows.stands_out(cells):
        return True
    first, others = cells[0], cells[1:]
    if _has_digits(first) or any(map(_is_label, first)):
        return False
    return 2 * sum(map(table_rows.has_numbers, others)) >= len(others)


def _is_label(cell: list[Line]) -> bool:
    """Return whether a cell names the value beside it, not the values below."""
    return bool(cell) and cell[-1].words[-1].text.endswith((":", "\uff1a"))


def _has_digits(row: list[list[Line]]) -> bool:
    text = "".join(line.characters for cell in row for line in cell)
    return any(map(str.isdigit, text))
