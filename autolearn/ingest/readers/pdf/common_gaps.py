"""Divide the lines of a table at gaps that are open over all of its rows."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from autolearn.ingest.readers.pdf.shapes import BULLETS, Line

COMMON_GAP = 0.6
"""Width of a gap that no row crosses and that divides cells, in font sizes."""
LEAST_ROWS = 3
"""Rows with words on both sides of such a gap."""

_MARK = re.compile(rf"[{BULLETS}]|\(?\w{{1,3}}[.)]")

Span = tuple[float, float]


def divided(all_rows: list[list[Line]]) -> list[list[Line]]:
    """Return rows whose lines end at the gaps that no row crosses."""
    if len(all_rows) < LEAST_ROWS:
        return all_rows
    spans = sorted(
        (word.x0, word.x1) for row in all_rows for line in row for word in line.words
    )
    size = median(line.size for row in all_rows for line in row)
    gaps: list[Span] = []
    end = spans[0][1]
    for x0, x1 in spans:
        if x0 - end >= COMMON_GAP * size:
            gaps.append((end, x0))
        end = max(end, x1)
    common = [gap for gap in gaps if _n_divided(all_rows, gap) >= LEAST_ROWS]
    return [[part for line in row for part in _parts(line, common)] for row in all_rows]


def _n_divided(all_rows: list[list[Line]], gap: Span) -> int:
    """Return how many rows have words on both sides of a gap."""
    return sum(row[0].x0 < gap[0] and row[-1].x1 > gap[1] for row in all_rows)


def _parts(line: Line, gaps: Sequence[Span]) -> Iterator[Line]:
    """Yield the parts of a line between gaps; the mark of an item stays with it."""
    words = [line.words[0]]
    for a, b in pairwise(line.words):
        is_mark = len(words) == 1 and _MARK.fullmatch(a.text)
        if not is_mark and any(
            a.x1 <= left + 1 and b.x0 >= right - 1 for left, right in gaps
        ):
            yield Line(words)
            words = []
        words.append(b)
    yield line if len(words) == len(line.words) else Line(words)
