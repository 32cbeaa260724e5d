"""Whether a sentence tells what a question asks for, as far as their words show."""

import re
from collections.abc import Iterable

from autolearn.core.records import Passage
from autolearn.text import (
    languages,
    matching,
    persons,
    self_containment,
    sentences,
    stop_words,
)
from autolearn.text.event_dates import DatedEvent

MOST_SHARED = 1
"""Words that a question may share with its sentence while another one shares more."""
LEAST_MORE = 2
"""Words that it must share with the other one in addition."""
_SPACED = ("en", "de", "fr", "es")
"""Languages whose stop words are known, with spaces between words."""
_NAMES_HAVE_CAPITALS = ("en", "fr", "es")
"""Languages in which a capital within a sentence makes a name; German has others."""
_MARKS = "?!.,;:()\"'\u201c\u201d\u2018\u2019«»¿¡"
_ASKS_FOR_NAME = re.compile(
    r"\bWhat (?:is|was) the (?:name|title) of (?:the |this )?"
    # No preposition: "the designer of the Orlo Bridge" is not the bridge.
    r"(?:(?!(?:at|by|for|from|in|of|on|to|with)\b)[a-z-]+ ){0,3}"
)


def fault(question: str, answer: str, sentence: str, passage: Passage) -> str:
    """Return why a sentence of a passage does not answer a question.

    A clause; empty: nothing shows that it does not.
    """
    if _gives_name(question, passage.heading):
        return "it asks for a name that it gives"
    if name := _foreign_name(question, passage):
        return f"it names “{name}”, which the text does not"
    if persons.takes_performer_for_role(question, answer, sentence):
        return "it confuses a performer with a role"
    if persons.takes_one_work_for_another(question, answer, sentence):
        return "its answer did something else than it asks about"
    if _is_about_another(question, sentence, passage):
        return "another sentence answers it"
    if _has_date_of_another(question, answer, sentence, passage):
        return "its date is that of another event"
    return ""


def _gives_name(question: str, heading: str) -> bool:
    """Return whether a question asks for the name of its subject, and gives it."""
    asks = _ASKS_FOR_NAME.search(question)
    name = heading.partition(" (")[0]  # as in "Agra (2023 film)"
    return asks is not None and question[asks.end() :].strip('?"\u201c\u201d ') == name


def _foreign_name(question: str, passage: Passage) -> str:
    """Return a name that a question has and its passage not; empty: there is none.

    A small model copies some from the worked examples of its prompt.
    """
    if languages.of(passage.text) not in _NAMES_HAVE_CAPITALS:
        return ""
    known = set(matching.words(f"{passage.heading} {passage.text}"))
    known |= stop_words.of(passage.text)
    for name in matching.names(question.removeprefix(f"{passage.heading}: ")):
        parts = matching.words(name)
        words = [part for part in parts if len(part) > 1 and not part[0].isdigit()]
        if words and not any(_has_form(word, known) for word in words):
            return name.strip(_MARKS)
    return ""


def _is_about_another(question: str, sentence: str, passage: Passage) -> bool:
    """Return whether another sentence has the words of a question, and its own not."""
    if languages.of(passage.text) not in _SPACED:
        return False
    terms = _terms(question, passage)
    n_own = _n_shared(terms, sentence)
    if n_own > MOST_SHARED:
        return False
    return any(
        _n_shared(terms, other.text) >= n_own + LEAST_MORE
        for other in sentences.of(passage.text)
    )


def _has_date_of_another(
    question: str, answer: str, sentence: str, passage: Passage
) -> bool:
    """Return whether a question asks for a date, and its answer is another one."""
    event = DatedEvent.asked(question, _terms(question, passage), passage.heading)
    if event is None:
        return False
    others = [s.text for s in sentences.of(passage.text) if s.text != sentence]
    return event.has_other_date(answer, sentence, others)


def _terms(question: str, passage: Passage) -> set[str]:
    """Return the words of a question that do not tell which subject it is about.

    These are all but stop words, names, words of the heading and descriptions that the
    text gives ("the 2022 Australian drama").
    """
    descriptions = self_containment.descriptions(question, passage.text)
    of_subject = [passage.heading, *matching.names(question), *descriptions]
    known = {*matching.words(" ".join(of_subject)), *stop_words.of(passage.text)}
    terms = set(matching.words(question)) - known
    return {term for term in terms if len(term) > 1}  # not the "s" of "Ada's"


def _n_shared(terms: Iterable[str], text: str) -> int:
    words = matching.words(text)
    return sum(_has_form(term, words) for term in terms)


def _has_form(word: str, others: Iterable[str]) -> bool:
    return any(matching.begin_alike(word, other) for other in others)
