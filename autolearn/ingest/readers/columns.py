"""Decide what becomes of the columns of a table, or of the keys of JSON rows."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autolearn.core.reading import Column, ColumnUse
from autolearn.ingest.row_kinds import TEXT_COLUMNS

TITLE_COLUMNS = ("title", "heading", "name")
LEAST_TEXT = 40
"""Mean characters of a cell from which a column of another name is taken for texts."""
N_EXAMPLES, EXAMPLE = 3, 120
"""Cells of each column that are shown, and their characters."""
MOST_NUMBERS = 16
"""Numbers of a list that are kept as text; longer lists are vectors."""

_IDENTIFIER = re.compile(
    r"(.+[ _-])?(id|ids|uuid|guid|hash|sha\d*|md5|idx|unnamed: \d+|__\w+__)|"
    r"(row[ _-])?index|",  # others are measures, as in "Body mass index"
    re.IGNORECASE,
)
"""Names of columns that hold no words to be learned."""

Row = Mapping[str, Any]


def uses(rows: Sequence[Row], choices: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns of rows in their order, and the use of each.

    Args:
        rows: The first rows.
        choices: What a person has decided; the other columns are decided by their names
            and lengths.
    """
    by_choice = {column.name: column.use for column in choices}
    names = list(dict.fromkeys(name for row in rows for name in row))
    defaults = _defaults(names, rows, has_text="text" in by_choice.values())
    return tuple(
        Column(
            name,
            by_choice.get(name, defaults.get(name, "named")),
            tuple(_example(row.get(name)) for row in rows[:N_EXAMPLES]),
        )
        for name in names
    )


def _example(value: Any) -> str:
    if isinstance(value, str):
        return value[:EXAMPLE]
    return "" if value is None else json.dumps(value, ensure_ascii=False)[:EXAMPLE]


def _defaults(
    names: list[str], rows: Sequence[Row], *, has_text: bool
) -> dict[str, ColumnUse]:
    defaults: dict[str, ColumnUse] = {
        name: "left out" for name in names if is_identifier(name)
    }
    if title := _first_called(names, TITLE_COLUMNS):
        defaults[title] = "title"
    rest = [name for name in names if name not in defaults]
    longest = max(rest, key=lambda name: _mean_length(rows, name), default="")
    if text := _first_called(names, TEXT_COLUMNS):
        defaults[text] = "text"
    elif longest and not has_text and _mean_length(rows, longest) >= LEAST_TEXT:
        defaults[longest] = "text"
    return defaults


def is_identifier(name: str) -> bool:
    """Return whether a column holds no words, by its name."""
    return _IDENTIFIER.fullmatch(name.strip()) is not None


def _first_called(names: Sequence[str], columns: Sequence[str]) -> str:
    """Return the name of the first of these columns that is there; empty if none."""
    called = (name for c in columns for name in names if name.strip().lower() == c)
    return next(called, "")


def _mean_length(rows: Sequence[Row], name: str) -> float:
    """Return the mean length of a column's texts, 0 if some cell is not text."""
    cells = [row[name] for row in rows if row.get(name) not in (None, "")]
    if not cells or not all(isinstance(cell, str) for cell in cells):
        return 0.0
    return sum(map(len, cells)) / len(cells)


def named_values(cells: Row, prefix: str = "") -> tuple[list[str], list[str]]:
    """Return cells as lines "name: value"; values that fit no line become JSON.

    The values of an object are named after it, with a dot between the names.
    """
    lines: list[str] = []
    rest: list[str] = []
    for key, value in cells.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            inner_lines, inner_rest = named_values(value, f"{name}.")
            lines += inner_lines
            rest += inner_rest
        elif isinstance(value, list) and not _is_listed(value):
            rest.append(f"{name}: {json.dumps(value, ensure_ascii=False)}")
        elif (text := _in_line(value)) is not None:
            lines.append(f"{name}: {text}")
    return lines, rest


def _in_line(value: Any) -> str | None:
    """Return a value as part of a line; None if it is empty."""
    if value is None or value == []:
        return None
    if isinstance(value, list):
        return ", ".join(map(_scalar, value))
    return _scalar(value).strip() or None


def _is_listed(values: list[Any]) -> bool:
    if len(values) > MOST_NUMBERS and not any(isinstance(v, str) for v in values):
        return False
    return all(isinstance(v, str | int | float) for v in values)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
