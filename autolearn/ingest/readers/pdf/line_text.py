"""Write the words of a line as text: spaces, raised words, reading order."""

import re
from collections.abc import Sequence
from itertools import groupby, pairwise

from autolearn.ingest.readers import powers
from autolearn.ingest.readers.pdf import bidi, line_joining
from autolearn.ingest.readers.pdf.lines import spaces
from autolearn.ingest.readers.pdf.shapes import SPACE, Line, Word

_NUMBERS = re.compile(r"\(?\d+(?:\s*[,\u2013-]\s*\d+)*[,;)]?$")
_BRACKETS = re.compile(r"(?:\[[^\]]*\])+")
_MARKS = re.compile(r"[*\u2020\u2021\u00a7\u00b6#\u2217]+$")
FRACTION = "\u2044"
"""The bar between a raised and a lowered number."""
_ORDINALS = frozenset(("st", "nd", "rd", "th", "o", "a", "e", "er", "re", "ère", "ème"))
_SHORT_NUMBER = re.compile(r"(?<!\d)\d{1,3}$")
"""What may be an ordinal; a longer number is a year."""
_AS_IS = frozenset(
    ("TM", "®", "©", "™", "\u00ba", "\u00aa", "°", "'", "\u2019", "\u2032")
)
_POWER = re.compile(
    r"(?:(?<![\w.,])(?:10|[2-9])|(?<![^\W\d_])(?:[^\W\d_]|[kcdmnµμ]m|ft|mi|yd|in|sec)"
    r"|[)\]\U0001d400-\U0001d7ff]|[=+*/\u00d7\u00b7]\s*[^\W\d_]{1,3})$"
)
"""What has powers: 10, a digit, a letter, a unit of length, a bracket, a factor."""


def text(line: Line) -> str:
    """Return the words of a line with a space between them."""
    if line.text is None:
        is_rtl = bidi.has_rtl(line.characters)
        gaps = spaces(line.words, is_rtl=is_rtl)
        if is_rtl:
            line.text = bidi.plain(_joined_words(bidi.ordered(line.words, gaps)))
        else:
            line.text = _joined_words(list(zip(line.words, gaps, strict=True)))
    return line.text


def is_spaced(line: Line, after: Line) -> bool | None:
    """Return whether the file has a space between two lines.

    None if they are not drawn one after the other.
    """
    last = max(line.words, key=lambda word: word.order)
    first = min(after.words, key=lambda word: word.order)
    return first.space == SPACE if first.order == last.order + 1 else None


def _joined_words(ordered_words: list[bidi.ReadWord]) -> str:
    result: list[str] = []
    end = 0
    for is_raised, items in groupby(
        ordered_words, lambda item: item[0].script == "super"
    ):
        group = list(items)
        end += len(group)
        if is_raised:
            after = ordered_words[end][0].text if end < len(ordered_words) else ""
            is_fraction = after.startswith(FRACTION)
            before, mark = "".join(result[-3:]), _mark(group)
            text = f" {mark}" if is_fraction else _raised_text(before, mark, after)
            result.append(text)
            continue
        for word, is_spaced in group:
            if is_spaced and result and not _is_unspaced(result[-1], word):
                result.append(" ")
            elif word.script == "sub" and _are_digits(result, word):
                result.append("_")
            result.append(word.text)
    return "".join(result)


def _are_digits(before: Sequence[str], word: Word) -> bool:
    """Return whether a lowered number would be read as a part of the one before it."""
    return bool(before) and before[-1][-1:].isdigit() and word.text[:1].isdigit()


def _mark(group: list[bidi.ReadWord]) -> str:
    """Return words that are raised together."""
    return "".join(
        f" {word.text}" if is_spaced and i else word.text
        for i, (word, is_spaced) in enumerate(group)
    )


def _is_unspaced(before: str, word: Word) -> bool:
    """Return whether a gap between two words is not a space of their script."""
    return word.space != SPACE and bool(
        line_joining.IDEOGRAPH.match(before[-1:])
        and line_joining.IDEOGRAPH.match(word.text)
    )


def _raised_text(before: str, mark: str, after: str) -> str:
    """Return a raised word: the mark of a note in brackets, all else after a caret."""
    if _NUMBERS.fullmatch(mark):
        is_power = _POWER.search(before) or powers.takes_exponent(before, after)
        return f"^{mark}" if is_power else f"[{mark}]"
    if mark in _AS_IS or _MARKS.fullmatch(mark) or _BRACKETS.fullmatch(mark):
        return mark
    if mark in _ORDINALS and _SHORT_NUMBER.search(before):
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
