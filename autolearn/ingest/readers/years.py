"""Tell years that name the columns of a table from years that are its values."""

import re
from collections.abc import Sequence

_YEAR = re.compile(r"(?:1[5-9]|20)\d\d(?:/\d+)?")


def is_year(text: str) -> bool:
    """Return whether a cell holds nothing but a year, such as 1904 or 2020/21."""
    return _YEAR.fullmatch(text.strip()) is not None


def are_values(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row has years, and all others have them as well."""
    first, *others = rows
    columns = [i for i, text in enumerate(first) if is_year(text)]
    return bool(columns) and all(is_year(row[i]) for row in others for i in columns)
