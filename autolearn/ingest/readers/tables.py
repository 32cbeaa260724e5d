"""Tables of pages: those that lay out a page are unfolded, the others become Markdown.

A cell that covers several rows or columns is repeated in each, since a passage may have
only one of them.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise, takewhile

from bs4 import BeautifulSoup
from bs4.element import Tag

from autolearn.ingest.readers import years

LARGEST_GROWTH = 64
"""Cells of a table with repeated ones, for each that it has; more are not repeated."""
LONG = 300
"""Characters from which a cell is a text, not a value."""
SHORT = 120
"""Characters from which a cell of several paragraphs is a text."""

_TABLE_ROLES = ["table", "grid", "treegrid"]
_ROLES = {
    **dict.fromkeys(_TABLE_ROLES, "table"),
    "row": "tr",
    "rowgroup": "tbody",
    "cell": "td",
    "gridcell": "td",
    "columnheader": "th",
    "rowheader": "th",
}
"""Elements by the roles of the parts of tables."""
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_RICH = [*_HEADINGS, "pre", "hr", "form", "article", "section", "blockquote"]
_FORMULA = re.compile(r"\$[^$]+\$")
_EQUATION = re.compile(
    r"\s*(?:\$++[^$]+\$++[\s,.;]*+)+|\s*\(?[A-Z]?\.?[\d.]+[a-z]?\)?\s*"
)
"""A cell of an equation: formulas, or its number."""

Grid = list[list[Tag | None]]
"""The cell at each place; None if there is none."""


def unfold(soup: BeautifulSoup) -> None:
    """Replace tables that lay out a page by what their cells have."""
    _complete(soup)
    for table in soup("table"):
        if not _lays_out(table):
            continue
        own = rows(table)
        is_line = (len(own) == 1 and not _is_rich(table)) or _has_equations(table)
        for row in own:
            for cell in cells(row):
                cell.name = "span" if is_line else "div"
                if is_line:
                    cell.append(" ")
            row.name = "div"
        for part in table(["thead", "tbody", "tfoot", "caption", "colgroup", "col"]):
            if part.find_parent("table") is table:
                part.name = "div"
        table.name = "div"


def _complete(soup: BeautifulSoup) -> None:
    """Make tables of elements that are tables by their roles, and rows of cells."""
    for part in soup(role=list(_ROLES)):
        if part.name in ("div", "span", "ul", "li", "section") and (
            part.find_parent(role=_TABLE_ROLES) or part["role"] in _TABLE_ROLES
        ):
            part.name = _ROLES[str(part["role"])]
    for cell in soup(["td", "th"]):
        _put_in_row(cell)


def _put_in_row(cell: Tag) -> None:
    """Give a cell without a row one of its own; a cell without a table is none."""
    parent = cell.find_parent(["tr", "table"])
    if parent is None or not cell.find_parent("table"):
        cell.name = "div"
    elif parent.name == "table":
        row = Tag(name="tr")
        cell.insert_before(row)
        while isinstance(after := row.next_sibling, Tag) and after.name in ("td", "th"):
            row.append(after.extract())


def rows(table: Tag) -> list[Tag]:
    """Return the rows of a table, without those of tables in its cells."""
    return [row for row in table("tr") if row.find_parent("table") is table]


def cells(row: Tag) -> list[Tag]:
    """Return the cells of a row, without those of tables in its cells."""
    return [cell for cell in row(["td", "th"]) if cell.find_parent("tr") is row]


def _lays_out(table: Tag) -> bool:
    if table.get("role") in ("presentation", "none"):
        return True
    own = [cells(row) for row in rows(table)]
    full = [cell for row in own for cell in row if cell.get_text().strip()]
    if not full:
        return True
    if any(map(_is_named, own)) or table.find("caption"):
        return False
    if max(map(len, own)) == 1 or len(full) == 1:
        return True
    if table.find(_RICH) or _has_large_tables(full) or _has_equations(table):
        return True
    if len(own) == 1 and (_has_formula(table) or any(map(_is_rich, full))):
        return True
    return 2 * sum(map(_is_rich, full)) > len(full)


def _has_equations(table: Tag) -> bool:
    """Return whether the cells hold nothing but the parts of equations."""
    texts = [cell.get_text() for row in rows(table) for cell in cells(row)]
    return (
        _has_formula(table)
        and all(_EQUATION.fullmatch(text) for text in texts if text.strip())
        and any(not _FORMULA.search(text) for text in texts if text.strip())
    )


def _has_large_tables(full: list[Tag]) -> bool:
    """Return whether most cells hold tables, or large ones."""
    inner = [cell for cell in full if cell.find("table")]
    return 2 * len(inner) > len(full) or any(
        len(cell.get_text()) > LONG for cell in inner
    )


def _has_formula(table: Tag) -> bool:
    return _FORMULA.search(table.get_text()) is not None


def _is_rich(cell: Tag) -> bool:
    """Return whether a cell holds paragraphs, not a value."""
    n = len(cell.get_text())
    return n > LONG or (n > SHORT and len(cell(["p", "div"])) > 1)


def grid(table: Tag) -> Grid:
    """Return the cells of a table by row and column, merged ones at each place."""
    all_rows = rows(table)
    own = [cells(row) for row in all_rows]
    n_left = _n_left_in_group(all_rows)
    most = LARGEST_GROWTH * sum(map(len, own)) + 1000
    places: Grid = [[] for _ in own]
    n_places = 0
    for i, row in enumerate(own):
        column = 0
        for cell in row:
            while column < len(places[i]) and places[i][column] is not None:
                column += 1
            height, width = _span(cell, "rowspan"), _span(cell, "colspan")
            height = min(height or n_left[i], n_left[i])
            if n_places + height * width > most:
                height = width = 1
            n_places += height * width
            for line in places[i : i + height]:
                line.extend([None] * (column + width - len(line)))
                line[column : column + width] = [cell] * width
            column += width
    n_columns = max(map(len, places), default=0)
    return [line + [None] * (n_columns - len(line)) for line in places]


def _n_left_in_group(table_rows: list[Tag]) -> list[int]:
    """Return how many rows of its group, such as ``tbody``, each row has from it on.

    No cell continues in the next group.
    """
    n_left: list[int] = []
    for _, group in groupby(table_rows, key=lambda row: id(row.parent)):
        n_left += range(len(list(group)), 0, -1)
    return n_left


def _span(cell: Tag, name: str) -> int:
    """Return how many rows or columns a cell covers; 0 is all the rest."""
    value = str(cell.get(name, "1")).strip()
    return min(int(value), 65534) if value.isdecimal() else 1


def markdown(table: Tag, texts: Mapping[int, str]) -> str:
    """Return a table as Markdown.

    Args:
        table: The table.
        texts: The converted text of each cell, by its ``id()``.
    """
    places = _without_empty_columns(grid(table), texts)
    lines = [_line(row, texts) for row in places]
    full = [i for i in range(len(lines)) if not _is_empty(i, places, lines)]
    places, lines = [places[i] for i in full], [lines[i] for i in full]
    if not lines:
        return ""
    n_columns = len(lines[0])
    titles, is_name = [], False
    while len(lines) > 1 and n_columns > 1 and lines[0][0] and not any(lines[0][1:]):
        title = lines.pop(0)[0]
        is_name = _is_header(places.pop(0))
        titles.append(f"{title}\n\n")
    n = _n_header_rows(table, places, lines)
    header = _header(lines[:n]) if n else [""] * n_columns
    if titles and is_name and not n:  # one name for all columns
        header = [title] * n_columns
        titles.pop()
    body = ["| " + " | ".join(line) + " |" for line in (header, *lines[n:])]
    body.insert(1, "|" + " --- |" * n_columns)
    return "".join(titles) + "\n".join(body)


def inline(table: Tag, texts: Mapping[int, str]) -> str:
    """Return a table within a cell of another in one line."""
    lines = [[texts.get(id(cell), "") for cell in cells(row)] for row in rows(table)]
    return "; ".join(", ".join(filter(None, line)) for line in lines if any(line))


def _without_empty_columns(places: Grid, texts: Mapping[int, str]) -> Grid:
    has_text = [
        any(cell and texts.get(id(cell)) for cell in column)
        for column in zip(*places, strict=True)
    ]
    return [
        [cell for cell, is_filled in zip(row, has_text, strict=True) if is_filled]
        for row in places
    ]


def _is_empty(i: int, places: Grid, lines: list[list[str]]) -> bool:
    """Return whether a row has nothing but cells that the next one has as well."""
    following = set(map(id, places[i + 1])) if i + 1 < len(places) else set()
    own = {id(cell) for cell, text in zip(places[i], lines[i], strict=True) if text}
    return own <= following


def _line(row: list[Tag | None], texts: Mapping[int, str]) -> list[str]:
    """Return the texts of a row; that of a cell as wide as the table only once."""
    line = [_cell(texts.get(id(cell), "")) if cell else "" for cell in row]
    if _is_section(row):
        return [line[0], *[""] * (len(line) - 1)]
    return line


def _cell(text: str) -> str:
    """Return a text in one line, without signs that would end the cell."""
    formulas = _FORMULA.findall(text)
    parts = [part.replace("|", r"\|") for part in _FORMULA.split(text)]
    # In LaTeX, an escaped bar would be a double one.
    formulas = [re.sub(r"\\?\|", _bar, formula) for formula in formulas]
    return "".join(a + b for a, b in zip(parts, [*formulas, ""], strict=True))


def _bar(match: re.Match[str]) -> str:
    return r"\Vert " if match[0] == r"\|" else r"\vert "


def _n_header_rows(table: Tag, places: Grid, lines: list[list[str]]) -> int:
    """Return how many rows at the top name the columns."""
    header_places = list(takewhile(_is_header, places))
    while len(header_places) > 1 and _continues(
        header_places[-1], places[len(header_places) :]
    ):
        header_places.pop()  # names of rows, not of columns
    if header_places:
        return len(header_places) if len(header_places) < len(places) else 1
    if len(lines) < 2 or any(_is_named(row) for row in places):
        return 0
    first = lines[0]
    names = [
        text for text in first if not any(map(str.isdigit, text)) or years.is_year(text)
    ]
    is_named = (
        len(names) == len(first)
        and all(first[1:])
        and not _is_section(places[0])
        and not years.are_values(lines)
    )
    is_divided = _is_divided(places[0]) or (
        not lines[1][0] and _has_merged_cells(places[0]) and all(lines[1][1:])
    )
    if is_named and is_divided and len(places) > 2:
        return 2
    return int(is_named)


def _is_divided(row: list[Tag | None]) -> bool:
    """Return whether the next row divides some names of a row and repeats the others.

    Its first cell covers both rows, another one several columns.
    """
    first, *others = row
    return (
        first is not None
        and _span(first, "rowspan") == 2
        and _has_merged_cells(others)
        and all(
            _span(cell, "rowspan") == 2 or _span(cell, "colspan") > 1
            for cell in others
            if cell
        )
    )


def _has_merged_cells(row: list[Tag | None]) -> bool:
    """Return whether a cell covers several columns of a row."""
    return any(a is b is not None for a, b in pairwise(row))


def _continues(row: list[Tag | None], following: Grid) -> bool:
    """Return whether a cell of a row also covers the row after it."""
    after = following[0] if following else []
    return any(
        cell is other is not None for cell, other in zip(row, after, strict=False)
    )


def _is_named(row: Sequence[Tag | None]) -> bool:
    return any(cell and cell.name == "th" for cell in row)


def _is_section(row: list[Tag | None]) -> bool:
    return len(row) > 1 and len({id(cell) for cell in row}) == 1


def _is_header(row: list[Tag | None]) -> bool:
    texts = [cell for cell in row if cell and cell.get_text().strip()]
    if any(cell.find_parent("thead") for cell in texts[:1]):
        return True
    return bool(texts) and all(cell.name == "th" for cell in texts)


def _header(lines: list[list[str]]) -> list[str]:
    """Return one row with the names of each column, from the top down."""
    return [
        " / ".join(filter(None, dict.fromkeys(column)))
        for column in zip(*lines, strict=True)
    ]
