"""Find tables whose cells are bounded by ruling lines."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from autolearn.ingest.readers.pdf import columns, line_text, table_rows
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
from autolearn.ingest.readers.pdf.table_rows import Cell

SNAP = 2.5
"""Largest distance of places that count as one, in points."""
MOST_CROSSINGS = 100_000
"""Pairs of lines that are compared; a page with more is a drawing."""
MOST_CELLS = 5000
LEAST_FILLED = 0.4
"""Smallest share of cells with text in a table."""
LONGEST_CELL = 60
"""Words of an average cell; a grid with longer ones is a layout."""
LEAST_CELLS = 0.35
"""Smallest share of cells that are not merged with others."""
PADDING = 12.0
"""Largest distance of a shaded paragraph from the borders of its cell, in points."""
MOST_SIDE_BY_SIDE = 2
"""Baselines within one cell that may have several lines; more are columns of text."""
MOST_CROSSED = 0.1
"""Largest share of words that may be across a ruling line."""


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
        """Return whether a line is inside."""
        return self.top < line.base <= self.bottom + SNAP and overlap(
            self, line
        ) > 0.5 * (line.x1 - line.x0)

    def merge_roots(self) -> dict[Cell, Cell]:
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


def find(
    lines: Sequence[Line],
    rules: Sequence[RulingLine],
    turned_lines: Sequence[TurnedLines],
) -> tuple[list[tuple[PageTable, set[int]]], list[Box]]:
    """Find the tables of a page.

    Turned lines, such as the names of narrow columns, are in their cells as well.

    Returns:
        The tables, for each the places of its lines, and grids that are not tables.
    """
    tables = []
    boxes: list[Box] = []
    table_places: set[int] = set()
    for grid in _grids(rules):
        inside = {i for i, line in enumerate(lines) if grid.holds(line)} - table_places
        if not inside:
            continue
        table = _table(grid, [lines[i] for i in sorted(inside)], turned_lines)
        if table:
            table_places |= inside
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
    """Return rules; those that continue one another are joined.

    Args:
        rules: Rules in one direction.
        along: 0 if they run along x, 1 along y.
    """
    across = 1 - along
    joint_rules: list[RulingLine] = []
    for rule in sorted(
        rules, key=lambda r: (round(r.ends[across] / SNAP), r.ends[along])
    ):
        last, own = joint_rules[-1].ends if joint_rules else None, rule.ends
        if (
            last is not None
            and abs(last[across] - own[across]) <= SNAP
            and own[along] - last[along + 2] <= SNAP
            and last[along] - own[along + 2] <= SNAP
        ):
            low = min(joint_rules[-1], rule, key=lambda r: r.ends[along])
            end = max(last[along + 2], own[along + 2])
            joint_rules[-1] = (
                low._replace(x1=end) if along == 0 else low._replace(y1=end)
            )
        else:
            joint_rules.append(rule)
    return joint_rules


def _touch(h: RulingLine, v: RulingLine) -> bool:
    return h.x0 - SNAP <= v.x0 <= h.x1 + SNAP and v.y0 - SNAP <= h.y0 <= v.y1 + SNAP


def _ends(rules: Sequence[RulingLine], low: int, high: int) -> list[float]:
    """Return the outermost places of rules."""
    ends = [rule.ends for rule in rules]
    return [min(end[low] for end in ends), max(end[high] for end in ends)]


def _places(values: Iterable[float]) -> list[float]:
    """Return places; those close to one another are joined."""
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > SNAP:
            places.append(value)
    return places


def _table(
    grid: Grid, lines: Sequence[Line], turned_lines: Sequence[TurnedLines]
) -> PageTable | None:
    """Return the table in a grid; None if the grid is a layout or a drawing."""
    words = [word for line in lines for word in line.words]
    roots = grid.merge_roots()
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
    for cell, line in _turned_cells(grid, roots, turned_lines):
        contents.setdefault(cell, []).append(line)
    shape = len(grid.ys) - 1, len(grid.xs) - 1
    titles, rows, has_head = table_rows.of_cells(shape, roots, contents)
    if not rows:
        return None
    place = grid.x0, grid.top, grid.x1, grid.bottom
    return PageTable(rows, has_head, *place, titles, is_ruled=True)


def _turned_cells(
    grid: Grid, roots: dict[Cell, Cell], turned_lines: Sequence[TurnedLines]
) -> Iterator[tuple[Cell, Line]]:
    """Yield turned lines that are within a cell of a grid."""
    for direction, lines in turned_lines:
        for line in lines:
            y = line.base - 0.3 * line.size
            ends = [direction.place(line.x0, y), direction.place(line.x1, y)]
            cells = {roots[grid.cell(*end)] for end in ends}
            is_inside = all(
                grid.x0 < end_x < grid.x1
                and grid.top - SNAP < end_y < grid.bottom + SNAP
                for end_x, end_y in ends
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
