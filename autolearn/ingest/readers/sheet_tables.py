"""Find the tables of a sheet, and write each as Markdown.

A sheet may hold several tables, under one another or side by side.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from autolearn.ingest.readers import years

Rows = Sequence[Sequence[str]]
"""The texts of cells; all rows have one length, and an empty cell is an empty text."""

LEAST_COLUMNS = LEAST_ROWS = 2
"""Smallest size of a table beside another one."""
LEAST_SHARED = 0.5
"""Share of the names of columns that two tables of one form have in common."""


class Covered(str):
    """The text of a merged cell in each further cell that it covers."""

    __slots__ = ()


class Part(NamedTuple):
    """Where a table or lines of text stand on a sheet; the ends are excluded."""

    top: int
    bottom: int
    left: int
    right: int


def written(rows: Rows) -> Iterator[str]:
    """Yield the parts of a sheet: tables, or lines of text."""
    for part in parts(rows):
        yield _table(cut(rows, part))


def parts(rows: Rows) -> Iterator[Part]:
    """Yield where the tables of a sheet and its lines of text stand."""
    yield from _parts(rows, Part(0, len(rows), 0, max(map(len, rows), default=0)))


def cut(rows: Rows, part: Part) -> Rows:
    """Return the cells of a part."""
    return [row[part.left : part.right] for row in rows[part.top : part.bottom]]


def _parts(rows: Rows, area: Part) -> Iterator[Part]:
    for block in _blocks(rows, area):
        sides = _sides(rows, block)
        if len(sides) == 1:
            yield block
        for side in sides if len(sides) > 1 else ():
            # A side may be shorter than the block and have empty rows of its own.
            yield from _parts(rows, side)


def _blocks(rows: Rows, area: Part) -> Iterator[Part]:
    """Yield the parts between empty rows, without empty columns at their edges."""
    top = area.top
    for i in range(area.top, area.bottom + 1):
        if i < area.bottom and any(rows[i][area.left : area.right]):
            continue
        if i > top:
            block = area._replace(top=top, bottom=i)
            filled = _filled_columns(cut(rows, block))
            yield block._replace(
                left=area.left + filled[0], right=area.left + filled[-1] + 1
            )
        top = i + 1


def _filled_columns(rows: Rows) -> list[int]:
    return [i for i in range(len(rows[0])) if any(row[i] for row in rows)]


def _sides(rows: Rows, block: Part) -> list[Part]:
    """Return the tables that an empty column divides a block into; or the block."""
    for a, b in pairwise(_filled_columns(cut(rows, block))):
        middle = block.left + b
        left, right = block._replace(right=middle), block._replace(left=middle)
        if b - a > 1 and _are_two_tables(cut(rows, left), cut(rows, right)):
            return [left, right]
    return [block]


def _are_two_tables(left: Rows, right: Rows) -> bool:
    """Return whether both sides of an empty column have names of columns.

    An empty column within one table only sets values apart. In two tables the names
    stand in different rows or are the same ones, or one table ends before the other and
    both begin with labels.
    """
    (first_left, a), (first_right, b) = _body(left), _body(right)
    if not (_has_names(a) and _has_names(b)):
        return False
    if first_left != first_right or _are_shared(a[0], b[0]):
        return True
    return len(a) != len(b) and _begins_with_labels(a) and _begins_with_labels(b)


def _body(rows: Rows) -> tuple[int, Rows]:
    """Return the rows of the first table, from its names on, and where they begin.

    Titles above the names fill a single cell.
    """
    first = next(i for i, row in enumerate(rows) if any(row))
    last = next((i for i in range(first, len(rows)) if not any(rows[i])), len(rows))
    while first < last - 1 and _n_texts(rows[first]) == 1:
        first += 1
    filled = _filled_columns(rows[first:last])
    return first, [[row[i] for i in filled] for row in rows[first:last]]


def _has_names(rows: Rows) -> bool:
    """Return whether the first row of a table names all columns."""
    is_large = len(rows) >= LEAST_ROWS and len(rows[0]) >= LEAST_COLUMNS
    return is_large and all(map(_is_name, rows[0]))


def _is_name(text: str) -> bool:
    return any(map(str.isalpha, text))


def _are_shared(a: Sequence[str], b: Sequence[str]) -> bool:
    return len(set(a) & set(b)) >= LEAST_SHARED * min(len(set(a)), len(set(b)))


def _begins_with_labels(rows: Rows) -> bool:
    return all(_is_name(row[0]) for row in rows)


def _table(block: Rows) -> str:
    """Return a block as a table below its titles, or as lines of text."""
    columns = _filled_columns(block)
    lines = [[row[i] for i in columns] for row in block]
    titles = []
    while lines and _is_title(lines[0]) and not _is_name_of_values(lines):
        titles.append(next(filter(None, lines.pop(0))))
    above = "".join(f"{title}\n\n" for title in titles)
    if len(columns) == 1 or not lines:
        return above + "".join(f"{row[0]}\n\n" for row in lines)
    if len(lines) > 2 and _is_divided(*lines[:2]):
        names = zip(*lines[:2], strict=True)
        lines[:2] = [[" / ".join(dict.fromkeys(filter(None, pair))) for pair in names]]
    if len(lines) == 1 or years.are_values(lines):
        lines.insert(0, [""] * len(columns))
    body = [f"| {' | '.join(map(_cell, row))} |" for row in lines]
    body.insert(1, "|" + " --- |" * len(columns))
    return above + "\n".join(body) + "\n\n"


def _n_texts(row: Sequence[str]) -> int:
    return sum(map(bool, row))


def _is_title(row: Sequence[str]) -> bool:
    """Return whether a row has one text: in one cell, or in one merged across all."""
    is_merged = all(isinstance(text, Covered) for text in row[1:])
    return len(row) > 1 and (
        _n_texts(row) == 1 or (is_merged and len(set(row)) == 1 and bool(row[0]))
    )


def _is_name_of_values(lines: Rows) -> bool:
    """Return whether a single text names the values in the second of two columns."""
    return (
        len(lines[0]) == 2
        and not lines[0][0]
        and len(lines) > 1
        and all(lines[1])
        and not _is_name(lines[1][1])
    )


def _is_divided(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Return whether the second row divides some names and repeats the others.

    Merged cells are repeated, so a name over several columns occurs in each.
    """
    shared_names = {a for a, b in pairwise(names) if a == b != ""}
    differing = {name for name, part in zip(names, parts, strict=True) if name != part}
    return bool(shared_names) and names[0] == parts[0] and differing == shared_names


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
