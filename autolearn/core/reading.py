"""How a file is read: the options of the user, and what was chosen.

A document keeps both, so that its file can be read again in another way.
"""

from dataclasses import dataclass, field
from typing import Literal

from autolearn.core.codec import JsonRecord

ColumnUse = Literal["text", "title", "named", "left out"]
"""The use of a column: the text of a row, its title, a line "name: value", or
an exclusion."""


@dataclass(frozen=True)
class Column:
    """A column of a table, or a key of JSON rows."""

    name: str
    use: ColumnUse
    examples: tuple[str, ...] = ()
    """The beginnings of its first cells."""


@dataclass(frozen=True)
class EncodingCandidate:
    """An encoding that the bytes of a file may be in, and how they look in it."""

    name: str
    preview: str


@dataclass(frozen=True)
class ReadingChoices(JsonRecord):
    """How a person wants a file to be read; what is empty is chosen automatically."""

    encoding: str = ""
    columns: tuple[Column, ...] = ()
    """The uses of columns that are not named here are chosen automatically."""
    chats_as_texts: bool = False
    """Whether rows of chats, instructions or questions are read as texts."""


@dataclass(frozen=True)
class Reading(JsonRecord):
    """How a file was read."""

    choices: ReadingChoices = field(default_factory=ReadingChoices)
    encoding: str = ""
    """The encoding that its text was decoded from; empty for other files."""
    encodings: tuple[EncodingCandidate, ...] = ()
    """Encodings that the bytes may be in, the likeliest first; empty: no doubt."""
    columns: tuple[Column, ...] = ()
    """The columns of a table, and what became of each."""
