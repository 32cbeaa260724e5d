"""Read JSON Lines, one object or text per line, and JSON arrays of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest import row_kinds
from autolearn.ingest.readers import columns, decoding, rows
from autolearn.ingest.readers.decoding import BLOCK, Decoding
from autolearn.ingest.readers.pieces import LARGEST_PARSED, Piece, Source

_NO_ROWS = (
    "is not a list of rows; write an array of objects with a text "
    f"({', '.join(row_kinds.TEXT_COLUMNS)}), or one object in each line as .jsonl."
)
_FIRST = 2**20
"""Most characters of a line that may be a separate value."""


class _Content(NamedTuple):
    """What a JSON value holds."""

    rows: list[Any]
    beside: Mapping[str, Any]
    """What is beside the rows, by name."""


def read(path: Path, choices: ReadingChoices) -> Source:
    """Return the texts of a file with one JSON value per line, or of a JSON array.

    The beginning of the file shows which it is, whatever its name says.

    Raises:
        InputError: No row has a text, or a value is too large to be parsed.
        NotTexts: The rows are chats, instructions or questions.
    """
    file_decoding = decoding.recognise(path, choices.encoding)
    if _begins_with_a_row(path, file_decoding):
        return rows.source(file_decoding, lambda: _lines(path, file_decoding), choices)
    content = _content(path, file_decoding)
    source = rows.source(file_decoding, lambda: _entries(content.rows), choices)
    return replace(source, pieces=chain(_beside(content), source.pieces))


def _begins_with_a_row(path: Path, file_decoding: Decoding) -> bool:
    """Return whether the first line is a row; else the file is one JSON value."""
    with decoding.open_text(path, file_decoding) as (file, _):
        first = ""
        while not first.strip() and (line := file.readline(_FIRST)):
            first = line
        is_only_line = not file.read(BLOCK).strip()
    if first.lstrip()[:1] not in ("{", "["):
        return True
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return not _is_json(path, file_decoding)
    if not is_only_line:
        return True
    content = _content_of(value)
    is_row = content is None or content.rows == [value]
    return path.suffix.lower() != ".json" and is_row


def _is_json(path: Path, file_decoding: Decoding) -> bool:
    """Return whether a file as a whole is to be parsed as JSON."""
    if path.suffix.lower() == ".json":
        return True
    try:
        if path.stat().st_size > LARGEST_PARSED:
            return False
        _content(path, file_decoding)
    except InputError:
        return False
    return True


def _lines(path: Path, file_decoding: Decoding) -> Iterator[rows.TableRow]:
    size, number = path.stat().st_size, 0
    with decoding.open_text(path, file_decoding) as (file, binary):
        while line := file.readline(LARGEST_PARSED):
            number += 1
            if len(line) == LARGEST_PARSED:
                raise InputError(
                    f"has a line {number} that is too long to be parsed; split it."
                )
            if line.strip():
                yield _row(f"line {number}", line, binary.tell() / size)


def _row(place: str, line: str, share: float) -> rows.TableRow:
    try:
        return rows.TableRow(place, json.loads(line), share)
    except (ValueError, RecursionError):
        return rows.TableRow(place, None, share, raw=line)


def _entries(values: list[Any]) -> Iterator[rows.TableRow]:
    for number, row in enumerate(values, 1):
        yield rows.TableRow(f"entry {number}", row, number / len(values))


def _beside(content: _Content) -> Iterator[Piece]:
    """Yield what is beside the rows, such as their unit, as an exclusion."""
    lines, rest = columns.named_values(content.beside)
    if lines or rest:
        yield Piece("\n".join([*lines, *rest]), left_out="beside the rows")


def _content(path: Path, file_decoding: Decoding) -> _Content:
    """Return the rows of a file that is one JSON value.

    Raises:
        InputError: It is too large, no JSON, or has no rows.
    """
    size = path.stat().st_size
    if size > LARGEST_PARSED:
        raise InputError(
            f"has {size / 2**20:.0f} MB of JSON to be parsed at once; the limit is "
            f"{LARGEST_PARSED / 2**20:.0f} MB, so write one object in each line as "
            ".jsonl."
        )
    with decoding.open_text(path, file_decoding) as (file, _):
        text = file.read()
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"is not valid JSON in line {error.lineno}; correct it first."
        ) from None
    except (ValueError, RecursionError):
        raise InputError(
            "is nested too deeply to be parsed; save its text as .txt."
        ) from None
    content = _content_of(value)
    if content is None or not content.rows:
        raise InputError(_NO_ROWS)
    return content


def _content_of(value: Any) -> _Content | None:
    """Return the rows of a JSON value: itself, a list in it, or itself as one row."""
    if isinstance(value, list):
        return _Content(value, {})
    if not isinstance(value, dict):
        return None
    if any(isinstance(value.get(name), str) for name in row_kinds.TEXT_COLUMNS):
        return _Content([value], {})
    if row_kinds.turns(value):
        return _Content([value], {})
    tables = [name for name, inner in value.items() if _is_table(inner)]
    if len(tables) != 1:
        return None
    (table,) = tables
    beside = {name: inner for name, inner in value.items() if name != table}
    return _Content(value[table], beside)


def _is_table(value: Any) -> bool:
    """Return whether a value is a list of objects."""
    is_list = isinstance(value, list) and bool(value)
    return is_list and all(isinstance(row, dict) for row in value)
