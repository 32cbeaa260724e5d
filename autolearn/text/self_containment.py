"""Whether a question can be understood without the text that it was asked about."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from autolearn.core.scripts import HAN_AND_KANA, SOUTH_EAST_ASIAN
from autolearn.text import languages, matching, sentences, stop_words

_SELF_REFERENCE = re.compile(
    r"\b(the|this|that) (text|passage|document|article|excerpt|paragraph|section)\b"
    r"|\baccording to\b|\b(mentioned|described|stated) (above|here)\b"
    r"|\b(?:der|dem|den|des|dies\w+|im|vom|zum|laut|gemäß) "
    r"(?:Text(?:abschnitt|auszug)?(?:e?s)?|Artikels?|Absatz(?:es)?|Auszugs?)\b(?! \d)"
    r"|\boben (?:genannt|erwähnt|beschrieben)\w*"
    r"|\b(?:le|ce|du|au) (?:texte|passage|paragraphe|document)\b(?! \d)"
    r"|\b(?:l['\u2019]|cet )(?:article|extrait)\b(?! \d)"
    r"|\b(?:el|este|del|al) (?:texto|pasaje|artículo|documento|párrafo|fragmento)\b"
    r"(?! \d)"
    # Not "日本文化" nor "中文里".
    r"|(?:(?<!日)本|该|此|短)文(?!化|学|字|物)|(?:原|(?:^|[在\uff0c])上?)文[中里]"
    r"|(?:这|该|此|上)(?:段|篇)(?:文|短|材|段|话)|这(?:文本|文章)"
    r"|\A(?:[他她它该此]|这(?!样))"
    r"|(?:根据|按照|依据)(?:上|此|原)?(?:文本|文章|文中|文字|原文|短文|材料|段落)",
    re.IGNORECASE,
)
"""Speaks of the text, in the languages of the worked examples. A Chinese question that
begins with "it" or "this" speaks of it, too."""
_BARE_SUBJECT = re.compile(
    r"\b(he|she|it|they|him|her|his|hers|its|their|them|this|these|those)\b",
    re.IGNORECASE,
)
_ARTICLES = "the|der|die|das|le|la|les|el|los|las"
"""Definite articles that may begin a clause."""
_AFTER_ARTICLE = rf"\b(?:{_ARTICLES}|dem|den|im|vom|zum|zur|beim|du|au|aux|del|al)\s+"
_DEFINITE = re.compile(rf"{_AFTER_ARTICLE}(?P<noun>\w+)", re.IGNORECASE)
_DEFINITE_PHRASE = re.compile(
    _AFTER_ARTICLE + r"(?=(?P<words>\w[\w'\u2019-]*(?:\s+\w[\w'\u2019-]*){0,7}))",
    re.IGNORECASE,
)
_SUPERLATIVE = re.compile(r"(?:first|last|only|most|[a-z]{2,}est)\s+[a-z]")
"""An adjective that, with a name, says which one is meant: *the oldest clock in Avel*.
"""
_INDEFINITE = r"(?:an?|eine?[mnrs]?|une?|una)"
"""Indefinite articles, in the languages of the worked examples."""
_HEADING_WORDS = 16
"""Most words of a first line that counts as the heading of a text."""
_BY_LINE = re.IGNORECASE | re.MULTILINE
_STRETCHES = (
    (re.compile(f"[{HAN_AND_KANA}]"), 2),
    (re.compile(f"[{SOUTH_EAST_ASIAN}]"), 5),
)
"""Characters in a row that say as much as a word does in other scripts."""


def stands_alone(question: str, source: str = "") -> bool:
    """Return whether a question can be understood without its text.

    It must not speak of "the text", and a pronoun must have a name to refer to. If
    the text is given, the question must also name something of it: a word with a
    capital, a number, half of the words of its first line, or else four of its words;
    two, if the text has no names. And it must not take over a phrase such as "the film"
    that only its text explains, or names nothing but what its text describes ("the 2022
    Australian drama").
    """
    if _SELF_REFERENCE.search(question):
        return False
    of_question = matching.names(question)
    if _BARE_SUBJECT.search(question) and not any(map(_has_capital, of_question)):
        return False
    if not source:
        return True
    if _refers_back(question, source) or _only_describes(question, source):
        return False
    common = set(matching.words(" ".join(of_question))) & _names_of(source)
    heading = source.strip().partition("\n")[0]
    names_heading = matching.overlap(question, heading) >= 0.5
    n_required = 4 if matching.names(source) else 2
    is_specific = _n_shared_words(question, source) >= n_required
    return bool(common) or names_heading or is_specific


def _names_of(source: str) -> set[str]:
    """Return the words of a source that may be names or parts of names.

    Below a heading, a word that has its capital only at the beginning of sentences is
    none: "Principal photography began" names no film.
    """
    heading, _, body = source.strip().partition("\n")
    if not body.strip() or len(heading.split()) > _HEADING_WORDS:
        return set(matching.words(source))
    within = (matching.names(sentence.text) for sentence in sentences.of(body))
    return set(matching.words(" ".join([heading, *chain.from_iterable(within)])))


def _refers_back(question: str, source: str) -> bool:
    """Return whether a question has a definite noun that only its source explains.

    That noun, with a definite article, begins a clause of the source ("The film stars
    …"), and the question has no other word of the heading.
    """
    heading, _, body = source.strip().partition("\n")
    if not body.strip() or len(heading.split()) > _HEADING_WORDS:
        return False
    subject = set(matching.key_terms("", heading))
    of_question = set(matching.words(question))
    return any(
        not of_question & (subject - {noun.lower()})
        and re.search(
            rf"(?:^|[.!?,;:])\s*(?:{_ARTICLES})\s+{re.escape(noun)}\b", body, _BY_LINE
        )
        for noun in _common_nouns(question, subject, body)
    )


def _only_describes(question: str, source: str) -> bool:
    """Return whether a question names its subject by a description of its source only.

    The source introduces it with an indefinite article ("is a 2022 Australian drama").
    """
    heading, _, body = source.strip().partition("\n")
    if len(heading.split()) > _HEADING_WORDS:
        heading, body = "", source
    name = heading.partition(" (")[0]  # as in "Agra (2023 film)"
    if set(matching.key_terms("", name)) & set(matching.words(question)):
        return False
    return any(
        not matching.names(question.replace(phrase, ""))
        for phrase in descriptions(question, body)
    )


def descriptions(question: str, body: str) -> list[str]:
    """Return the definite phrases of a question by which a text describes something.

    It introduces them with an indefinite article ("is a 2022 Australian drama").
    """
    stops = stop_words.of(body)
    phrases = (
        _introduced(match["words"].split(), body, stops)
        for match in _DEFINITE_PHRASE.finditer(question)
    )
    return [phrase for phrase in phrases if phrase]


def _introduced(words: Sequence[str], body: str, stops: frozenset[str]) -> str:
    """Return the longest beginning of a phrase that a text has as a description.

    Its last word is a common noun; before it, after the indefinite article, are no stop
    words. Empty: there is none.
    """
    for n in range(len(words), 0, -1):
        if words[n - 1][0].islower() and words[n - 1].lower() not in stops:
            phrase = r"\s+".join(map(re.escape, words[:n]))
            pattern = rf"\b{_INDEFINITE}\s+((?:[\w'\u2019-]+\s+){{0,7}}?){phrase}\b"
            for match in re.finditer(pattern, body, re.IGNORECASE):
                if not stops & set(match[1].lower().split()):
                    return " ".join(words[:n])
    return ""


def _common_nouns(question: str, subject: set[str], body: str) -> Iterator[str]:
    """Yield the definite nouns of a question that may be no names.

    A noun with a capital may be a name ("the Moon"), and a superlative is no noun: with
    a name, its phrase needs no explanation. In German any noun has a capital, so
    there it must be the whole heading.
    """
    is_german = languages.of(body) == "de"
    has_name = bool(matching.names(question))
    for match in _DEFINITE.finditer(question):
        noun = match["noun"]
        if has_name and _SUPERLATIVE.match(question, match.start("noun")):
            continue
        if noun[0].islower() or (is_german and subject != {noun.lower()}):
            yield noun


def _has_capital(word: str) -> bool:
    return any(sign.isupper() for sign in word)


def _n_shared_words(question: str, source: str) -> int:
    """Return how many words a question shares with a text.

    In scripts without spaces, stretches of characters count as words.
    """
    for script, n in _STRETCHES:
        if signs := "".join(script.findall(question)):
            stretches = {signs[i : i + n] for i in range(len(signs) - n + 1)}
            return sum(stretch in source for stretch in stretches)
    terms = set(matching.words(question)) - stop_words.of(source)
    return len(terms & set(matching.words(source)))
