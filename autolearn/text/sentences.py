"""The sentences of a passage, and the stretches of them that tell a fact each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autolearn.core.scripts import EAST_ASIAN, QUESTION_END, SOUTH_EAST_ASIAN
from autolearn.text import chunking

FEWEST_SIGNS = 12
"""Fewest letters and digits of a sentence that can be asked about."""
FACT_WORDS = 12
"""Words of a stretch from which the next comma, bracket or "and" begins another."""

_LOOK_AHEAD = 500
"""Characters in which more than three words are expected."""
_SIGN = re.compile(r"[^\W_]")
_QUESTION = re.compile(rf"{QUESTION_END}\Z")
_WIDE = re.compile(rf"[{EAST_ASIAN}\uff00-\uffef]")
"""Scripts without spaces between words, and their full-width punctuation."""
_SOUTH_EAST_ASIAN = re.compile(f"[{SOUTH_EAST_ASIAN}]")
_BREAK = re.compile(
    r"(?<=[,;:，、；：،؛၊፣፤)）])(?!\s*[\d,;:)])\s*|\s+(?=[(（–—])"  # noqa: RUF001
    rf"|(?<=[{EAST_ASIAN}][,;:])(?=\d)"
    r"|\s+(?=(?:and|und|et|y|or|oder|ou|o|while|but|which|who)\s)"
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text, from character ``start`` to ``end``."""

    text: str
    start: int
    end: int


def of(text: str) -> list[Sentence]:
    """Return the sentences that say something: no headings, rules or numbers alone."""
    sentences = []
    begin = 0
    for unit, is_heading in chunking.sentences(text):
        content = unit.strip()
        start = begin + len(unit) - len(unit.lstrip())
        begin += len(unit)
        n_signs = len(_SIGN.findall(content)) + 2 * len(_WIDE.findall(content))
        if not is_heading and n_signs >= FEWEST_SIGNS:
            sentences.append(Sentence(content, start, start + len(content)))
    return sentences


def is_question(text: str) -> bool:
    """Return whether a text ends with the question mark of any script."""
    return _QUESTION.search(text[-2:]) is not None


def n_words(text: str) -> int:
    """Return how many words a text has.

    In scripts without spaces, two East Asian signs are a word, and five of Thai, Lao,
    Burmese and Khmer.
    """
    spaced, n = text, 0
    for script, n_signs in ((_WIDE, 2), (_SOUTH_EAST_ASIAN, 5)):
        n += len(script.findall(text)) // n_signs
        spaced = script.sub(" ", spaced)
    return n + len(spaced.split())


def facts(sentence: str) -> list[str]:
    """Return a sentence in stretches of some dozen words, cut where a clause may end.

    Joined together they are the sentence, but for the spaces at their ends.
    """
    stretches: list[str] = []
    begin = 0
    for end in (*_cuts(sentence), len(sentence)):
        if n_words(sentence[begin:end]) >= FACT_WORDS and _leaves_fact(sentence, end):
            stretches.append(sentence[begin:end].strip())
            begin = end
    if tail := sentence[begin:].strip():
        stretches.append(tail)
    return stretches


def _leaves_fact(sentence: str, end: int) -> bool:
    """Return whether what follows is long enough for a stretch, or nothing."""
    # With all of it, a long sentence would take time in proportion to its length
    # squared.
    n = n_words(sentence[end : end + _LOOK_AHEAD])
    return n == 0 or n > 3


def _cuts(sentence: str) -> Iterator[int]:
    for match in _BREAK.finditer(sentence):
        if match.start() > 0 and match.end() < len(sentence):
            yield match.end()
