"""Read CSV and TSV: one text per row, below a row with the column names.

Rows above that one, such as a title, a source or a unit, are a text of their own.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import StringIO
from itertools import chain, count, islice
from pathlib import Path
from typing import Literal, Protocol

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest.readers import decoding, rows, years
from autolearn.ingest.readers.decoding import Decoding
from autolearn.ingest.readers.pieces import LARGEST_PARSED, Source
from autolearn.ingest.row_kinds import TEXT_COLUMNS

_DELIMITERS = ",;\t|"
_SAMPLE = 2**16
"""Characters from which the delimiter is detected."""
_DELIMITER_LINE = re.compile(r"sep=([^\w\s\"]|\t)\r?\n", re.IGNORECASE)
"""A first line in which Excel names the delimiter."""
MOST_ABOVE = 20
"""Most rows above the names of the columns."""
_ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')
"""A quotation mark that is marked by a backslash rather than by another one."""
LONGEST_NAME = 80
"""Most characters of a column's name; a longer cell is not a name."""


class _Reader(Protocol):
    """A reader of rows, as ``csv.reader`` returns it."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def read(path: Path, choices: ReadingChoices) -> Source:
    """Return the texts of a table whose first row names the columns.

    Without such a row the columns are numbered.

    Raises:
        InputError: No row has a text, or a cell is too large.
        NotTexts: The rows are instructions or questions.
    """
    file_decoding = decoding.recognise(path, choices.encoding)
    return rows.source(file_decoding, lambda: _rows(path, file_decoding), choices)


def _rows(path: Path, file_decoding: Decoding) -> Iterator[rows.TableRow]:
    csv.field_size_limit(LARGEST_PARSED)
    size = path.stat().st_size
    with decoding.open_text(path, file_decoding, newline="") as (file, _):
        sample = file.read(_SAMPLE)
    delimiter_line = _DELIMITER_LINE.match(sample)
    form = _form(sample, delimiter_line[1] if delimiter_line else _delimiter(sample))
    with decoding.open_text(path, file_decoding, newline="") as (file, binary):
        table = form.reader(file)
        try:
            if delimiter_line:
                next(table)
            head = list(islice(table, MOST_ABOVE + 2))
            n_above = _n_above(head)
            if n_above:
                yield rows.TableRow("row 1", _lines(head[:n_above]))
            first, *following = head[n_above:] or [[]]
            n_before = n_above + (2 if delimiter_line else 1)
            names = _names(first, following)
            if names is None:
                names = _unique_names([""] * len(first))
                yield rows.TableRow(f"row {n_before}", _cells(names, first))
            for number, row in enumerate(chain(following, table), n_before + 1):
                share = binary.tell() / size
                yield rows.TableRow(f"row {number}", _cells(names, row), share)
        except csv.Error as error:
            raise InputError(
                f"is malformed in line {table.line_num + 1} ({error}); "
                "correct it first."
            ) from None


@dataclass(frozen=True)
class _Form:
    """How the cells of a file are divided and quoted."""

    delimiter: str
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    has_backslashes: bool = False
    """Whether a quotation mark in a cell is marked by a backslash."""

    def reader(self, lines: Iterable[str], *, strict: bool = False) -> _Reader:
        """Return a reader of rows."""
        if self.has_backslashes:
            lines = (_ESCAPED_QUOTE.sub(r'\1""', line) for line in lines)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quoting=self.quoting,
            skipinitialspace=True,
            strict=strict,
        )

    def fits(self, sample: str) -> bool:
        """Return whether all quotation marks are where this form has them."""
        try:
            for _ in self.reader(StringIO(sample, newline=""), strict=True):
                pass
        except csv.Error as error:
            return len(sample) == _SAMPLE and "unexpected end" in str(error)
        return True

    def is_regular(self, sample: str) -> bool:
        """Return whether all rows have the same number of cells, at least two."""
        table = list(self.reader(StringIO(sample, newline="")))
        whole = table[:-1] if len(sample) == _SAMPLE else table
        lengths = {len(row) for row in whole if row}
        return len(lengths) == 1 and lengths != {1}


def _form(sample: str, delimiter: str) -> _Form:
    """Return how the cells of a file are divided and quoted.

    Some programs mark a quotation mark by a backslash. Others never quote, so that a
    mark is an inch, or opens what the next rows would be a part of.
    """
    usual = _Form(delimiter)
    escaped = replace(usual, has_backslashes=True)
    literal = replace(usual, quoting=csv.QUOTE_NONE)
    if usual.fits(sample):
        return usual
    if escaped.fits(sample):
        return escaped
    return literal if literal.is_regular(sample) else usual


def _n_above(head: list[list[str]]) -> int:
    """Return how many rows are above the names of the columns.

    The first of them has fewer cells than most rows, and no name of a text column.
    """
    counts = [sum(1 for cell in row if cell.strip()) for row in head]
    widths = Counter(n for n in counts if n > 1)
    if not widths or not counts[0] or head[0][0].strip().lower() in TEXT_COLUMNS:
        return 0
    width = max(widths, key=lambda n: (widths[n], n))
    if counts[0] > 1 and (width < 4 or counts[0] > width // 2):
        return 0
    if not head[0][0].strip() and len(head[0]) == width == counts[0] + 1:
        return 0  # the first column alone has no name
    blank = counts.index(0) if 0 in counts else 0
    start = blank + 1 if counts[1:blank].count(width) < 2 else 1
    for i in range(start, len(head)):
        without_first = (
            counts[i] == width - 1
            and not head[i][0].strip()
            and (width > 2 or years.is_year(head[i][1]))
        )
        if counts[i] == width or without_first:
            return i if counts[i:].count(width) > 1 else 0
    return 0


def _lines(table: list[list[str]]) -> str:
    """Return rows as lines of text."""
    cells = ([cell.strip() for cell in row if cell.strip()] for row in table)
    return "\n".join(", ".join(row) for row in cells if row)


def _delimiter(sample: str) -> str:
    """Return the delimiter with which most rows have as many cells as the first."""

    def fit(delimiter: str) -> tuple[float, int]:
        text = StringIO(sample, newline="")
        table = islice(_Form(delimiter).reader(text), 100)
        try:
            counts = Counter(len(row) for row in table if row)
        except csv.Error:  # reported when the rows are read
            return 0.0, 0
        (n_cells, n_rows) = counts.most_common(1)[0] if counts else (0, 0)
        return (n_rows / counts.total() if n_cells > 1 else 0.0), n_cells

    return max(_DELIMITERS, key=fit)


def _names(first: list[str], following: list[list[str]]) -> list[str] | None:
    """Return the names of the columns; None if the first row has none.

    Args:
        first: The first row.
        following: The first rows after it.
    """
    cells = [cell.strip() for cell in first]
    numbers = [cell for cell in cells if _is_number(cell)]
    if numbers and not _are_years(cells, numbers, following):
        return None
    if any(len(cell) > LONGEST_NAME for cell in cells):
        return None
    return _unique_names(cells)


def _unique_names(cells: Iterable[str]) -> list[str]:
    """Return names of columns; empty ones and those that occur twice are numbered."""
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, 1):
        numbered = (f"{cell or 'column'} {n}" for n in count(number))
        candidates = chain([cell], numbered) if cell else numbered
        names[next(name for name in candidates if name not in names)] = None
    return list(names)


def _are_years(
    cells: list[str], numbers: list[str], following: list[list[str]]
) -> bool:
    """Return whether the numbers of a first row are years that name columns.

    The first column has another name, no year occurs twice, and the next row has fewer
    of them. Most cells below a single year have numbers of another kind.
    """
    is_named = (
        cells[0] not in numbers
        and len(set(numbers)) == len(numbers)
        and all(map(years.is_year, numbers))
    )
    if not is_named or not following:
        return False
    if len(numbers) == 1:
        return _has_amounts(cells.index(numbers[0]), following)
    return sum(map(years.is_year, following[0])) < len(numbers)


def _has_amounts(column: int, following: list[list[str]]) -> bool:
    """Return whether most cells of a column have numbers that are not years."""
    values = [row[column] for row in following if row[column:] and row[column].strip()]
    amounts = [
        value
        for value in values
        if any(map(str.isdigit, value)) and not years.is_year(value)
    ]
    return 2 * len(amounts) > len(values)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _cells(names: list[str], row: list[str]) -> dict[str, str]:
    """Return a row by its names; cells beyond the last name are numbered."""
    if len(row) > len(names):
        names = _unique_names([*names, *[""] * (len(row) - len(names))])
    return dict(zip(names, row, strict=False))
