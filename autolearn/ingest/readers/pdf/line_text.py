"""Write the words of a line as text: spaces, raised words, reading order."""

import re
from itertools import pairwise

from autolearn.ingest.readers.pdf import bidi, joints
from autolearn.ingest.readers.pdf.lines import spaces
from autolearn.ingest.readers.pdf.shapes import SPACE, Line, Word

_NUMBERS = re.compile(r"\d+(?:\s*[,\u2013-]\s*\d+)*[,;]?$")
_MARKS = re.compile(r"[*\u2020\u2021\u00a7\u00b6#\u2217]+$")
_ORDINALS = frozenset(("st", "nd", "rd", "th", "o", "a", "e", "er", "re", "ère", "ème"))
_AS_IS = frozenset(("TM", "®", "©", "™", "\u00ba", "\u00aa", "°", "'", "\u2019", "\u2032"))
_POWER = re.compile(
    r"(?:(?<![\w.,])(?:10|[2-9])|(?<![^\W\d_])(?:[^\W\d_]|[kcdmnµμ]m|ft|mi|yd|in|sec)"
    r"|[)\]])$"
)
"""What a raised number is the power of: 10, one digit, one letter, a unit, a bracket."""


def text(line: Line) -> str:
    """Return the words of a line with a space between them."""
    if any(bidi.has_rtl(word.text) for word in line.words):
        read = bidi.ordered(line.words, spaces(line.words))
        return bidi.plain(_written(read))
    return _written(list(zip(line.words, spaces(line.words), strict=True)))


def _written(read: list[bidi.Read]) -> str:
    result = ""
    raised: list[str] = []
    for i, (word, is_spaced) in enumerate(read):
        if word.script == "super":
            raised.append((" " if is_spaced and raised else "") + word.text)
            is_next_raised = i + 1 < len(read) and read[i + 1][0].script == "super"
            if not is_next_raised:
                result += _raised(result, "".join(raised))
                raised = []
            continue
        result += " " if is_spaced and not _is_unspaced(result, word) else ""
        result += word.text
    return result


def _is_unspaced(before: str, word: Word) -> bool:
    """Return whether a gap between two words is no space of their script."""
    return word.space != SPACE and bool(
        joints.UNSPACED.match(before[-1:]) and joints.UNSPACED.match(word.text)
    )


def _raised(before: str, mark: str) -> str:
    """Return a raised word: the mark of a note in brackets, all else after a caret."""
    if _NUMBERS.fullmatch(mark):
        return f"^{mark}" if _POWER.search(before) else f"[{mark}]"
    if mark in _AS_IS or _MARKS.fullmatch(mark):
        return mark
    if mark in _ORDINALS and before[-1:].isdigit():
        return mark
    return f"^{mark}"


def columns(line: Line, left: float, width: float) -> str:
    """Return a line of code with its indentation.

    Args:
        line: Words in a font of one width.
        left: Where the least indented line begins.
        width: Width of a character.
    """
    result = " " * max(0, round((line.x0 - left) / width))
    result += line.words[0].text
    for a, b in pairwise(line.words):
        gap = round((b.x0 - a.x1) / width)
        result += " " * max(gap, int(b.space == SPACE and b.order == a.order + 1))
        result += b.text
    return result
