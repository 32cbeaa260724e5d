"""Rows of texts: the common part of JSON Lines and CSV."""

from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.ingest.readers import plain
from autolearn.ingest.readers.pieces import Piece, Source

TEXT_COLUMNS = ("text", "content", "passage", "body", "document")
"""Columns for the text of a row; the first one present is used."""
TITLE_COLUMNS = ("title", "heading", "name")

Rows = Iterator[tuple[int, Any]]
"""Rows with their line numbers."""


def read(path: Path, parse: Callable[[TextIOWrapper], Rows]) -> Source:
    """Return the texts of rows, each as at least one passage of its own.

    Raises:
        InputError: A row has no text; the message names it.
    """
    decoding = plain.recognise(path)
    return Source(_pieces(path, decoding, parse), decoding.note)


def _pieces(
    path: Path, decoding: plain.Decoding, parse: Callable[[TextIOWrapper], Rows]
) -> Iterator[Piece]:
    size = path.stat().st_size
    with (
        path.open("rb") as binary,
        TextIOWrapper(binary, decoding.encoding, decoding.errors, newline="") as file,
    ):
        for number, row in parse(file):
            yield Piece(_section(row, number), opens=True, share=binary.tell() / size)


def _section(row: Any, number: int) -> str:
    """Return a row as a section, below its title if it has one."""
    if isinstance(row, str):
        return f"{row.strip()}\n\n"
    values = row if isinstance(row, dict) else {}
    text = next((values[name] for name in TEXT_COLUMNS if values.get(name)), None)
    if not isinstance(text, str):
        raise InputError(_lacking(values, number))
    title = next((values[name] for name in TITLE_COLUMNS if values.get(name)), "")
    heading = f"## {' '.join(str(title).split())}\n\n" if title else ""
    return f"{heading}{text.strip()}\n\n"


def _lacking(values: dict[str, Any], number: int) -> str:
    if {"question", "answer"} <= values.keys():
        return (
            "holds questions and answers, not texts; add it to the quiz with: "
            "python -m autolearn add --quiz FILE"
        )
    if {"prompt", "instruction"} & values.keys():
        return (
            "holds instructions, not texts; add it as such: under Library, or with "
            "python -m autolearn add --instructions FILE"
        )
    columns = ", ".join(map(str, values)) or "nothing"
    return (
        f"has no text in line {number}, only {columns[:200]}; name its column "
        f"{' or '.join(TEXT_COLUMNS)}."
    )
