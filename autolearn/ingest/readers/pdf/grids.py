"""Find tables whose cells are bounded by ruling lines."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from autolearn.ingest.readers.pdf import bidi, columns, line_text
from autolearn.ingest.readers.pdf import lines as page_lines
from autolearn.ingest.readers.pdf.shapes import (
    Area,
    Box,
    Line,
    PageTable,
    RulingLine,
    TurnedLines,
    Word,
    overlap,
)

SNAP = 2.5
"""Largest distance of places that count as one, in points."""
MOST_CROSSINGS = 100_000
"""Pairs of lines that are compared; a page with more is a drawing."""
MOST_CELLS = 5000
LEAST_FILLED = 0.4
"""Smallest share of cells with text in a table."""
LONGEST_CELL = 60
"""Words of an average cell; a grid with longer ones is a layout."""
LONGEST_REPEATED = 4
"""Words of a cell that is repeated in each column that it spans."""
LEAST_CELLS = 0.35
"""Smallest share of cells that are not merged with others."""
SHORT_CELL = 2
"""Words of an average line where the lines of a cell are rows of their own."""
PADDING = 12.0
"""Largest distance of a shaded paragraph from the borders of its cell, in points."""
MOST_SIDE_BY_SIDE = 2
"""Baselines within one cell that may have several lines; more are columns of text."""
MOST_CROSSED = 0.1
"""Largest share of words that may stand across a ruling line."""

Cell = tuple[int, int]


class Grid:
    """Ruling lines that touch one another."""

    def __init__(self, rules: Sequence[RulingLine]) -> None:
        horizontal = [rule for rule in rules if rule.is_horizontal]
        self._horizontal = horizontal
        self._vertical = [rule for rule in rules if not rule.is_horizontal]
        self.xs = _places([r.x0 for r in self._vertical] + _ends(rules, 0, 2))
        self.ys = _places([r.y0 for r in horizontal] + _ends(rules, 1, 3))
        self.x0, self.x1 = self.xs[0], self.xs[-1]
        self.top, self.bottom = self.ys[0], self.ys[-1]

    @property
    def is_table(self) -> bool:
        """Whether there are at least two columns and two rows."""
        n_columns, n_rows = len(self.xs) - 1, len(self.ys) - 1
        return n_columns > 1 and n_rows > 1 and n_columns * n_rows <= MOST_CELLS

    def cell(self, x: float, y: float) -> Cell:
        """Return the row and the column of a point."""
        row = sum(y >= edge for edge in self.ys[1:-1])
        return row, sum(x >= edge for edge in self.xs[1:-1])

    def holds(self, line: Line) -> bool:
        """Return whether a line stands inside."""
        return self.top < line.base <= self.bottom + SNAP and overlap(
            self, line
        ) > 0.5 * (line.x1 - line.x0)

    def merged(self) -> dict[Cell, Cell]:
        """Return for each cell the upper left one of those it is merged with."""
        roots: dict[Cell, Cell] = {}
        for row, (y0, y1) in enumerate(pairwise(self.ys)):
            for column, (x0, x1) in enumerate(pairwise(self.xs)):
                root = (row, column)
                if column and not self._is_ruled(self._vertical, x0, (y0 + y1) / 2):
                    root = roots[row, column - 1]
                elif row and not self._is_ruled(self._horizontal, y0, (x0 + x1) / 2):
                    root = roots[row - 1, column]
                roots[row, column] = root
        return roots

    @staticmethod
    def _is_ruled(rules: Iterable[RulingLine], place: float, across: float) -> bool:
        """Return whether a line is drawn at a place, and across another one."""
        for rule in rules:
            x0, y0, x1, y1, _ = rule
            at, low, high = (y0, x0, x1) if rule.is_horizontal else (x0, y0, y1)
            if abs(at - place) <= SNAP and low - SNAP <= across <= high + SNAP:
                return True
        return False


def found(
    lines: Sequence[Line],
    rules: Sequence[RulingLine],
    turned: Sequence[TurnedLines] = (),
) -> tuple[list[tuple[PageTable, set[int]]], list[Box]]:
    """Find the tables of a page.

    Turned lines, such as the names of narrow columns, stand in their cells as well.

    Returns:
        The tables, for each the places of its lines, and grids that are no tables.
    """
    tables = []
    boxes: list[Box] = []
    used: set[int] = set()
    for grid in _grids(rules):
        inside = {i for i, line in enumerate(lines) if grid.holds(line)} - used
        if not inside:
            continue
        table = _table(grid, [lines[i] for i in sorted(inside)], turned)
        if table:
            used |= inside
            tables.append((table, inside))
        else:
            boxes.append(grid)
    return tables, boxes


def _without_shading(rules: Sequence[RulingLine]) -> list[RulingLine]:
    """Return rules without the edges of shaded paragraphs within a cell."""
    borders = sorted(
        (rule for rule in rules if not rule.is_horizontal), key=lambda rule: rule.x0
    )
    places = [rule.x0 for rule in borders]

    def has_border(low: float, high: float, y: float) -> bool:
        near = borders[bisect_left(places, low) : bisect_right(places, high)]
        return any(rule.y0 <= y <= rule.y1 for rule in near)

    def is_shading(area: Area) -> bool:
        y = (area.top + area.bottom) / 2
        return has_border(area.x0 - PADDING, area.x0 - SNAP, y) and has_border(
            area.x1 + SNAP, area.x1 + PADDING, y
        )

    return [rule for rule in rules if rule.area is None or not is_shading(rule.area)]


def _grids(rules: Sequence[RulingLine]) -> list[Grid]:
    rules = _without_shading(rules)
    horizontal = _merged([rule for rule in rules if rule.is_horizontal], 0)
    vertical = _merged([rule for rule in rules if not rule.is_horizontal], 1)
    if len(horizontal) * len(vertical) > MOST_CROSSINGS:
        return []
    groups: dict[RulingLine, list[RulingLine]] = {
        rule: [rule] for rule in horizontal + vertical
    }
    for h in horizontal:
        for v in vertical:
            if groups[h] is not groups[v] and _touch(h, v):
                groups[h].extend(groups[v])
                for rule in groups[v]:
                    groups[rule] = groups[h]
    distinct = {id(group): group for group in groups.values() if len(group) > 3}
    grids = [Grid(group) for group in distinct.values()]
    grids = [grid for grid in grids if grid.is_table]
    return sorted(
        grids, key=lambda grid: (grid.x1 - grid.x0) * (grid.bottom - grid.top)
    )


def _merged(rules: Sequence[RulingLine], along: int) -> list[RulingLine]:
    """Return rules, those that continue one another as one.

    Args:
        rules: Rules in one direction.
        along: 0 if they run along x, 1 along y.
    """
    across = 1 - along
    merged: list[RulingLine] = []
    for rule in sorted(rules, key=lambda r: (round(r[across] / SNAP), r[along])):
        last = merged[-1] if merged else None
        if (
            last is not None
            and abs(last[across] - rule[across]) <= SNAP
            and rule[along] - last[along + 2] <= SNAP
            and last[along] - rule[along + 2] <= SNAP
        ):
            low = min(last, rule, key=lambda r: r[along])
            end = max(last[along + 2], rule[along + 2])
            merged[-1] = low._replace(x1=end) if along == 0 else low._replace(y1=end)
        else:
            merged.append(rule)
    return merged


def _touch(h: RulingLine, v: RulingLine) -> bool:
    return h.x0 - SNAP <= v.x0 <= h.x1 + SNAP and v.y0 - SNAP <= h.y0 <= v.y1 + SNAP


def _ends(rules: Sequence[RulingLine], low: int, high: int) -> list[float]:
    """Return the outermost places of rules."""
    return [min(rule[low] for rule in rules), max(rule[high] for rule in rules)]


def _places(values: Iterable[float]) -> list[float]:
    """Return places, those close to one another as one."""
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > SNAP:
            places.append(value)
    return places


def _table(
    grid: Grid, lines: Sequence[Line], turned: Sequence[TurnedLines]
) -> PageTable | None:
    """Return the table in a grid; None if the grid is a layout or a drawing."""
    words = [word for line in lines for word in line.words]
    roots = grid.merged()
    cells: dict[Cell, list[Word]] = {}
    n_crossed = 0
    for word in words:
        y = word.base - 0.3 * word.size
        cell = grid.cell((word.x0 + word.x1) / 2, y)
        ends = {roots[grid.cell(x, y)] for x in (word.x0 + 1, word.x1 - 1)}
        n_crossed += len(ends) > 1
        cells.setdefault(roots[cell], []).append(word)
    n_cells = len(set(roots.values()))
    if (
        n_crossed > MOST_CROSSED * len(words)
        or n_cells < LEAST_CELLS * len(roots)
        or len(cells) < max(3, LEAST_FILLED * n_cells)
        or len(words) > LONGEST_CELL * len(cells)
    ):
        return None
    contents = {cell: page_lines.joined(words) for cell, words in cells.items()}
    if any(map(_has_columns, contents.values())):
        return None
    for cell, line in _turned_cells(grid, roots, turned):
        contents.setdefault(cell, []).append(line)
    return _filled(grid, roots, contents)


def _turned_cells(
    grid: Grid, roots: dict[Cell, Cell], turned: Sequence[TurnedLines]
) -> Iterator[tuple[Cell, Line]]:
    """Yield turned lines that stand within a cell of a grid."""
    for direction, lines in turned:
        for line in lines:
            y = line.base - 0.3 * line.size
            ends = [direction.place(line.x0, y), direction.place(line.x1, y)]
            cells = {roots[grid.cell(*end)] for end in ends}
            is_inside = all(
                grid.x0 < x < grid.x1 and grid.top - SNAP < y < grid.bottom + SNAP
                for x, y in ends
            )
            if is_inside and len(cells) == 1:
                yield cells.pop(), line


def _has_columns(cell: list[Line]) -> bool:
    """Return whether a cell holds columns of text, which it would mix.

    The marks of list items make no column.
    """
    n = 0
    for row in page_lines.rows(cell):
        is_item = columns.ITEM.match(line_text.text(row[0]) + " ") is not None
        n += len(row) > 1 + is_item
    return n > MOST_SIDE_BY_SIDE


def _filled(
    grid: Grid, roots: dict[Cell, Cell], contents: dict[Cell, list[Line]]
) -> PageTable:
    n_rows, n_columns = len(grid.ys) - 1, len(grid.xs) - 1
    rows: list[list[list[Line]]] = []
    for row in range(n_rows):
        across = [roots[row, column] for column in range(n_columns)]
        if len(set(across)) == 1:  # one cell from side to side is written once
            is_first = across[0][0] == row
            texts = [
                contents.get(across[0], []) if is_first else [],
                *[[]] * (n_columns - 1),
            ]
        else:
            texts = [
                contents.get(root, []) if _is_repeated(contents, across, i) else []
                for i, root in enumerate(across)
            ]
        if any(texts):
            rows += _split(texts)
    rows = in_reading_order(without_empty_columns(rows))
    return PageTable(rows, _has_head(rows), grid.x0, grid.top, grid.x1, grid.bottom)


def _is_repeated(
    contents: dict[Cell, list[Line]], across: Sequence[Cell], i: int
) -> bool:
    """Return whether a cell is written: a long one is not repeated across columns."""
    if not i or across[i] != across[i - 1]:
        return True
    n_words = sum(len(line.words) for line in contents.get(across[i], []))
    return n_words <= LONGEST_REPEATED


def _split(cells: list[list[Line]]) -> list[list[list[Line]]]:
    """Return the rows of a band between rules.

    Where most columns have the same number of short lines on the same baselines, each
    is a row. A cell with one line stands for all of them.
    """
    n = max(len(cell) for cell in cells)
    full = [cell for cell in cells if len(cell) == n]
    is_divided = (
        n > 1
        and len(full) > 1
        and 2 * len(full) > len([cell for cell in cells if cell])
        and all(len(cell) in (0, 1, n) for cell in cells)
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


def without_empty_columns(rows: list[list[list[Line]]]) -> list[list[list[Line]]]:
    """Return rows without the columns in which no cell has text."""
    filled = [any(cells) for cells in zip(*rows, strict=True)]
    return [
        [cell for cell, is_filled in zip(row, filled, strict=True) if is_filled]
        for row in rows
    ]


def _has_head(rows: list[list[list[Line]]]) -> bool:
    """Return whether the first row of a ruled table names its columns.

    It does unless it has numbers where the other rows have numbers.
    """
    return len(rows) > 1 and not has_numbers(rows[0])


def has_numbers(row: list[list[Line]]) -> bool:
    """Return whether at least half of the cells of a row have digits."""
    texts = [[word.text for line in cell for word in line.words] for cell in row]
    n = sum(any(any(map(str.isdigit, text)) for text in cell) for cell in texts)
    return n > 0 and 2 * n >= len([cell for cell in texts if cell])


def in_reading_order(cells: list[list[list[Line]]]) -> list[list[list[Line]]]:
    """Return rows whose first column is the one that is read first."""
    text = "".join(
        word.text
        for row in cells
        for cell in row
        for line in cell
        for word in line.words
    )
    return [row[::-1] for row in cells] if bidi.is_rtl(text) else cells
