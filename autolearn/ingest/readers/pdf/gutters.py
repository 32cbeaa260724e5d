"""Find gaps between columns that are open over several rows of words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from autolearn.ingest.readers.pdf.shapes import Word

LEAST_GAP, LEAST_COMMON = 0.55, 0.5
"""Width of a gap in one row, and of what rows have in common, in font sizes."""
LEAST_ROWS = 4
MAX_ROW_GAP = 2.2
"""Largest distance of two rows, in font sizes."""
MOST_ONE_SIDED = 3
"""Rows in between that have words on one side of the gap only."""

WordRow = Sequence[Word]


@dataclass
class _Gutter:
    """A gap that is open so far."""

    left: float
    right: float
    rows: list[int]
    n_one_sided: int = 0


def find(rows: Sequence[WordRow]) -> list[list[float]]:
    """Return for each row the places at which gutters divide it.

    Gaps between words are hardly ever under one another in running text, but in text
    of one width they do; no gutter is searched there.

    Args:
        rows: Words on one baseline from left to right, the rows from top to bottom.
    """
    cuts: list[list[float]] = [[] for _ in rows]
    active: list[_Gutter] = []
    for i, row in enumerate(rows):
        far = i and row[0].base - rows[i - 1][0].base > MAX_ROW_GAP * row[0].size
        still_open: list[_Gutter] = []
        for gutter in active:
            if not far and _continues(gutter, i, row):
                still_open.append(gutter)
            else:
                _cut(gutter, cuts)
        places = [(gutter.left, gutter.right) for gutter in still_open]
        still_open += [
            _Gutter(left, right, [i])
            for left, right in _gaps(row)
            if not any(left <= x0 and x1 <= right for x0, x1 in places)
        ]
        active = still_open
    for gutter in active:
        _cut(gutter, cuts)
    return cuts


def _gaps(row: WordRow) -> list[tuple[float, float]]:
    return [
        (a.x1, b.x0)
        for a, b in pairwise(row)
        if b.x0 - a.x1 > LEAST_GAP * b.size and not (a.mono and b.mono)
    ]


def _continues(gutter: _Gutter, i: int, row: WordRow) -> bool:
    """Return whether a row leaves a gutter open; narrow it to what is common."""
    least = LEAST_COMMON * row[0].size
    for left, right in _gaps(row):
        low, high = max(left, gutter.left), min(right, gutter.right)
        if high - low >= least:
            gutter.left, gutter.right, gutter.n_one_sided = low, high, 0
            gutter.rows.append(i)
            return True
    gutter.n_one_sided += 1
    is_crossed = row[0].x0 < gutter.right and row[-1].x1 > gutter.left
    is_on_one_side = row[-1].x1 <= gutter.left + 1 or row[0].x0 >= gutter.right - 1
    return (is_on_one_side or not is_crossed) and gutter.n_one_sided <= MOST_ONE_SIDED


def _cut(gutter: _Gutter, cuts: list[list[float]]) -> None:
    if len(gutter.rows) >= LEAST_ROWS:
        for i in gutter.rows:
            cuts[i].append((gutter.left + gutter.right) / 2)
