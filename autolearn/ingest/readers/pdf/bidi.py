"""Bring text that runs from right to left into the order in which it is read.

A PDF says where each letter is, not in which order letters are read. Letters are
taken by their place from right to left; numbers and words of other scripts inside run
from left to right.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

from autolearn.ingest.readers.pdf.shapes import Word

_FORM_RANGES = "\ufb1d-\ufdff\ufe70-\ufefc"
_RTL = re.compile(f"[\u0590-\u08ff{_FORM_RANGES}]")
_FORMS = re.compile(f"[{_FORM_RANGES}]")
"""Letters in the form that they have within a word."""
_MIRROR = str.maketrans("()[]{}", ")(][}{")
_NUMBER_WITH_SIGNS = re.compile(r"(\D*)(\d(?:.*\d)?[%‰°$€£¥]*)(\D*)", re.DOTALL)
_PERCENT = re.compile(r"(?<!\S)([%\u066a])(\d[\d.,\u066b]*)(?![%\d])")
"""A sign on the wrong side of its number."""
_BRACKET = re.compile(r"((?:^|(?<=\s))\)|\)(?=\w)|\((?=[\s.,:;!?]|$))|[()]")
"""The first bracket of a line, as group 1 if it faces the wrong way."""

ReadWord = tuple[Word, bool]
"""A word, and whether there is white space before it in reading order."""


def is_rtl(text: str) -> bool:
    """Return whether most letters of a text run from right to left."""
    if text.isascii():
        return False
    n = len(_RTL.findall(text))
    return n > 0 and 2 * n >= sum(map(str.isalpha, text))


def has_rtl(text: str) -> bool:
    """Return whether a text has letters that run from right to left."""
    return not text.isascii() and _RTL.search(text) is not None


def ordered(words: Sequence[Word], spaces: Sequence[bool]) -> list[ReadWord]:
    """Return the words of a line in the order in which they are read.

    Args:
        words: Words from left to right; letters that run from right to left one by one.
        spaces: Whether there is white space on the left of each word.
    """
    is_base_rtl = is_rtl("".join(word.text for word in words))
    kinds = [_kind(word.text) for word in words]
    if is_base_rtl:
        words = [
            _with_signs_turned(word) if _stands_in_rtl(kinds, i) else word
            for i, word in enumerate(words)
        ]
    directions = _directions(kinds, is_base_rtl)
    runs = [
        (is_right_to_left, [i for i, _ in group])
        for is_right_to_left, group in groupby(enumerate(directions), lambda x: x[1])
    ]
    ordered_words: list[ReadWord] = []
    border = 0
    for is_right_to_left, run in reversed(runs) if is_base_rtl else runs:
        places = _right_to_left(words, run) if is_right_to_left else run
        border = border if is_base_rtl else run[0]
        for n, place in enumerate(places):
            right = max(place, places[n - 1]) if n else border
            ordered_words.append((words[place], bool(ordered_words) and spaces[right]))
        border = run[0]
    return ordered_words


def _stands_in_rtl(kinds: Sequence[str], i: int) -> bool:
    """Return whether a number has no letters from left to right next to it."""
    return kinds[i] == "N" and "L" not in kinds[max(0, i - 1) : i + 2]


def _with_signs_turned(word: Word) -> Word:
    """Return a number whose outer signs are where they are read.

    What is seen on its right, such as the hyphen of a prefix, is read before it.
    """
    if match := _NUMBER_WITH_SIGNS.fullmatch(word.text):
        return word._replace(text=match[3] + match[2] + match[1])
    return word


def _kind(text: str) -> str:
    if has_rtl(text):
        return "R"
    if any(map(str.isalpha, text)):
        return "L"
    return "N" if any(map(str.isdigit, text)) else ""


def _directions(kinds: list[str], is_base_rtl: bool) -> list[bool]:
    """Return for each word whether it belongs to a run from right to left.

    Punctuation runs as its neighbours do if they agree, otherwise as the line does.
    """
    directions = []
    for i, kind in enumerate(kinds):
        if kind:
            directions.append(kind == "R")
            continue
        before = next((k for k in reversed(kinds[:i]) if k), "")
        after = next((k for k in kinds[i + 1 :] if k), "")
        agree = before and after and (before == "R") == (after == "R")
        directions.append(before == "R" if agree else is_base_rtl)
    return directions


def _right_to_left(words: Sequence[Word], run: list[int]) -> list[int]:
    """Return places from right to left; pdfium reverses the letters of one glyph."""
    return sorted(
        run,
        key=lambda i: (-round(words[i].x0 + words[i].x1, 1), -words[i].order),
    )


def plain(text: str) -> str:
    """Return a text in reading order with letters instead of their joined forms.

    Brackets are turned round where they face the wrong way.
    """
    text = _FORMS.sub(lambda form: unicodedata.normalize("NFKC", form[0]), text)
    text = _PERCENT.sub(r"\2\1", text)
    first = _BRACKET.search(text)
    return text.translate(_MIRROR) if first and first[1] else text
