"""Find the lines between horizontal rules, which may be the rows of a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autolearn.ingest.readers.pdf import table_rows
from autolearn.ingest.readers.pdf.lines import rows
from autolearn.ingest.readers.pdf.shapes import Line, RulingLine

MAX_ROW_GAP = 2.6
"""Largest distance of two rows of one table, in font sizes."""
SHORTEST_RULE, THICKEST = 40, 4
"""Length of a rule across a table, and distance of the edges of one rule, in points."""
MOST_FRAMED = 0.25
"""Share of running text between two rules from which they frame no table."""


@dataclass(frozen=True)
class Frame:
    """Lines between rules."""

    lines: list[Line]
    head: float
    """Where the rows end that may name the columns."""


def find(
    lines: Sequence[Line], rules: Sequence[RulingLine], prose: set[int]
) -> Iterator[Frame]:
    """Yield the lines between rules of one width.

    Args:
        lines: The lines of the page from top to bottom.
        rules: Its ruling lines.
        prose: Places of lines that belong to running text.
    """
    for band in _bands(rules, lines):
        inside = [i for i, line in enumerate(lines) if _is_within(line, band)]
        if len(band) == 2 and sum(i in prose for i in inside) > MOST_FRAMED * len(
            inside
        ):
            continue
        above = [
            line
            for i, line in enumerate(lines)
            if i not in prose and _is_on(line, band[0])
        ]
        if len(above) < 2:
            yield Frame([lines[i] for i in inside], band[1].y0)
        elif not table_rows.has_numbers([[line] for line in above]):
            yield Frame([*above, *(lines[i] for i in inside)], band[0].y0 + THICKEST)
        # else it is a rule within a table, which its rows show


def _bands(
    rules: Sequence[RulingLine], lines: Sequence[Line]
) -> Iterator[list[RulingLine]]:
    """Yield horizontal rules of one width under one another, two at least.

    An empty stretch between two of them divides them.
    """
    groups: dict[tuple[int, int], list[RulingLine]] = {}
    for rule in sorted(rules, key=lambda rule: rule.y0):
        if rule.is_horizontal and rule.x1 - rule.x0 > SHORTEST_RULE:
            key = round(rule.x0 / 6), round(rule.x1 / 6)
            groups.setdefault(key, []).append(rule)
    for group in groups.values():
        distinct = group[:1]
        for rule in group[1:]:
            if rule.y0 - distinct[-1].y0 <= THICKEST:
                continue
            if _is_open([distinct[-1], rule], lines):
                yield from [distinct] * (len(distinct) > 1)
                distinct = []
            distinct.append(rule)
        yield from [distinct] * (len(distinct) > 1)


def _is_open(band: list[RulingLine], lines: Sequence[Line]) -> bool:
    """Return whether rows between two rules are further apart than those of a table."""
    inside = list(rows(line for line in lines if _is_within(line, band)))
    return any(
        b[0].base - a[0].base > MAX_ROW_GAP * max(a[0].size, b[0].size)
        for a, b in pairwise(inside)
    )


def _is_on(line: Line, rule: RulingLine) -> bool:
    """Return whether a line is directly above a rule."""
    is_near = 0 <= rule.y0 - line.base < line.size
    return is_near and line.x0 >= rule.x0 - 6 and line.x1 <= rule.x1 + 6


def _is_within(line: Line, band: list[RulingLine]) -> bool:
    return (
        band[0].y0 < line.base <= band[-1].y0 + 1
        and line.x0 >= band[0].x0 - 6
        and line.x1 <= band[0].x1 + 6
    )
