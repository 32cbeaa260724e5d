"""Read CSV and TSV: one text per row, below a row with the column names."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import chain, count, islice
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest.readers import decoding, rows
from autolearn.ingest.readers.decoding import Decoding
from autolearn.ingest.readers.pieces import LARGEST_PARSED, Source

_DELIMITERS = ",;\t|"
_SAMPLE = 2**16
"""Characters from which the delimiter is detected."""
_DELIMITER_LINE = re.compile(r"sep=([^\w\s\"]|\t)\r?\n", re.IGNORECASE)
"""A first line in which Excel names the delimiter."""
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
LONGEST_NAME = 80
"""Most characters of a column's name; a longer cell is not a name."""


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
    delimiter = delimiter_line[1] if delimiter_line else _delimiter(sample)
    with decoding.open_text(path, file_decoding, newline="") as (file, binary):
        table = csv.reader(file, delimiter=delimiter)
        try:
            if delimiter_line:
                next(table)
            head = list(islice(table, 2))
            first, following = head[0] if head else [], head[1:]
            names = _names(first, following)
            if names is None:
                names = _unique_names([""] * len(first))
                yield rows.TableRow("row 1", _cells(names, first))
            n_before = 2 if delimiter_line else 1
            for number, row in enumerate(chain(following, table), n_before + 1):
                share = binary.tell() / size
                yield rows.TableRow(f"row {number}", _cells(names, row), share)
        except csv.Error as error:
            raise InputError(
                f"is malformed in line {table.line_num + 1} ({error}); "
                "correct it first."
            ) from None


def _delimiter(sample: str) -> str:
    """Return the delimiter with which most rows have as many cells as the first."""

    def fit(delimiter: str) -> tuple[float, int]:
        text = StringIO(sample, newline="")
        table = islice(csv.reader(text, delimiter=delimiter), 100)
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
        following: The row after it, if there is one.
    """
    cells = [cell.strip() for cell in first]
    numbers = [cell for cell in cells if _is_number(cell)]
    if numbers and not (_are_years(cells, numbers) and following):
        return None
    if numbers and sum(map(_is_year, following[0])) >= len(numbers):
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


def _are_years(cells: list[str], numbers: list[str]) -> bool:
    """Return whether the numbers of a first row are years that name columns.

    The first column has another name, and no year occurs twice.
    """
    return (
        cells[0] not in numbers
        and len(set(numbers)) == len(numbers) > 1
        and all(map(_is_year, numbers))
    )


def _is_year(cell: str) -> bool:
    return _YEAR.fullmatch(cell.strip()) is not None


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
