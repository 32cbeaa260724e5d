"""Read CSV: one text per row, below a row with the column names."""

import csv
from io import TextIOWrapper
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.ingest.readers import plain, text_rows
from autolearn.ingest.readers.pieces import LARGEST_PARSED, Source

_DELIMITERS = ",;\t"


def read(path: Path) -> Source:
    """Return the texts of a CSV file whose first row names the columns.

    Raises:
        InputError: No column is one of texts, or a row is malformed.
    """
    return text_rows.read(path, _records)


def _records(file: TextIOWrapper) -> text_rows.Rows:
    csv.field_size_limit(LARGEST_PARSED)
    heading = file.readline(plain.BLOCK)
    delimiter = max(_DELIMITERS, key=heading.count)
    names = [
        name.strip().lower()
        for name in next(csv.reader([heading], delimiter=delimiter), [])
    ]
    table = csv.reader(file, delimiter=delimiter)
    try:
        for row in table:
            if row:
                yield table.line_num + 1, dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise InputError(
            f"is malformed in line {table.line_num + 1}: {error}."
        ) from None
