"""Dates in English sentences, and the events that they belong to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from autolearn.core.constraints import MONTH
from autolearn.text import matching, stop_words

_DAY = r"\d{1,2}(?:st|nd|rd|th)?(?!\w)"
_DATE = re.compile(
    rf"(?<!\w)(?:{_DAY} (?:of )?)?{MONTH}(?!\w)(?: {_DAY})?(?:,? \d{{4}}(?!\w))?"
    # "A 2023 film" and "the 2023 Games" do not date an event.
    r"|(?<!\b[Aa] )(?<!\b[Aa]n )(?<!\b[Tt]he )(?<![\w.,])(?:1\d|20)\d\d(?!\w)"
)
_WHEN = re.compile(r"\b(?:when|(?:what|which) (?:date|day|month|year))\b", re.I)
_NO_EVENTS = frozenset(("date", "day", "month", "first"))
_SYNONYMS = (
    "aired available broadcast come out debut distributed issue launch open "
    "premiere publish release screen stream",
    "begin commence start",
    "complete conclude end ended finish wrap",
)
"""Words for an event that stand for each other: coming out, beginning, ending."""
_IRREGULAR = {"began": "begin", "begun": "begin", "came": "come"}


@dataclass(frozen=True)
class DatedEvent:
    """What a question asks the date of.

    ``words`` are its content words, ``names`` those of the places and persons that it
    names, except its subject; both in lower case.
    """

    words: frozenset[str]
    names: frozenset[str]

    @classmethod
    def asked(
        cls, question: str, terms: Iterable[str], subject: str
    ) -> "DatedEvent | None":
        """Return the event of a question; None: it asks for no date.

        ``terms`` are its words that do not tell which subject it is about.
        """
        words = frozenset(t for t in terms if t not in _NO_EVENTS and not t.isdigit())
        if not words or not _WHEN.search(question):
            return None
        names = matching.words(" ".join(matching.names(question)))
        known = {*matching.words(subject), *stop_words.of(question)}
        return cls(words, frozenset(names) - known)

    def has_other_date(self, answer: str, sentence: str, others: Iterable[str]) -> bool:
        """Return whether the date that a sentence gives as the answer is of another.

        That is so if another date stands between the answer and the event, or if the
        sentence does not speak of the event: another of its text does and has a date,
        or the event has synonyms and the sentence has none of them.
        """
        start = sentence.find(answer)
        dates = [match.span() for match in _DATE.finditer(sentence)]
        end = start + len(answer)
        if start < 0 or not any(a < end and start < b for a, b in dates):
            return False
        if _places(self.words, sentence):
            others_here = [(a, b) for a, b in dates if b <= start or end <= a]
            return self._is_apart(start, end, sentence, others_here)
        return any(
            _places(self.words, other) and _DATE.search(other) and answer not in other
            for other in others
        ) or self._lacks_synonyms(sentence)

    def _is_apart(
        self, start: int, end: int, sentence: str, dates: list[tuple[int, int]]
    ) -> bool:
        """Return whether one of these dates is between the event and an answer."""
        if not all(_places([word], sentence) for word in self.words):
            return False
        return all(
            any(min(b, end) <= low and high <= max(a, start) for low, high in dates)
            for a, b in _places(self.words | self.names, sentence)
        )

    def _lacks_synonyms(self, sentence: str) -> bool:
        for group in map(str.split, _SYNONYMS):
            if all(any(_is_form(w, s) for s in group) for w in self.words):
                return not _places(group, sentence)
        return False


def _places(words: Iterable[str], text: str) -> list[tuple[int, int]]:
    """Return where a text has forms of these words."""
    matches = re.finditer(r"\w+", text)
    return [m.span() for m in matches if any(_is_form(m[0].lower(), w) for w in words)]


def _is_form(word: str, other: str) -> bool:
    return matching.begin_alike(
        _IRREGULAR.get(word, word), _IRREGULAR.get(other, other)
    )
