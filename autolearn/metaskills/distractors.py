"""Plausible wrong answers: right answers to other questions of the same kind.

Two questions are of one kind if they begin with the same question word and their
answers have the same shape.
"""

import random
import re
from collections.abc import Sequence

from autolearn.core.gold import GoldExample
from autolearn.text import matching, question_words

_MONTH = (
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|"
    r"mär|mai|okt|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|ago|dic"
)
_DATE = re.compile(
    rf"\b(1[0-9]|20)\d\d\b|\b({_MONTH})[a-zé]*\b.*\d|\d.*\b({_MONTH})[a-zé]*\b"
    r"|\d{1,4}[-/.年]\d{1,2}[-/.月]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d")
TRIES = 20
"""Answers that are tried for an example before it gets no wrong answer."""
N_COMPARED = 6
"""Wrong answers that are compared; the one with the most similar question is used."""


def kind_of(example: GoldExample) -> tuple[str, str]:
    """Return the question word of an example and the shape of its answer."""
    return question_words.first(example.question), shape(example.answer)


def shape(answer: str) -> str:
    """Return the shape of an answer: date, number, name or other."""
    if _DATE.search(answer):
        return "date"
    if _NUMBER.search(answer):
        return "number"
    words = re.findall(r"[^\W\d_]+", answer)
    return "name" if words and words[0][0].isupper() else "other"


def has_shape(text: str, kind: str) -> bool:
    """Return whether a text has a date or a number, if that is the kind asked for."""
    pattern = {"date": _DATE, "number": _NUMBER}.get(kind)
    return pattern is None or pattern.search(text) is not None


def are_alike(first: str, second: str) -> bool:
    """Return whether two answers may be wordings of each other."""
    a, b = set(matching.words(first)), set(matching.words(second))
    return not a or not b or a <= b or b <= a


class Distractors:
    """The answers of a round's examples, by kind of question."""

    def __init__(self, examples: Sequence[GoldExample]) -> None:
        self._by_kind: dict[tuple[str, str], list[GoldExample]] = {}
        for example in examples:
            if example.answerable and example.answer:
                self._by_kind.setdefault(kind_of(example), []).append(example)

    def wrong(self, example: GoldExample, rng: random.Random) -> str | None:
        """Return a wrong answer of the same kind from another text; None if none fits.

        It does not occur in the text of the example, so it cannot be right there.
        """
        if not (example.answerable and example.answer):
            return None
        others = self._by_kind.get(kind_of(example), [])
        sample = rng.sample(others, min(TRIES, len(others)))
        candidates = [other for other in sample if _is_wrong(other, example)][
            :N_COMPARED
        ]
        if not candidates:
            return None
        best = max(
            candidates, key=lambda o: matching.similarity(o.question, example.question)
        )
        return " ".join(best.answer.split())


def _is_wrong(other: GoldExample, example: GoldExample) -> bool:
    """Return whether the answer of another example is wrong for this one."""
    if other.text == example.text or are_alike(other.answer, example.answer):
        return False
    return not matching.contains(example.text, other.answer)
