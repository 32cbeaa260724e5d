"""Compare texts: the scores of the quiz, and the agreement of two answers.

Normalisation, exact match and F1 follow the SQuAD evaluation (Rajpurkar et al.,
2016): lower case, no punctuation, no articles. Numbers stay whole, and a text that
consists of articles only, such as the option "A", stays as it is.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from autolearn.core.scripts import (
    HAN_AND_KANA,
    HANGUL,
    SEMITIC,
    SENTENCE_MARKS,
    SOUTH_EAST_ASIAN,
)
from autolearn.text import stop_words

_ARTICLES = re.compile(r"\b(a|an|the)\b(?! *$|[+#])")
_ARTICLE_WORDS = frozenset(("a", "an", "the"))
_LAST_ARTICLE = re.compile(r"\b(a|an|the)$")
_ENDS = f".!?{SENTENCE_MARKS}"
_SENTENCE = re.compile(rf"[^{_ENDS}\n]*[^{_ENDS}\s][^{_ENDS}\n]*[{_ENDS}]*")
_PROCLITICS = "وفبكلושהבכלמ"
"""Letters that are words before a word in Arabic and Hebrew."""
_HAN_OR_KANA = re.compile(f"[{HAN_AND_KANA}]")
_SOUTH_EAST_ASIAN = re.compile(f"[{SOUTH_EAST_ASIAN}]")
_WITH_VOWEL_SIGNS = re.compile(rf"[{SOUTH_EAST_ASIAN}][^\w\s]*")
"""A South-East Asian letter and the signs above, below and after it."""
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!,?\d)")
_AFTER_NUMBER = re.compile(r"(?<=\d)(?=[^\W\d_])")
"""The place between a number and its unit, which many write without a space."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TAKES_PARTICLES = re.compile(f"[{HANGUL}{SEMITIC}]")
"""Scripts in which words such as "in" are part of the word beside them."""
_DECIMAL = re.compile(r"(?<![\d.,])(\d+)[.,](\d+)(?![.,]?\d)")
_KEPT = {
    ".": "\ue000",
    "+": "\ue001",
    "*": "\ue002",
    "/": "\ue003",
    "#": "\ue004",
    "-": "\ue005",
}
"""What stands for a sign that is not punctuation while punctuation is removed."""
_OPERATOR = re.compile(
    r"(?:[+*](?:(?<=[\d)].)|(?<=[\d)] .))(?= ?\(?\d)|/(?<=[\d)] .)(?= \(?\d))"
)
"""A sign between two numbers, as in "12 + 5"; a slash in a date has no spaces."""
_NAME_END = re.compile(r"\+\+(?<=\b[a-z]..)|[+#](?<=\b[a-z].)(?!\w)")
"""A sign that belongs to the letter before it: C++, C#, A+."""
_MINUS = re.compile(r"-(?<![\w)\]-].)(?<!\d .)(?=\d)")
"""The sign of a negative number; other hyphens join words, years and dates."""
_BRITISH = re.compile(r"\b((?:kilo|centi|milli)?met|(?:milli)?lit|cent|theat)re(s?)\b")


class _PlainCharacters(dict[int, str | int]):
    """Maps punctuation and currency signs to a space, other characters to themselves.

    A table for ``str.translate`` that is filled as characters occur.
    """

    def __missing__(self, code: int) -> str | int:
        sign = chr(code)
        category = unicodedata.category(sign)
        # SQuAD counts "$" as punctuation; £5 and €5 are numbers as much as $5 is.
        is_mark = sign in string.punctuation or category[0] == "P" or category == "Sc"
        self[code] = " " if is_mark else code
        return self[code]


_PLAIN = _PlainCharacters({ord(kept): sign for sign, kept in _KEPT.items()})


@dataclass(frozen=True)
class QuoteMatch:
    """The place of a quote in a source, and its similarity, 0..1."""

    start: int
    end: int
    score: float


def normalise(text: str) -> str:
    """Return the text in lower case without punctuation, articles and extra space.

    Chinese and Japanese signs are words, as in the evaluation of CMRC 2018. A last word
    is not an article ("Vitamin A").
    """
    plain = _plain(text)
    if not (plain.isascii() and plain.isprintable()) or "." in plain:
        return " ".join(_ARTICLES.sub(" ", plain).split())
    # Only letters, digits and single spaces: the same in a quarter of the time.
    *others, last = plain.split(" ")
    return " ".join([*(word for word in others if word not in _ARTICLE_WORDS), last])


def words(text: str) -> list[str]:
    """Return the words of a text by which it is compared with others.

    In scripts without spaces each character is a word. A number and what is written
    against it are two ("14km"). American and British spellings of units are alike.
    """
    plain = _AFTER_NUMBER.sub(" ", _as_american(normalise(text)))
    if not plain.isascii():
        plain = _WITH_VOWEL_SIGNS.sub(r" \g<0> ", plain)
    return plain.split()


def shared_words(query: str) -> Callable[[str], int]:
    """Return a function that counts the words which a text shares with ``query``."""
    of_query = set(words(query))
    return lambda text: len(of_query & set(words(text)))


def _plain(text: str) -> str:
    """Return the words of a text in lower case, with whole numbers."""
    # Most texts need few of these steps, and a round takes tens of thousands of texts.
    is_ascii = text.isascii()
    plain = text.lower() if is_ascii else unicodedata.normalize("NFKC", text).casefold()
    if "," in plain:
        plain = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), plain)
    if "," in plain or "." in plain:
        plain = _DECIMAL.sub(rf"\1{_KEPT['.']}\2", plain)
    plain = _with_kept_signs(plain.replace("\u2212", "-")).translate(_PLAIN)
    if not is_ascii:
        plain = _HAN_OR_KANA.sub(r" \g<0> ", plain)
    return " ".join(plain.split())


def _with_kept_signs(plain: str) -> str:
    """Return a text in which the signs that are no punctuation are replaced."""
    if any(sign in plain for sign in "+*/#"):
        plain = _OPERATOR.sub(lambda match: f" {_KEPT[match[0]]} ", plain)
        plain = _NAME_END.sub(
            lambda match: "".join(_KEPT[sign] for sign in match[0]) + " ", plain
        )
    return _MINUS.sub(_KEPT["-"], plain) if "-" in plain else plain


def exact_match(text: str, gold: str) -> bool:
    """Return whether two texts are equal once normalised.

    Texts of punctuation alone are compared as they are.
    """
    plain, plain_gold = normalise(text), normalise(gold)
    if not plain or not plain_gold:
        return text.strip() == gold.strip() != ""
    return _as_american(plain) == _as_american(plain_gold)


def _as_american(plain: str) -> str:
    """Return "metres" and the like as "meters": models write what they read most.

    Not in ``normalise``, by which texts are also searched.
    """
    return _BRITISH.sub(r"\1er\2", plain) if "re" in plain else plain


def token_f1(text: str, gold: str) -> float:
    """Return the F1 of shared words, 0..1."""
    bag, gold_bag = Counter(words(text)), Counter(words(gold))
    if not bag or not gold_bag:
        return float(exact_match(text, gold))
    return 2 * (bag & gold_bag).total() / (bag.total() + gold_bag.total())


def contains(text: str, value: str) -> bool:
    """Return whether the text contains the value as whole words.

    In scripts that join words, parts of words count: all of them if there are no
    spaces, and Korean, Arabic and Hebrew words with their particles.
    """
    is_letter = _LAST_ARTICLE.search(normalise(value))
    form = _plain if is_letter else normalise
    value, text = (
        _AFTER_NUMBER.sub(" ", _as_american(form(part))) for part in (value, text)
    )
    if not value:
        return False
    if f" {value} " in f" {text} ":
        return True
    if _SOUTH_EAST_ASIAN.search(value):
        return value.replace(" ", "") in text.replace(" ", "")
    pattern = re.escape(value)
    if re.search(f"[{HANGUL}]$", value):
        pattern = rf"{pattern}[{HANGUL}]{{0,4}}"
    elif re.match(f"[{SEMITIC}]", value):
        pattern = rf"[{_PROCLITICS}]{{0,3}}{pattern}"
    return re.search(rf"(?:^| ){pattern}(?: |$)", text) is not None


def key_terms(question: str, answer: str) -> list[str]:
    """Return the words of an answer that tell something beyond its question."""
    known_words = {*words(question), *stop_words.of(f"{question} {answer}")}
    return [word for word in dict.fromkeys(words(answer)) if word not in known_words]


def tells_something(text: str) -> bool:
    """Return whether a text has more than stop words and punctuation.

    Stop words that capitals show to be a name count, as in "WHO" and "The Who".
    """
    has_capitals = text.isupper() and len(normalise(text)) > 1
    return has_capitals or bool(key_terms("", text) or names(text))


def names(text: str) -> list[str]:
    """Return the words that begin with a capital or a digit, without the first word."""
    return [word for word in text.split()[1:] if _is_name(word)]


def agreement(question: str, answer: str, reference: str) -> float:
    """Return the share of the informative words of a reference in an answer, 0..1.

    Words of the question do not count: whole sentences that differ only in a year
    overlap almost completely. An answer without one of the numbers does not agree at
    all, whatever words it shares: 3 May 1931 is not 5 May 1931. What stands together in
    the reference, in a script without spaces, has to do so in the answer.
    """
    if exact_match(answer, reference):
        return 1.0
    parts = _parts(question, reference)
    if not parts:
        return token_f1(answer, reference)
    if numbers_of(parts) - numbers_of(words(answer)):
        return 0.0
    return _share(parts, answer)


def overlap(text: str, reference: str) -> float:
    """Return the share of the informative words of a reference in a text, 0..1.

    0 if it has none.
    """
    return _share(_parts("", reference), text)


def _share(parts: Sequence[str], text: str) -> float:
    text_parts = _all_parts(text)
    n_common = sum(_occurs(part, text_parts, text) for part in parts)
    return n_common / len(parts) if parts else 0.0


def _parts(question: str, reference: str) -> list[str]:
    """Return what a reference adds to a question, each part once.

    Words, of scripts without spaces signs that stand together: a single sign says
    little, and most letters of Thai occur in every question.
    """
    of_reference, terms = words(reference), set(key_terms(question, reference))
    plain = [w if w in terms and not _is_letter(w) else "" for w in of_reference]
    pairs = _pairs(plain)
    of_question = set(_triples(question))
    triples = [triple for triple in _triples(reference) if triple not in of_question]
    in_pairs = set("".join(pairs))
    singles = [word for word in plain if word and word not in in_pairs]
    return list(dict.fromkeys([*pairs, *triples, *singles]))


def _all_parts(text: str) -> set[str]:
    """Return all parts of a text, of the kinds that ``_parts`` returns."""
    of_text = words(text)
    return {*of_text, *_pairs(of_text), *_triples(text)}


def _pairs(signs: Sequence[str]) -> list[str]:
    """Return the pairs of Chinese and Japanese signs that stand together."""
    return [a + b for a, b in pairwise(signs) if _is_sign(a) and _is_sign(b)]


def _triples(text: str) -> list[str]:
    """Return the triples of South-East Asian letters that stand together."""
    if not _SOUTH_EAST_ASIAN.search(text):
        return []
    stretches = map(words, text.split())
    triples = (s[i : i + 3] for s in stretches for i in range(len(s) - 2))
    return ["".join(triple) for triple in triples if all(map(_is_letter, triple))]


def _is_sign(word: str) -> bool:
    return _HAN_OR_KANA.fullmatch(word) is not None


def _is_letter(word: str) -> bool:
    return _SOUTH_EAST_ASIAN.match(word) is not None


def numbers_of(normal_words: Iterable[str]) -> set[str]:
    """Return the numbers among words; see ``words``."""
    return {match[0] for word in normal_words if (match := _NUMBER.match(word))}


def _occurs(part: str, text_parts: set[str], text: str) -> bool:
    """Return whether a text has a part, alone or with particles attached to it."""
    if part in text_parts:
        return True
    return _TAKES_PARTICLES.search(part) is not None and contains(text, part)


def supports(
    sentence: str, question: str, answer: str, *, faithful: bool = False
) -> bool:
    """Return whether a sentence supports an answer.

    The sentence must contain every name and number that the answer adds to the
    question, and half of all words that it adds (the verb may differ). For a
    ``faithful`` quote one word is enough, since its place is certain, and the first
    word of the answer does not count as a name just because it has a capital.
    """
    parts, sentence_parts = _parts(question, answer), _all_parts(sentence)
    raw_words = answer.split()
    if faithful and raw_words[1:] and raw_words[1].islower():
        raw_words = raw_words[1:]
    names_of_answer = {
        word for raw in raw_words if _is_name(raw) for word in words(raw)
    }
    common_parts = {part for part in parts if _occurs(part, sentence_parts, sentence)}
    required_parts = {p for p in parts if p in names_of_answer or _NUMBER.match(p)}
    n_required = 1 if faithful else max(1, len(parts) / 2)
    return required_parts <= common_parts and len(common_parts) >= n_required


def begin_alike(word: str, other: str) -> bool:
    """Return whether two words may be forms of one ("release", "released").

    They begin with the same five letters, or one of four begins the other.
    """
    n = min(len(word), len(other), 5)
    return word == other or (n >= 4 and word[:n] == other[:n])


def similarity(question: str, other: str) -> float:
    """Return the share of words that two questions have in common, 0..1."""
    a, b = _bag(question), _bag(other)
    n_common = sum(min(a[word], b[word]) for word in a.keys() & b.keys())
    return n_common / (a.total() + b.total() - n_common or 1)


@lru_cache(1 << 14)
def _bag(text: str) -> Counter[str]:
    """Return the words of a text; cached, since questions are compared in pairs."""
    return Counter(words(text))


def _is_name(word: str) -> bool:
    """Return whether a word begins with a capital or a digit, of any script."""
    first = word.translate(_PLAIN).lstrip()[:1]
    return first.isupper() or first.isdigit()


def find_quote(quote: str, source: str) -> QuoteMatch | None:
    """Return the place of a quote in a source, or of the most similar sentence.

    White space does not matter. None: one of the two is empty.
    """
    quoted_words = quote.split()
    if not quoted_words or not source.strip():
        return None
    pattern = r"\s+".join(re.escape(word) for word in quoted_words)
    if match := re.search(pattern, source, re.IGNORECASE):
        return QuoteMatch(match.start(), match.end(), 1.0)
    return _most_similar(quote, source)


def _most_similar(quote: str, source: str) -> QuoteMatch | None:
    """Return the first of the sentences that are most similar to a quote."""
    # By default, difflib ignores all common letters in 200 characters or more.
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq1(quote.lower())
    best: QuoteMatch | None = None
    for match in _SENTENCE.finditer(source):
        sentence = match[0].strip()
        matcher.set_seq2(sentence.lower())
        least = best.score if best else -1.0
        if matcher.real_quick_ratio() > least and matcher.quick_ratio() > least:
            score = matcher.ratio()
            if score > least:
                start = match.start() + len(match[0]) - len(match[0].lstrip())
                best = QuoteMatch(start, start + len(sentence), score)
    return best
