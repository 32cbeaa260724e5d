"""Output formats for answers, so that those of any model can be parsed.

A small model does not keep a format that it is only asked for. A constraint is a
sequence of parts, each of which the model can write in no other way; the engine turns
it into a mask over the next tokens.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from autolearn.core.scripts import EAST_ASIAN, SOUTH_EAST_ASIAN

_UNSPACED = EAST_ASIAN + SOUTH_EAST_ASIAN
_SIGNS = rf"[^\W{_UNSPACED}]+"
_MARK = r"(?:[.,:/'\u2019]|[\u00a0\u2009\u202f](?=\d{3}(?!\d)))"
"""What may stand between the digits of a number: 1,200, 3.5, 10:30."""
_WORD = (
    r"\d{4}-\d\d-\d\d(?!\d)"
    rf"|(?:(?<!\S)[-\u2212](?=\d))?{_SIGNS}(?:(?<=\d){_MARK}(?=\d){_SIGNS})*"
)
"""A word, or a whole number."""
MONTH = (
    "(?:January|February|March|April|May|June|July|August|September|October|November"
    "|December|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember"
    "|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre"
    "|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre"
    "|noviembre|diciembre)"
)
"""The months in the languages of the worked examples that have words for them."""
_DAY = (
    rf"\d{{1,2}}(?:st|nd|rd|th|er|\.)? (?:of |de )?{MONTH}(?!\w)"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?=,? \d{{4}}(?!\w))"
)
"""A day with its month: without it, the day is a number that tells nothing."""
_CHUNK = re.compile(rf"[{_UNSPACED}]|{_DAY}|{_WORD}|\s+|[^\w\s]+")
"""A word, number or day, or a sign of a script without spaces; what is between them."""


def _chunks(text: str) -> list[str]:
    """Return a text in the pieces that are not cut.

    Marks belong to the letter before them: the vowel signs of Hindi and Thai, and
    accents that are characters of their own. The letters after them go on with the
    word.
    """
    pieces: list[str] = _CHUNK.findall(text)
    if text.isascii():
        return pieces
    chunks: list[str] = []
    for piece in pieces:
        rest = piece
        if chunks and _is_mark(piece[0]) and not chunks[-1].isspace():
            rest = piece.lstrip("".join(filter(_is_mark, piece)))
            chunks[-1] += piece.removesuffix(rest)
        goes_on = rest[:1].isalnum() and not re.match(f"[{_UNSPACED}]", rest)
        if goes_on and chunks and _is_mark(chunks[-1][-1]):
            chunks[-1] += rest
        elif rest:
            chunks.append(rest)
    return chunks


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign)[0] == "M"


@dataclass(frozen=True)
class OneOf:
    """One of these texts, word for word."""

    options: tuple[str, ...]


@dataclass(frozen=True)
class Excerpt:
    """A verbatim stretch of a text that cuts no word, number or day of a month.

    It has no spaces at its ends.
    """

    source: str
    otherwise: str = ""
    """What may be written instead, word for word; empty: nothing."""

    @property
    def chunks(self) -> list[str]:
        """Return the text in the pieces that are not cut."""
        return _chunks(self.source)

    def allows(self, text: str) -> bool:
        """Return whether a text is such a stretch, or what may be written instead."""
        if self.otherwise and text == self.otherwise:
            return True
        places = {0, *accumulate(map(len, self.chunks))}
        matches = re.finditer(f"(?={re.escape(text)})", self.source)
        is_part = any({m.start(), m.start() + len(text)} <= places for m in matches)
        return bool(text) and text == text.strip() and is_part


@dataclass(frozen=True)
class Pattern:
    """Whatever a regular expression matches as a whole.

    Only what both Python and Rust's ``regex-syntax`` read alike: no look-around, no
    back-references.
    """

    regex: str


Part = str | OneOf | Excerpt | Pattern
"""A part of an answer; a plain string is literal."""

Constraint = tuple[Part, ...]
"""The parts of an answer, one after the other; empty: the answer is free."""

_KINDS: dict[str, type[OneOf] | type[Excerpt] | type[Pattern]] = {
    "one_of": OneOf,
    "excerpt": Excerpt,
    "pattern": Pattern,
}


def to_values(constraint: Constraint) -> list[str | dict[str, Any]]:
    """Return a constraint as JSON values: a string as it is, else kind and fields."""
    names = {kind: name for name, kind in _KINDS.items()}
    return [
        part if isinstance(part, str) else {"kind": names[type(part)], **asdict(part)}
        for part in constraint
    ]


def from_values(values: Iterable[str | Mapping[str, Any]]) -> Constraint:
    """Return the constraint that ``to_values`` wrote."""
    return tuple(map(_part_from, values))


def _part_from(value: str | Mapping[str, Any]) -> Part:
    if isinstance(value, str):
        return value
    fields = {name: field for name, field in value.items() if name != "kind"}
    if value["kind"] == "one_of":
        return OneOf(tuple(fields["options"]))
    return _KINDS[value["kind"]](**fields)


def description(constraint: Constraint) -> str:
    """Return a constraint for a reader, part by part."""
    return "\n".join(map(_description, constraint))


def _description(part: Part) -> str:
    match part:
        case str():
            return f"the text {part!r}"
        case OneOf(options):
            return "one of " + ", ".join(map(repr, options))
        case Excerpt(source, otherwise):
            rest = f", or {otherwise!r}" if otherwise else ""
            return f"an excerpt of {source!r}{rest}"
        case Pattern(regex):
            return f"a text that matches {regex}"


LINE = Pattern(r"[^\s][^\n]*")
"""A line that is not empty."""
