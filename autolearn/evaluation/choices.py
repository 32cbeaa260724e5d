"""Read which option of a multiple-choice question an answer names."""

import re
from collections.abc import Sequence

from autolearn.evaluation import numbers
from autolearn.text import matching

LETTERS = "ABCDEFGHIJ"
"""Letters of options, in their order."""

_MARK = (
    r"(?:####|\\boxed\s*\{|\b(?i:answer|option|choice)\b(?:\s+(?i:is|was|would be))?"
    r"\s*[:=]?)\s*[*_\"'(\[{]*(?i:option\s+|choice\s+)?\b"
)
"""The words that mark a letter as the answer, as in the evaluations of ARC and MMLU."""
_ARTICLE_OR_PRONOUN = (
    r"(?:A (?!(?:is|was|because|since|seems|and|or|as|but|fits)\b)[a-z]{2,}|I [a-z]+)"
)
_MARKED = re.compile(rf"{_MARK}(?!{_ARTICLE_OR_PRONOUN})([A-J])\b(?!['\w])")
_MARKED_SMALL = re.compile(rf"{_MARK}([a-j])(?:[).:\]](?!\w)|[^\w\n]*(?:\n|\Z))")
"""A small letter may be the article, unless a mark or nothing follows it."""
_LEADING = re.compile(r"^[\W_]*([A-J])(?=[).:\]]|\s*$|,|\s+[-\u2013\u2014])")
_ALONE = re.compile(r"^[\W_]*([a-j])(?:[).:\]]|\W*$)")
_LETTER = re.compile(
    rf"(?<![\w.'\u2019])(?!{_ARTICLE_OR_PRONOUN})([A-J])(?![\w'\u2019])"
)
_REJECTION = re.compile(
    r"\b(?i:not|isn't|nor|neither|than|unlike)\s+(?:option\s+)?\(?[A-J]\b\)?"
)
_SEVERAL = re.compile(
    r"\b[A-J]\)?\s*(?:,|/|&|\bor\b|\band\b)\s*(?:option\s+)?\(?[A-J](?![\w'])"
)
"""Two options named together, which is not a choice."""
_OR = re.compile(r"\bor\b|/", re.IGNORECASE)


def chosen(text: str, choices: Sequence[str]) -> int | None:
    """Return the index of the option that an answer names, None if not exactly one.

    A letter that is marked as the answer, or begins it, counts first, then the text of
    an option, then a single letter anywhere. Without ``choices`` only letters count.
    """
    plain, n = _REJECTION.sub(" ", text), len(choices) or len(LETTERS)
    options, letters = _options_in(plain, choices), _indices(_letters(plain), n)
    if _SEVERAL.search(plain) or (_OR.search(plain) and len(options | letters) > 1):
        return None
    indices = _indices(_explicit(plain), n) or options or letters
    return indices.pop() if len(indices) == 1 else None


def _letters(text: str) -> set[str]:
    """Return the single letters in a text that may be options."""
    return set(_LETTER.findall(text))


def _explicit(text: str) -> set[str]:
    """Return the letters that an answer marks as its choice, or begins with."""
    if marked := [*_MARKED.findall(text), *_MARKED_SMALL.findall(text)]:
        return set(map(str.upper, marked))
    first = _LEADING.match(text) or _ALONE.match(text)
    return {first[1].upper()} if first else set()


def _indices(letters: set[str], n: int) -> set[int]:
    return {i for i in map(LETTERS.index, letters) if i < n}


def _options_in(text: str, choices: Sequence[str]) -> set[int]:
    """Return the options whose text occurs in an answer, the longest of nested ones."""
    if choices and all(map(numbers.is_number, choices)):
        result = numbers.result(text)
        return {i for i, c in enumerate(choices) if result & numbers.readings(c)}
    present = [i for i, choice in enumerate(choices) if matching.contains(text, choice)]

    plain = [matching.normalise(choice) for choice in choices]

    def is_part(i: int) -> bool:
        others = (plain[j] for j in present if plain[j] != plain[i])
        return any(matching.contains(other, plain[i]) for other in others)

    return {i for i in present if not is_part(i)}
