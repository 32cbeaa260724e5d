"""Check an answer against its constraint, for servers that cannot keep to one."""

import re
from collections.abc import Iterator

from autolearn.core.constraints import (
    LINE,
    Constraint,
    Excerpt,
    OneOf,
    Part,
    Pattern,
)
from autolearn.core.scripts import EAST_ASIAN

_WITHIN_WORD = re.compile(rf"(?<=[^\W{EAST_ASIAN}])(?=[^\W{EAST_ASIAN}])")
"""Matches between two characters of a word."""


def longest_match(constraint: Constraint, text: str) -> str | None:
    """Return the longest beginning of a text that has the form; None: there is none.

    A model that is only asked for a form often writes on after it. If it writes on
    within the same word, it meant another word.
    """
    ends = {0}
    for part in constraint:
        ends = {end for start in ends for end in _ends(part, text, start)}
    whole = [end for end in ends if not _WITHIN_WORD.match(text, end)]
    return text[: max(whole)] if whole else None


def match_of_answer(constraint: Constraint, answer: str) -> str | None:
    """Return the longest match of an answer, whether or not a space begins it."""
    texts = (answer, answer.lstrip(), f" {answer.lstrip()}")
    matches = (longest_match(constraint, text) for text in texts)
    return next(filter(None, matches), None)


def _ends(part: Part, text: str, start: int) -> Iterator[int]:
    """Yield where a part that begins at ``start`` may end."""
    match part:
        case str():
            yield from _literal_ends((part,), text, start)
        case OneOf(options):
            yield from _literal_ends(options, text, start)
        case Pattern(regex) if part == LINE:  # each beginning of a line is one too
            if line := re.compile(regex).match(text, start):
                yield from range(start + 1, line.end() + 1)
        case Pattern(regex):
            pattern = re.compile(regex)
            for end in range(start, len(text) + 1):
                if pattern.fullmatch(text, start, end):
                    yield end
        case Excerpt():
            yield from _excerpt_ends(part, text, start)


def _literal_ends(options: tuple[str, ...], text: str, start: int) -> Iterator[int]:
    for option in options:
        if text.startswith(option, start):
            yield start + len(option)


def _excerpt_ends(excerpt: Excerpt, text: str, start: int) -> Iterator[int]:
    if excerpt.otherwise:
        yield from _literal_ends((excerpt.otherwise,), text, start)
    chunks = excerpt.chunks
    for first, first_chunk in enumerate(chunks):
        end = start
        if first_chunk.isspace():
            continue
        for chunk in chunks[first:]:
            if not text.startswith(chunk, end):
                break
            end += len(chunk)
            if not chunk.isspace():
                yield end
