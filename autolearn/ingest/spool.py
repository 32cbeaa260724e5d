"""Hold the parts of one text until all of it has been read."""

import bisect
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from autolearn.core.records import Exclusion, Passage
from autolearn.ingest import readers
from autolearn.text import chunking, units

IN_MEMORY = 8 * 2**20
"""Bytes of a text's parts that stay in memory before a file is used."""

Parts = IO[str]


class Spool:
    """The parts of one text until all of it has been read."""

    def __init__(self, passages: Parts, exclusions: Parts) -> None:
        self.digest = hashlib.sha256()
        self.n_characters = 0
        """Characters of the passages, with those that are repeated in them."""
        self.has_text = False
        self.notes: list[str] = []
        """The notes of readers on the document, each once."""
        self._n_read = 0
        self.repeats: list[tuple[int, int]] = []
        """For each passage that repeats something: where the text continues in it, and
        how many characters have been repeated up to there."""
        self._passages, self._exclusions = passages, exclusions

    def blocks(
        self, source: readers.Source, on_progress: Callable[[float], None]
    ) -> Iterator[units.Block]:
        """Yield the blocks of the text; store what is left out of it."""
        for piece in source.pieces:
            on_progress(piece.share)
            if piece.note and piece.note not in self.notes:
                self.notes.append(piece.note)
            if piece.left_out:
                exclusion = Exclusion(
                    0, self._n_read, piece.text, piece.left_out, piece.place
                )
                _write(self._exclusions, exclusion)
                continue
            self.digest.update(piece.text.encode())
            self._n_read += len(piece.text)
            self.has_text = self.has_text or bool(piece.text.strip())
            yield piece.text, piece.starts_passage

    def keep(self, chunk: chunking.Chunk) -> None:
        """Store a passage."""
        if chunk.n_repeated:
            n_before = sum(n for _, n in self.repeats[-1:])
            place = chunk.passage.start - n_before
            self.repeats.append((place, n_before + chunk.n_repeated))
        self.n_characters = chunk.passage.end
        _write(self._passages, chunk.passage)

    def passages(self) -> Iterator[Passage]:
        """Yield the stored passages."""
        return (Passage(**row) for row in _rows(self._passages))

    def exclusions(self) -> Iterator[Exclusion]:
        """Yield what was left out, at its place between the passages.

        Passages that repeat a table's header are longer than what was read of them.
        """
        for row in _rows(self._exclusions):
            i = bisect.bisect_right(self.repeats, row["at"], key=lambda pair: pair[0])
            shift = self.repeats[i - 1][1] if i else 0
            yield Exclusion(**row | {"at": row["at"] + shift})


@contextmanager
def spooled(folder: Path | None = None) -> Iterator[Spool]:
    """Hold the parts of one text, in memory or in files; or in those of a folder."""
    with (
        _parts(folder, "passages") as passages,
        _parts(folder, "exclusions") as exclusions,
    ):
        yield Spool(passages, exclusions)


def _parts(folder: Path | None, name: str) -> Parts:
    if folder is not None:
        return (folder / f"{name}.jsonl").open("a+", encoding="utf-8")
    return cast(Parts, SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8"))


def _write(file: Parts, record: Any) -> None:
    file.write(json.dumps(asdict(record)) + "\n")


def _rows(file: Parts) -> Iterator[dict[str, Any]]:
    file.seek(0)
    return (json.loads(line) for line in file)
