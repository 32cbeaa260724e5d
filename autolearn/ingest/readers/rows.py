"""Rows of texts: the common part of CSV, JSON Lines and JSON.

Each row is a separate section: its title as a heading, its other columns as lines
"name: value", and its text. A row without a text is an exclusion that is counted.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.reading import Column, ReadingChoices
from autolearn.ingest import row_kinds
from autolearn.ingest.readers import columns as column_uses
from autolearn.ingest.readers.decoding import Decoding
from autolearn.ingest.readers.pieces import Piece, Source

N_SAMPLE = 200
"""Rows that decide what becomes of the columns."""
N_NAMED = 8
"""Skipped rows of a kind that are named in the note; the others are only counted."""

CELLS_AT_ONCE = 2**12
"""Characters of left-out cells that become one exclusion."""

_BLANK = "blank row"
_NO_JSON = "row that is not JSON"
_KINDS_OF_VALUES = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


@dataclass(frozen=True)
class TableRow:
    """A row of a file."""

    place: str
    """Such as "row 12"."""
    value: Any
    """A text, or a dictionary of cells; anything else is not a row of texts."""
    share: float = 0.0
    """Share of the file that has been read with it, 0..1."""
    raw: str = ""
    """The row as it is in the file, if it could not be parsed."""


class RowSkips:
    """The rows that were not read as texts."""

    def __init__(self) -> None:
        self._places: defaultdict[str, list[str]] = defaultdict(list)
        self._counts: defaultdict[str, int] = defaultdict(int)

    def add(self, reason: str, place: str) -> None:
        """Count a row."""
        self._counts[reason] += 1
        if len(self._places[reason]) < N_NAMED:
            self._places[reason].append(place)

    def note(self) -> str:
        """Return a note for the user on them; empty if there are none."""
        if not self._counts:
            return ""
        n = sum(self._counts.values())
        kinds = ", ".join(map(self._kind, self._counts))
        return f"{n} row{'s were' if n > 1 else ' was'} skipped: {kinds}"

    def _kind(self, reason: str) -> str:
        n, places = self._counts[reason], ", ".join(self._places[reason])
        more = f", … {n} in all" if n > N_NAMED else ""
        return f"{reason} ({places}{more})"


@dataclass
class Table:
    """How the rows of a file become text."""

    columns: tuple[Column, ...]
    skips: RowSkips = field(default_factory=RowSkips)
    n_taken: int = 0
    cells: list[str] = field(default_factory=list)
    """Lines of left-out cells that have not been yielded yet."""
    n_cells: int = 0
    """Their characters."""
    places: list[str] = field(default_factory=list)
    """The first and the last row that they are of."""

    def __post_init__(self) -> None:
        """Look up the columns of each use."""
        self._uses = {column.name: column.use for column in self.columns}
        self._texts = [c.name for c in self.columns if c.use == "text"]
        self._titles = [c.name for c in self.columns if c.use == "title"]

    def pieces(self, rows: Iterable[TableRow]) -> Iterator[Piece]:
        """Yield the rows as sections, and their exclusions."""
        for row in rows:
            place, share = row.place, row.share
            if reason := self._reason_to_skip(row.value, row.raw):
                self.skips.add(reason, place)
                yield Piece(_content(row), left_out=reason, share=share, place=place)
            else:
                self.n_taken += 1
                yield from self._section(row)
            if self.n_cells > CELLS_AT_ONCE:
                yield self._left_out_cells(share)
        if not self.n_taken:
            note = self.skips.note() or "It is empty"
            raise InputError(f"has no row with a text. {note}.")
        if self.cells:
            yield self._left_out_cells(1.0)
        yield Piece("", share=1.0, note=self.skips.note())

    def _reason_to_skip(self, value: Any, raw: str) -> str:
        if raw:
            return _NO_JSON
        if isinstance(value, str):
            return "" if value.strip() else _BLANK
        if not isinstance(value, dict):
            return f"row that is {_KINDS_OF_VALUES[type(value)]}"
        cells = [c for name, c in value.items() if self._uses.get(name) != "left out"]
        if not any(map(_says, cells)):
            has_null = any(n in value and value[n] is None for n in self._texts)
            return "row whose text is null" if has_null else _BLANK
        if not self._texts:
            return ""
        texts = [value[name] for name in self._texts if name in value]
        odd = [text for text in texts if not isinstance(text, str)]
        if odd:
            return f"row whose text is {_KINDS_OF_VALUES[type(odd[0])]}"
        return "" if any(map(_says, texts)) else "row without a text"

    def _section(self, row: TableRow) -> Iterator[Piece]:
        """Yield a row: its heading, its named cells and its text, and nested values."""
        values = row.value if isinstance(row.value, dict) else {}
        texts = [row.value] if not values else [values.get(n) for n in self._texts]
        lines, rest = self._named(row.place, values)
        titles = filter(None, (_line(values.get(name)) for name in self._titles))
        title = ", ".join(titles)
        parts = [f"## {title}" if title else "", "\n".join(lines)]
        parts += [text.strip() for text in texts if isinstance(text, str)]
        section = _with_line_ends("\n\n".join(filter(None, parts)))
        yield Piece(f"{section}\n\n", starts_passage=True, share=row.share)
        if rest:
            text, reason = "\n".join(rest), "nested value"
            yield Piece(text, left_out=reason, share=row.share, place=row.place)

    def _named(
        self, place: str, values: Mapping[str, Any]
    ) -> tuple[list[str], list[str]]:
        """Return lines "name: value" and nested values; put left-out cells aside."""
        lines: list[str] = []
        rest: list[str] = []
        left_out: list[str] = []
        for name, value in values.items():
            use = self._uses.get(name, "named")
            if use == "text" or (use == "title" and isinstance(value, str)):
                continue
            cell_lines, cell_rest = column_uses.named_values({name: value})
            if use == "left out":
                left_out += [*cell_lines, *cell_rest]
            else:
                lines += cell_lines
                rest += cell_rest
        if left_out:
            self.cells += left_out
            self.n_cells += sum(map(len, left_out))
            self.places = [*self.places[:1], place]
        return lines, rest

    def _left_out_cells(self, share: float) -> Piece:
        place = " to ".join(dict.fromkeys(self.places))
        piece = Piece(
            "\n".join(self.cells), left_out="column left out", share=share, place=place
        )
        self.cells, self.n_cells, self.places = [], 0, []
        return piece


def _with_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def source(
    file_decoding: Decoding,
    read_rows: Callable[[], Iterator[TableRow]],
    choices: ReadingChoices,
) -> Source:
    """Return the texts of rows, each as at least one separate passage.

    Args:
        file_decoding: How the file is decoded.
        read_rows: Begins to read the rows of the file.
        choices: What a person has chosen.

    Raises:
        NotTexts: The rows are chats, instructions or questions.
    """
    sample = [row.value for row in islice(read_rows(), N_SAMPLE)]
    objects = [row for row in sample if isinstance(row, dict)]
    if choices.chats_as_texts:
        objects = [row_kinds.with_text(row) for row in objects]
        texts: Iterator[TableRow] = map(_with_text, read_rows())
    else:
        row_kinds.refuse_other_kinds(objects)
        texts = read_rows()
    columns = column_uses.uses(objects, choices.columns)
    source = file_decoding.source(Table(columns).pieces(texts))
    return replace(source, columns=columns)


def preview(columns: Sequence[Column]) -> str:
    """Return how the first rows of a file are read, by the examples of its columns."""
    n = max((len(column.examples) for column in columns), default=0)
    values = [
        {c.name: c.examples[i] for c in columns if c.examples[i:]} for i in range(n)
    ]
    examples = [TableRow(f"row {i}", value) for i, value in enumerate(values)]
    try:
        pieces = list(Table(tuple(columns)).pieces(examples))
    except InputError:
        return "No row has a text with these choices."
    return "".join(piece.text for piece in pieces if not piece.left_out).strip()


def _with_text(row: TableRow) -> TableRow:
    """Return a row whose chat, if it has one, is its text."""
    is_object = isinstance(row.value, dict)
    return replace(row, value=row_kinds.with_text(row.value)) if is_object else row


def _content(row: TableRow) -> str:
    """Return the content of a skipped row."""
    if row.raw:
        return row.raw.strip()
    if not isinstance(row.value, dict):
        return str(row.value or "").strip()
    if not any(map(_says, row.value.values())):
        return ""
    if all(isinstance(cell, str | None) for cell in row.value.values()):
        return "\n".join(column_uses.named_values(row.value)[0])
    return json.dumps(row.value, ensure_ascii=False)


def _says(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _line(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
