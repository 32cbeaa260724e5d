"""What the form of an answer may be, so that it can be read whatever the model.

A small model does not keep a format that it is only asked for. A constraint is a
sequence of parts, each of which the model can write in no other way; the engine turns
it into a mask over the next tokens.
"""

import re
from dataclasses import dataclass

from autolearn.core.scripts import EAST_ASIAN

_CHUNK = re.compile(rf"[{EAST_ASIAN}]|[^\W{EAST_ASIAN}]+|\s+|[^\w\s]+")
"""A word, or a sign of a script without spaces; and what stands between them."""


@dataclass(frozen=True)
class OneOf:
    """One of these texts, word for word."""

    options: tuple[str, ...]


@dataclass(frozen=True)
class Excerpt:
    """A verbatim stretch of a text that cuts no word, without spaces at its ends."""

    source: str
    otherwise: str = ""
    """What may stand in its place, word for word; empty: nothing."""

    @property
    def chunks(self) -> list[str]:
        """Return the text in the pieces that are not cut."""
        return _CHUNK.findall(self.source)

    def allows(self, text: str) -> bool:
        """Return whether a text is such a stretch, or what may stand in its place."""
        if self.otherwise and text == self.otherwise:
            return True
        chunks, wanted = self.chunks, _CHUNK.findall(text)
        n = len(wanted)
        starts = range(len(chunks) - n + 1)
        is_part = any(chunks[i : i + n] == wanted for i in starts)
        return bool(wanted) and text == text.strip() and is_part


@dataclass(frozen=True)
class Pattern:
    """Whatever a regular expression matches as a whole.

    Only what both Python and Rust's ``regex-syntax`` read alike: no look-around, no
    back-references.
    """

    regex: str


Part = str | OneOf | Excerpt | Pattern
"""A part of an answer; a plain string stands for itself."""

Constraint = tuple[Part, ...]
"""The parts of an answer, one after the other; empty: the answer is free."""

LINE = Pattern(r"[^\s][^\n]*")
"""A line that is not empty."""
