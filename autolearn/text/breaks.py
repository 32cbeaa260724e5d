"""Where a text can be divided: after sentences, clauses and words, never in numbers."""

import re
from collections.abc import Iterator

from autolearn.core.scripts import (
    GREEK,
    HAN_AND_KANA,
    HAN_NUMERALS,
    SENTENCE_MARKS,
    SPACE_ENDS_CLAUSE,
)

CLOSING = r"[\"'”’)\]»」』】）]*(?:\[[^\[\]\s]{1,4}\])*"  # noqa: RUF001
"""Quotation marks, brackets and marks of notes ("[12]") after the end of a sentence."""
SENTENCE_END = re.compile(
    # One class of characters first, which makes the search three times as fast.
    rf"[\n.!?;\u037e։༎།{SENTENCE_MARKS}{SPACE_ENDS_CLAUSE}](?:"  # noqa: RUF001
    r"(?<=\n)(?:[ \t]*\n\s*)?"
    rf"|(?<=[.!?։༎།]){CLOSING}\s+"  # noqa: RUF001
    rf"|(?<=[{SENTENCE_MARKS}])(?![!?{SENTENCE_MARKS}]){CLOSING}\s*"
    # Many texts from the web lack the space between two sentences ("in 2020.The film").
    r"|(?<=[a-z\d)]{2}[.!?])(?=[A-Z][a-z]*\s)"
    # Chinese and Japanese with ASCII punctuation.
    rf"|(?<=[{HAN_AND_KANA}][.!?])\s*(?=[{HAN_AND_KANA}])"
    # The Greek question mark looks like a semicolon.
    rf"|(?<=[{GREEK}][;\u037e])\s+"
    rf"|(?<=[{SPACE_ENDS_CLAUSE}]) +(?=[{SPACE_ENDS_CLAUSE}])"
    ")"
)
"""What separates two sentences, in any script."""
WINDOW = 1 << 11
"""Characters before a limit in which a place to divide is searched."""

_LEVELS = tuple(
    map(
        re.compile,
        (
            r"\n",
            rf"(?<=[,;:،؛—–])\s+|(?<=[，、；：၊፣፤])\s*|(?<=[{HAN_AND_KANA}][,;:])",  # noqa: RUF001
            # Not in "1 000 000" and, if possible, not before the unit of a number.
            r"(?<![\d\s])\s+|(?<=\d)\s+(?=[^\W\d]{4})",
            r"(?<![\d\s])\s+|(?<=\d)\s+(?![\d\s])",
            r"(?<=[\u3041-\u3096])(?=[\u30a1-\u30fa\u4e00-\u9fff])",  # after hiragana
            rf"(?<=[{HAN_AND_KANA}])(?<![{HAN_NUMERALS}\u30a0-\u30ff])"
            rf"(?=[{HAN_AND_KANA}])(?![、。，；：！？」』）\u30fc])",  # noqa: RUF001
            r"(?<=\W)(?=\w)(?<!\d[.,'’])",  # noqa: RUF001
            r"(?<!\d)(?=[^\W\d])",
            r"(?<!\d)(?=.)|(?<=\d)(?=\D)",
        ),
    )
)
"""Places where a sentence that is too long is divided, the best kinds first."""


def middle(text: str) -> int:
    """Return where a text of at least two characters is best divided in two.

    The best kind of place in the middle half of the text, and the nearest of them to
    the middle.
    """
    half, quarter = len(text) // 2, len(text) // 4
    for places in _places(text, max(1, quarter), len(text) - max(1, quarter)):
        if places:
            return min(places, key=lambda place: abs(place - half))
    return half


def last(text: str, begin: int, limit: int) -> int:
    """Return the last place before ``limit``, after ``begin``, to divide a text."""
    start = max(begin + 1, limit - WINDOW)
    for places in _places(text, start, limit):
        if places:
            return places[-1]
    return limit


def _places(text: str, start: int, end: int) -> Iterator[list[int]]:
    """Yield the places of each kind between two characters, the best kind first."""
    for level in _LEVELS:
        yield [
            match.end()
            for match in level.finditer(text, start, end)
            if start <= match.end() <= end
        ]
