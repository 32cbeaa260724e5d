"""Hold the parts of one text until all of it has been read."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from tempfile import SpooledTemporaryFile
from typing import Any

from autolearn.core.records import Exclusion, Passage
from autolearn.ingest import readers
from autolearn.text import chunking

IN_MEMORY = 8 * 2**20
"""Bytes of a text's parts that stay in memory before a file is used."""

Parts = SpooledTemporaryFile[str]


class Spool:
    """The parts of one text until all of it has been read."""

    def __init__(self, passages: Parts, exclusions: Parts) -> None:
        self.digest = hashlib.sha256()
        self.n_characters = 0
        self.says = False
        self.notes: list[str] = []
        """What readers say of the document, each once."""
        self._passages, self._exclusions = passages, exclusions

    def blocks(
        self, source: readers.Source, tell: Callable[[float], None]
    ) -> Iterator[chunking.Block]:
        """Yield the blocks of the text; store what is left out of it."""
        for piece in source.pieces:
            tell(piece.share)
            if piece.note and piece.note not in self.notes:
                self.notes.append(piece.note)
            if piece.left_out:
                exclusion = Exclusion(
                    0, self.n_characters, piece.text, piece.left_out, piece.place
                )
                _write(self._exclusions, exclusion)
                continue
            self.digest.update(piece.text.encode())
            self.n_characters += len(piece.text)
            self.says = self.says or bool(piece.text.strip())
            yield piece.text, piece.opens

    def keep(self, passage: Passage) -> None:
        """Store a passage."""
        _write(self._passages, passage)

    def passages(self) -> Iterator[Passage]:
        """Yield the stored passages."""
        return (Passage(**row) for row in _rows(self._passages))

    def exclusions(self) -> Iterator[Exclusion]:
        """Yield what was left out."""
        return (Exclusion(**row) for row in _rows(self._exclusions))


@contextmanager
def spooled() -> Iterator[Spool]:
    """Hold the parts of one text, in memory or in files."""
    with _parts() as passages, _parts() as exclusions:
        yield Spool(passages, exclusions)


def _parts() -> Parts:
    return SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8")


def _write(file: Parts, record: Any) -> None:
    file.write(json.dumps(asdict(record)) + "\n")


def _rows(file: Parts) -> Iterator[dict[str, Any]]:
    file.seek(0)
    return (json.loads(line) for line in file)
