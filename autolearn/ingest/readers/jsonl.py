"""Read JSON Lines: one object or string per line."""

import json
from io import TextIOWrapper
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.ingest.readers import text_rows
from autolearn.ingest.readers.pieces import LARGEST_PARSED, Source


def read(path: Path) -> Source:
    """Return the texts of a file with one JSON object or string per line.

    Raises:
        InputError: A line has no text; the message names it.
    """
    return text_rows.read(path, _objects)


def _objects(file: TextIOWrapper) -> text_rows.Rows:
    number = 0
    while line := file.readline(LARGEST_PARSED):
        number += 1
        if len(line) == LARGEST_PARSED:
            raise InputError(f"has a line {number} that is too long to be parsed.")
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                raise InputError(
                    f"has no JSON in line {number}; write one object with a text "
                    f"({', '.join(text_rows.TEXT_COLUMNS)}) in each line."
                ) from None
