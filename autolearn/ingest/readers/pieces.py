"""The pieces that readers yield."""

from collections.abc import Iterator
from dataclasses import dataclass

from autolearn.core.reading import Column, EncodingCandidate

LARGEST_PARSED = 32 * 2**20
"""Most bytes of a file, or of a chapter, that are parsed as a whole."""


@dataclass(frozen=True)
class Piece:
    """A part of a text."""

    text: str
    left_out: str = ""
    """Why it is not part of the studied text; empty if it is."""
    starts_passage: bool = False
    """Whether a passage must begin here."""
    share: float = 0.0
    """Share of the file that has been read with this piece, 0..1."""
    place: str = ""
    """Where it is in the file, such as "page 3" or "row 12"; empty if unknown."""
    note: str = ""
    """A note for the user on the document so far, such as "pages 2 to 5 of
    5 have no text"; without a full stop. A piece with a note may have no text."""


@dataclass(frozen=True)
class Source:
    """A text that is read lazily, piece by piece."""

    pieces: Iterator[Piece]
    note: str = ""
    """A note for the user on how the file is read, known before its pieces;
    pieces may add further notes."""
    media_type: str = ""
    encoding: str = ""
    """The encoding that the text was decoded from; empty for other files."""
    encodings: tuple[EncodingCandidate, ...] = ()
    """Encodings that the bytes may be in, the likeliest first; empty if there is no
    doubt."""
    columns: tuple[Column, ...] = ()
    """The columns of a table, or the keys of JSON rows, and what becomes of each."""
    headings: bool = True
    """Whether lines that begin with ``#`` are headings, as they are in Markdown."""
