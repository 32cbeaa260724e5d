"""What readers yield."""

from collections.abc import Iterator
from dataclasses import dataclass

LARGEST_PARSED = 32 * 2**20
"""Bytes of a file, or of a chapter, that is parsed as a whole."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a text."""

    text: str
    left_out: str = ""
    """Why it is not part of what is learned from; empty: it is."""
    opens: bool = False
    """A passage has to begin here."""
    share: float = 0.0
    """How much of the file has been read with this piece, 0 to 1."""


@dataclass(frozen=True)
class Source:
    """A text that is read while its pieces are taken."""

    pieces: Iterator[Piece]
    note: str = ""
    """What a person should know about how it is read, as a sentence."""
    media_type: str = ""
