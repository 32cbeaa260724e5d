"""Persons in English sentences: lists of them, and who performs in what role."""

import re
from itertools import pairwise

from autolearn.text import matching, question_words, stop_words

_CAPITAL = r"[^\W\d_a-z\u00df-\u00f6\u00f8-\u00ff]"
_NAME = rf"{_CAPITAL}[\w.'\u2019-]*(?: {_CAPITAL}[\w.'\u2019-]*)*"
_AFTER_VERB = re.compile(rf"\b(?P<verb>\w+)(?: by)? (?={_CAPITAL})")
_LIST = re.compile(
    rf"(?P<names>{_NAME}(?:, ?{_NAME})*),? (?:and|&) (?P<last>{_NAME})"
    r"(?=[,;:)]|$| (?:as|at|for|from|in|on|to|under|with)\b)"
)
"""Names, and what may follow them: before a verb, the last one begins a clause."""
_CLAUSE_START = re.compile(r"[,;:(]\s*")
_JOINS_PARTS = re.compile(r"\s(?:and|&)\s")
_STARS = re.compile(
    r"\b(?:stars|starred|starring|cast(?: also)? includes) ", re.IGNORECASE
)
"""What precedes names of performers."""
_JOINS_NAMES = ("and", "&", "with", "alongside")
_ROLE = re.compile(r"\b(?:character|protagonist)s?\b", re.IGNORECASE)
_PERFORMS = re.compile(
    r"\b(?:act(?:or|ress|s|ed)|cast|perform|play|portray|star|voice)", re.IGNORECASE
)
"""Words of a question that asks for performers, even if it names their roles."""
_PLAYS = re.compile(
    r"\b[Ww]ho (?:plays|played|portrays|portrayed|stars|starred) "
    rf"(?:the (?:role|part) of )?(?P<name>{_NAME})"
)

_WHO = ("who", "whom")
_BY = re.compile(r"\b(?!(?:is|are|was|were) by)[a-z]+(?:(?:,? and |, )[a-z]+)* by\b")
"""What somebody did or made, such as "written and directed by", "screenplay by"."""
_WRITES = re.compile(r"wr[io]te|writing|written")


def takes_performer_for_role(question: str, answer: str, sentence: str) -> bool:
    """Return whether a question takes somebody who plays for somebody who is played.

    Of "It stars Ada Horn", these are "Who is the main character?" with the answer "Ada
    Horn", and "Who plays Ada Horn?".
    """
    asks_for_role = _ROLE.search(question) and not _PERFORMS.search(question)
    if asks_for_role and _is_performer(answer, sentence):
        return True
    played = _PLAYS.search(question)
    return played is not None and _is_performer(played["name"], sentence)


def _is_performer(name: str, sentence: str) -> bool:
    """Return whether nothing but other names is between "stars" and a name."""
    rests = (sentence[m.end() :].partition(name) for m in _STARS.finditer(sentence))
    return any(
        found and all(not w[0].islower() or w in _JOINS_NAMES for w in before.split())
        for before, found, _ in rests
    )


def takes_one_work_for_another(question: str, answer: str, sentence: str) -> bool:
    """Return whether a sentence names its answer for other work than is asked for.

    If Avel was "directed by Ada Horn and produced by Bo Lind", Bo Lind is no answer to
    "Who directed Avel?".
    """
    if question_words.first(question) not in _WHO:
        return False
    of_question = set(matching.words(question)) - stop_words.of(question)
    starts = [match.start() for match in _BY.finditer(sentence)]
    answers_of: dict[bool, list[str]] = {True: [], False: []}
    for start, end in pairwise([*starts, len(sentence)]):
        work, _, persons = sentence[start:end].partition(" by ")
        is_asked = any(_alike(a, b) for a in matching.words(work) for b in of_question)
        answers_of[is_asked].append(persons)
    asked, others = (
        any(matching.contains(persons, answer) for persons in answers_of[is_asked])
        for is_asked in (True, False)
    )
    return bool(answers_of[True]) and others and not asked


def _alike(word: str, other: str) -> bool:
    both_write = bool(_WRITES.match(word) and _WRITES.match(other))
    return both_write or matching.begin_alike(word, other)


def with_whole_list(question: str, sentence: str, answer: str) -> str:
    """Return an answer, completed if it names a part of the persons asked for.

    If Avel is "directed by Ada Horn and Bo Lind", both are asked for by "Who directed
    Avel?". The list must follow a verb of the question, and before it "and" must not
    join other parts of its clause: if "camera and sound are handled by Ada Horn and Bo
    Lind", each of them did one.
    """
    if question_words.first(question) not in _WHO:
        return answer
    of_question = set(matching.words(question)) - stop_words.of(question)
    for match in _AFTER_VERB.finditer(sentence):
        clause = _CLAUSE_START.split(sentence[: match.start()])[-1]
        verb = match["verb"].lower()
        is_asked = any(matching.begin_alike(verb, word) for word in of_question)
        if is_asked and not _JOINS_PARTS.search(clause):
            names = _list_at(sentence, match.end())
            n_told = sum(matching.contains(answer, name) for name in names)
            is_named = any(matching.contains(question, name) for name in names)
            if 0 < n_told < len(names) and not is_named:
                return f"{', '.join(names[:-1])} and {names[-1]}"
    return answer


def _list_at(sentence: str, start: int) -> list[str]:
    """Return the names of the list at a place; empty: there is none."""
    match = _LIST.match(sentence, start)
    if match is None:
        return []
    return [*re.split(", ?", match["names"]), match["last"].rstrip(".")]
