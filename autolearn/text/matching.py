"""Compare texts: the scores of the quiz, and the agreement of two answers.

Normalisation, exact match and F1 follow the SQuAD evaluation (Rajpurkar et al.,
2016): lower case, no punctuation, no articles.
"""

import re
import string
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from autolearn.core.scripts import HAN_AND_KANA

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_QUOTES = "“”„«»‘’‚‹›–—…¿¡"  # noqa: RUF001
_WIDE_SIGNS = "。，、；：？！「」『』（）《》〈〉【】・"  # noqa: RUF001
_SIGNS = string.punctuation + _QUOTES + _WIDE_SIGNS
_PUNCTUATION = str.maketrans(dict.fromkeys(_SIGNS, " "))
_SENTENCE = re.compile(r"[^.!?\n]*[^.!?\s][^.!?\n]*[.!?]*")
_SELF_REFERENCE = re.compile(
    r"\b(the|this|that) (text|passage|document|article|excerpt|paragraph|section)\b"
    r"|\baccording to\b|\b(mentioned|described|stated) (above|here)\b",
    re.IGNORECASE,
)
_BARE_SUBJECT = re.compile(
    r"\b(he|she|it|they|him|her|his|hers|its|their|them|this|these|those)\b",
    re.IGNORECASE,
)
_DEFINITE = re.compile(
    r"\b(?:the|der|die|das|le|la|les|el|los|las)\s+(?P<noun>\w+)", re.IGNORECASE
)
_HEADING_WORDS = 16
"""Words up to which the first line of a text is taken for its heading."""
_BY_LINE = re.IGNORECASE | re.MULTILINE
_WITHOUT_SPACES = re.compile(f"[{HAN_AND_KANA}]")
_STOP_WORDS = frozenset(
    (  # noqa: SIM905 (a list of words reads best as a sentence)
        "a an the is are was were be been being am do does did has have had of in on "
        "at by to for from with as and or that which who whom whose it its he she his "
        "her him they their them this these those there when where what how year name "
        "named called answer text"
    ).split()
)


@dataclass(frozen=True)
class QuoteMatch:
    """Where a quote stands in a source, and how like it is, 0..1."""

    start: int
    end: int
    score: float


def normalise(text: str) -> str:
    """Return the text in lower case without punctuation, articles and extra space.

    In scripts without spaces each sign is a word, as in the evaluation of CMRC 2018.
    """
    plain = text.lower().translate(_PUNCTUATION)
    plain = _WITHOUT_SPACES.sub(r" \g<0> ", plain)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact_match(text: str, gold: str) -> bool:
    """Return whether two texts are equal once normalised."""
    return normalise(text) == normalise(gold)


def token_f1(text: str, gold: str) -> float:
    """Return the F1 of shared words, 0..1."""
    words, wanted = normalise(text).split(), normalise(gold).split()
    if not words or not wanted:
        return float(words == wanted)
    shared = (Counter(words) & Counter(wanted)).total()
    return 2 * shared / (len(words) + len(wanted))


def contains(text: str, value: str) -> bool:
    """Return whether the value stands in the text as whole words."""
    value = normalise(value)
    return bool(value) and f" {value} " in f" {normalise(text)} "


def key_terms(question: str, answer: str) -> list[str]:
    """Return the words of an answer that the question does not already give."""
    given = set(normalise(question).split())
    return [
        word
        for word in dict.fromkeys(normalise(answer).split())
        if word not in given and word not in _STOP_WORDS
    ]


def tells_something(text: str) -> bool:
    """Return whether a text has more than common words and signs."""
    return bool(key_terms("", text)) or bool(_WITHOUT_SPACES.search(text))


def agreement(question: str, answer: str, reference: str) -> float:
    """Return how much of what the reference tells the answer tells too, 0..1.

    Overlap of whole sentences says little where only a year differs, so the words
    that the question already gives do not count.
    """
    if exact_match(answer, reference):
        return 1.0
    terms = key_terms(question, reference)
    if not terms:
        return token_f1(answer, reference)
    told = set(normalise(answer).split())
    return sum(term in told for term in terms) / len(terms)


def supports(
    sentence: str, question: str, answer: str, *, faithful: bool = False
) -> bool:
    """Return whether a sentence bears out an answer.

    Of what the answer tells beyond the question, every name and number must stand
    in the sentence, and half of all words: the verb may well be another one. Of a
    ``faithful`` quote one word is enough, since its place is not in doubt, and a
    word is not taken for a name just because the answer begins with it.
    """
    terms = key_terms(question, answer)
    said = set(normalise(sentence).split())
    words = answer.split()
    if faithful and words[1:] and words[1].islower():
        words = words[1:]
    firm = {w for raw in words if _is_firm(raw) for w in normalise(raw).split()}
    borne_out = [term for term in terms if term in said]
    missing = firm & set(terms) - said
    needed = 1 if faithful else len(terms) / 2
    return bool(borne_out) and not missing and len(borne_out) >= needed


def similarity(one: str, other: str) -> float:
    """Return the share of words that two questions have in common, 0..1."""
    a, b = _bag(one), _bag(other)
    shared = sum(min(a[word], b[word]) for word in a.keys() & b.keys())
    return shared / (a.total() + b.total() - shared or 1)


@lru_cache(1 << 14)
def _bag(text: str) -> Counter[str]:
    """Return the words of a text; a quiz is compared with each question of a round."""
    return Counter(normalise(text).split())


def stands_alone(question: str, source: str = "") -> bool:
    """Return whether a question can be understood without its text.

    It must not speak of "the text", and a pronoun must have a name to refer to. Where
    the text is given, the question must also name something of it: a word with a
    capital, a number, half of the words of its first line, or else four of its words;
    two, in scripts without capitals, or where the text has no names. And it must not
    take over a phrase such as "the film" that only its text explains.
    """
    if _SELF_REFERENCE.search(question):
        return False
    names = _names(question)
    if _BARE_SUBJECT.search(question) and not any(map(_has_capital, names)):
        return False
    if not source:
        return True
    if _refers_back(question, source):
        return False
    told = set(normalise(source).split())
    known = {word for name in names for word in normalise(name).split()} & told
    heading = key_terms("", source.strip().partition("\n")[0])
    asked = set(normalise(question).split())
    is_headed = 2 * len(asked & set(heading)) >= len(heading) > 0
    least = 4 if _names(source) else 2
    return bool(known) or is_headed or _n_shared_words(question, source) >= least


def _refers_back(question: str, source: str) -> bool:
    """Return whether a question has a definite noun that only its source explains.

    That is a noun with a definite article that begins a clause of the source ("The
    film stars …"), in a question that has no other word of the heading.
    """
    heading, _, body = source.strip().partition("\n")
    if not body.strip() or len(heading.split()) > _HEADING_WORDS:
        return False
    subject = set(key_terms("", heading))
    asked = set(normalise(question).split())
    return any(
        not asked & (subject - {match["noun"].lower()})
        and re.search(rf"(?:^|[.!?,;:])\s*{re.escape(match[0])}\b", body, _BY_LINE)
        for match in _DEFINITE.finditer(question)
    )


def _names(text: str) -> list[str]:
    """Return the words that begin with a capital or are numbers, but for the first."""
    return [word for word in text.split()[1:] if _is_firm(word)]


def _has_capital(word: str) -> bool:
    return any(sign.isupper() for sign in word)


def _is_firm(word: str) -> bool:
    """Return whether a word begins with a capital or a digit, of any script."""
    first = word.lstrip(string.punctuation + _QUOTES)[:1]
    return first.isupper() or first.isdigit()


def _n_shared_words(question: str, source: str) -> int:
    """Return how many words, or pairs of signs, a question shares with a text."""
    terms = {word for word in normalise(question).split() if word not in _STOP_WORDS}
    if _WITHOUT_SPACES.search(question):
        signs = "".join(_WITHOUT_SPACES.findall(question))
        terms = {signs[i : i + 2] for i in range(len(signs) - 1)}
        return sum(pair in source for pair in terms)
    return len(terms & set(normalise(source).split()))


def find_quote(quote: str, source: str) -> QuoteMatch | None:
    """Return where a quote stands in a source, or the sentence most like it.

    White space does not matter. None: one of the two is empty.
    """
    words = quote.split()
    if not words or not source.strip():
        return None
    pattern = r"\s+".join(re.escape(word) for word in words)
    if match := re.search(pattern, source, re.IGNORECASE):
        return QuoteMatch(match.start(), match.end(), 1.0)
    return max(
        (_best_match(quote, match) for match in _SENTENCE.finditer(source)),
        key=lambda place: place.score,
        default=None,
    )


def _best_match(quote: str, sentence: re.Match[str]) -> QuoteMatch:
    matcher = SequenceMatcher(None, quote.lower(), sentence[0].strip().lower())
    lead = len(sentence[0]) - len(sentence[0].lstrip())
    start = sentence.start() + lead
    return QuoteMatch(start, start + len(sentence[0].strip()), matcher.ratio())
