"""The pieces that readers yield."""

from collections.abc import Iterator
from dataclasses import dataclass

LARGEST_PARSED = 32 * 2**20
"""Most bytes of a file, or of a chapter, that are parsed as a whole."""


@dataclass(frozen=True)
class Piece:
    """A part of a text."""

    text: str
    left_out: str = ""
    """Why it is not part of the studied text; empty if it is."""
    opens: bool = False
    """Whether a passage must begin here."""
    share: float = 0.0
    """Share of the file that has been read with this piece, 0..1."""


@dataclass(frozen=True)
class Source:
    """A text that is read lazily, piece by piece."""

    pieces: Iterator[Piece]
    note: str = ""
    """A sentence for the person about how the file was read."""
    media_type: str = ""
    headings: bool = True
    """Whether lines that begin with ``#`` are headings, as they are in Markdown."""
