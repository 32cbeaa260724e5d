"""Read which option of a multiple-choice question an answer names."""

import re
import unicodedata
from collections.abc import Sequence

from autolearn.core.scripts import EAST_ASIAN
from autolearn.evaluation import numbers
from autolearn.text import matching

LETTERS = "ABCDEFGHIJ"
"""Letters of options, in their order."""

_NO_WORD = rf"(?<![^\W{EAST_ASIAN}])", rf"(?![^\W{EAST_ASIAN}])"
"""Before and after a letter that is no part of a word; East Asian signs are none."""
_MARK = (
    r"(?:(?:####|\\boxed\s*\{|\b(?i:answer|option|choice)\b"
    r"(?:\s+(?i:is|was|would be))?\s*[:=]?)\s*[*_\"'(\[{]*"
    r"(?i:option\s+|choice\s+)?\b"
    r"|(?:答案|选(?!项)择?|答え|正解|답)[是为应选は은는:]*\s*)"
)
"""The words that mark a letter as the answer, as in the evaluations of ARC and MMLU."""
_ARTICLE_OR_PRONOUN = (
    r"(?:A (?!(?:is|was|because|since|seems|and|or|as|but|fits)\b)[a-z]{2,}|I [a-z]+)"
)
_MARKED = re.compile(rf"{_MARK}(?!{_ARTICLE_OR_PRONOUN})([A-J])(?!'){_NO_WORD[1]}")
_MARKED_SMALL = re.compile(rf"{_MARK}([a-j])(?:[).:\]](?!\w)|[^\w\n]*(?:\n|\Z))")
"""A small letter may be the article, unless a mark or nothing follows it."""
_LEADING = re.compile(r"^[\W_]*([A-J])(?=[).:、\]]|\s*$|,|\s+[-\u2013\u2014])")
_ALONE = re.compile(r"^[\W_]*([a-j])(?:[).:\]]|\W*$)")
_LETTER = re.compile(
    rf"{_NO_WORD[0]}(?<![.'\u2019])(?!{_ARTICLE_OR_PRONOUN})([A-J])"
    rf"(?!['\u2019]){_NO_WORD[1]}"
)
_REJECTION = re.compile(
    r"(?:\b(?i:not|isn't|nor|neither|than|unlike)\s+(?:option\s+)?|不[是选]\s*)"
    rf"\(?[A-J]{_NO_WORD[1]}\)?"
)
_PAIR = (
    r"[A-J]\)?\s*(?:[,/&、和或与]|\bor\b|\band\b)\s*(?:option\s+)?"
    rf"\(?[A-J](?!'){_NO_WORD[1]}"
)
"""Two options named together, which is not a choice."""
_BEGINS_PAIR = re.compile(_PAIR)
_HAS_PAIR = re.compile(_NO_WORD[0] + _PAIR)
_OR = re.compile(r"\bor\b|/", re.IGNORECASE)


def chosen(text: str, choices: Sequence[str]) -> int | None:
    """Return the index of the option that an answer names, None if not exactly one.

    A letter that is marked as the answer, or begins it, counts first, then the text of
    an option, then a single letter anywhere. Without ``choices`` only letters count.
    """
    plain = _REJECTION.sub(" ", unicodedata.normalize("NFKC", text))
    n = len(choices) or len(LETTERS)
    options, letters = _options_in(plain, choices), _indices(_letters(plain), n)
    explicit = _explicit(plain)
    is_either = _OR.search(plain) and len(options | letters) > 1
    if is_either or _names_several(plain, explicit):
        return None
    marked = _indices({letter[1].upper() for letter in explicit}, n)
    indices = marked or options or letters
    return indices.pop() if len(indices) == 1 else None


def _letters(text: str) -> set[str]:
    """Return the single letters in a text that may be options."""
    return set(_LETTER.findall(text))


def _explicit(text: str) -> list[re.Match[str]]:
    """Return the letters that an answer marks as its choice, or begins with."""
    if marked := [*_MARKED.finditer(text), *_MARKED_SMALL.finditer(text)]:
        return marked
    first = _LEADING.match(text) or _ALONE.match(text)
    return [first] if first else []


def _names_several(text: str, explicit: Sequence[re.Match[str]]) -> bool:
    """Return whether an answer names two options together where it chooses.

    Elsewhere it may compare them, or repeat an option ("D) Both A and B").
    """
    if explicit:
        return any(_BEGINS_PAIR.match(text, letter.start(1)) for letter in explicit)
    return _HAS_PAIR.search(text) is not None


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
