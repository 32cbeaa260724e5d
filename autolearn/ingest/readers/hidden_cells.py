"""Divide the cells of a sheet into those that are shown and those that are hidden."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from autolearn.ingest.readers.sheet_tables import Covered, Rows


@dataclass(frozen=True)
class Hidden:
    """The rows and columns of a sheet that are not shown, from 0."""

    rows: Set[int] = frozenset()
    columns: Set[int] = frozenset()

    def __bool__(self) -> bool:
        """Return whether anything is hidden."""
        return bool(self.rows or self.columns)

    def shown(self, cells: Rows) -> Rows:
        """Return the cells that are shown."""
        if not self:
            return cells
        return [
            [text for n, text in enumerate(row) if n not in self.columns]
            for i, row in enumerate(cells)
            if i not in self.rows
        ]

    def texts(self, cells: Rows) -> Iterator[tuple[str, str]]:
        """Yield the texts that are not shown, and why; rows before columns."""
        if text := _lines(row for i, row in enumerate(cells) if i in self.rows):
            yield text, "hidden row"
        others = (row for i, row in enumerate(cells) if i not in self.rows)
        if self.columns and (text := _lines(map(self._in_columns, others))):
            yield text, "hidden column"

    def _in_columns(self, row: Sequence[str]) -> list[str]:
        return [text for n, text in enumerate(row) if n in self.columns]


def _lines(rows: Iterable[Sequence[str]]) -> str:
    """Return the texts of rows as lines; those of merged cells only once."""
    texts = ([text for text in row if not isinstance(text, Covered)] for row in rows)
    return "\n".join(" ".join(filter(None, row)) for row in texts if any(row))
