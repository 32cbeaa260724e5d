"""Find rows of values below their names, as forms have them: tables of two rows."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from autolearn.ingest.readers.pdf.lines import rows, split_at
from autolearn.ingest.readers.pdf.shapes import Line, PageTable, Word, bounds

LEAST_VALUES = 3
"""Names with a value below. Two could stand under one another by chance."""
LONGEST_NAME = 6
"""Words of a name."""
MAX_DISTANCE = 2.0
"""Largest distance of the names and their values, in font sizes."""
NEAR = 0.4
"""Distance of the edges of a name and its value that counts as aligned, in sizes."""
CELL_GAP = 0.6
"""A gap between two values that the next name begins below, in font sizes."""

LineRow = list[Line]


def find(lines: Sequence[Line]) -> Iterator[tuple[PageTable, list[Line]]]:
    """Yield tables of names and values, and the lines of each.

    Args:
        lines: Lines of a page that are neither running text nor in other tables.
    """
    all_rows = list(rows(lines))
    for i, (names, values) in enumerate(pairwise(all_rows)):
        others = all_rows[max(0, i - 1) : i] + all_rows[i + 2 : i + 3]
        if not _may_be(names, values) or any(
            _is_near(x, names, values) for x in others
        ):
            continue
        cells = _below(names, values)
        if sum(map(bool, cells)) >= max(LEAST_VALUES, len(names) / 2):
            table_lines = [*names, *values]
            head = [[name] for name in names]
            yield PageTable([head, cells], True, *bounds(table_lines)), table_lines


def _may_be(names: LineRow, values: LineRow) -> bool:
    """Return whether a row has short names and the next one has a number."""
    distance = values[0].base - names[0].base
    return (
        len(names) >= LEAST_VALUES
        and distance <= MAX_DISTANCE * names[0].size
        and abs(values[0].size - names[0].size) <= 0.15 * names[0].size
        and all(len(name.words) <= LONGEST_NAME and _is_name(name) for name in names)
        and any(any(map(str.isdigit, line.characters)) for line in values)
    )


def _is_name(line: Line) -> bool:
    text = line.characters
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text))


def _is_near(row: LineRow, names: LineRow, values: LineRow) -> bool:
    """Return whether another row of several cells stands as near as the values do."""
    distance = values[0].base - names[0].base
    gap = max(names[0].base - row[0].base, row[0].base - values[0].base)
    return len(row) > 1 and gap <= 1.2 * distance


def _below(names: LineRow, values: LineRow) -> list[LineRow]:
    """Return for each name the value below it; nothing if some are not aligned."""
    cells: list[LineRow] = [[] for _ in names]
    for value in (part for line in values for part in _parts(line, names)):
        own = [i for i, name in enumerate(names) if _is_aligned(name, value)]
        if len(own) != 1 or cells[own[0]]:
            return [[] for _ in names]
        cells[own[0]] = [value]
    return cells


def _parts(line: Line, names: LineRow) -> Iterator[Line]:
    """Return the parts of a line, divided where another name begins above a gap."""

    def is_border(a: Word, b: Word) -> bool:
        is_start = any(abs(name.x0 - b.x0) < NEAR * b.size for name in names)
        return is_start and b.x0 - a.x1 > CELL_GAP * b.size

    return split_at(line.words, is_border)


def _is_aligned(name: Line, value: Line) -> bool:
    near = NEAR * name.size
    centres = abs(name.x0 + name.x1 - value.x0 - value.x1) / 2
    return min(abs(name.x0 - value.x0), abs(name.x1 - value.x1), centres) < near
