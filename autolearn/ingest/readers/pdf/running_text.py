"""Tell running text from the cells of tables."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from statistics import median

from autolearn.ingest.readers.pdf import line_joining
from autolearn.ingest.readers.pdf.shapes import Line, bounds

LEAST_ROWS, LEAST_IN_ROWS = 3, 0.7
"""Rows of cells next to a text that is a column of a table, and share of the cells
there that are in such rows."""
LEAST_BESIDE = 2
"""Short cells in a row next to a text that is itself a column of a table."""
SAME_ROW = 0.3
"""Largest distance of the baselines of cells of one row, in font sizes."""
PROSE_WORDS, PROSE_FILL = 4.5, 0.75
"""Words of a line, and share of the column that it fills, in running text."""
LONG_LINE = 9
"""Words of a line that is not a cell."""


def n_words(line: Line) -> float:
    """Return the number of words of a line; of unspaced scripts, half its letters."""
    text = line.characters
    if text.isascii():
        return len(line.words)
    return len(line_joining.NO_SPACES.findall(text)) / 2 or len(line.words)


def is_prose(column: list[Line]) -> bool:
    """Return whether lines under one another are running text."""
    width = max(line.x1 for line in column) - min(line.x0 for line in column)
    fill = median((line.x1 - line.x0) / max(1, width) for line in column)
    return median(map(n_words, column)) >= PROSE_WORDS and fill >= PROSE_FILL


def prose(columns: Sequence[Sequence[Line]]) -> list[Line]:
    """Return the lines that are running text: of such columns, and all long ones."""
    return [
        line
        for column in columns
        for line in column
        if n_words(line) >= LONG_LINE or (len(column) > 2 and is_prose(list(column)))
    ]


def texts_in_rows(columns: Sequence[Sequence[Line]]) -> list[Line]:
    """Return lines of running text that are cells of a table.

    Next to such a text there are rows of two or more short cells, on its lines.
    """
    texts = [column for column in columns if len(column) > 2 and is_prose(list(column))]
    in_texts = {id(line) for text in texts for line in text}
    cells = [x for column in columns for x in column if id(x) not in in_texts]
    return [line for text in texts for line in _in_rows(text, cells)]


def _in_rows(text: Sequence[Line], cells: Sequence[Line]) -> Sequence[Line]:
    """Return the lines of a text from the first row on, if rows are next to it."""
    left, top, right, bottom = bounds(text)
    bases = [line.base for line in text]
    n_beside: Counter[int] = Counter()
    n_all = 0
    for cell in cells:
        is_beside = cell.x1 < left or cell.x0 > right
        if is_beside and top < cell.base < bottom:
            n_all += 1
            place = _nearest(bases, cell.base)
            n_beside[place] += abs(bases[place] - cell.base) <= SAME_ROW * cell.size
    starts = [place for place, n in n_beside.items() if n >= LEAST_BESIDE]
    n_in_rows = sum(n_beside[place] for place in starts)
    has_rows = len(starts) >= LEAST_ROWS and n_in_rows >= LEAST_IN_ROWS * n_all
    return text[min(starts) :] if has_rows else ()


def _nearest(places: Sequence[float], place: float) -> int:
    """Return which of some places, in their order, is nearest to another one."""
    i = bisect_left(places, place)
    return min(
        range(max(0, i - 1), min(len(places), i + 1)),
        key=lambda k: abs(places[k] - place),
    )
