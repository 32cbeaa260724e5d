"""Decide whether an answer to a quiz question is right, by the scorer of the question.

The reading of a final number and of a chosen option follows the evaluations of GSM8K,
SVAMP, ARC and MMLU: the answer after a mark counts, or else the last one.
"""

import re
from functools import lru_cache

from autolearn.core.gold import GoldQuestion
from autolearn.core.quiz_records import Scorer
from autolearn.core.records import Question
from autolearn.evaluation import numbers
from autolearn.evaluation.choices import LETTERS, chosen
from autolearn.text import matching, model_output

SCORERS: dict[Scorer, str] = {
    "contains": "the answer contains the gold value, or all that the gold answer says "
    "beyond the question",
    "exact": "the answer equals the gold answer except for case, punctuation, articles",
    "f1": "the words of the answer and of the gold answer have an F1 of 0.8 or more",
    "number": "the final number equals the gold number exactly",
    "choice": "the answer names the right option, by letter or text, and no other",
    "none": "the answer says that there is no answer",
}
"""The scorers, and when each calls an answer right."""
F1_RIGHT = 0.8
"""F1 from which an answer is right by the scorer ``f1``."""
_QUANTITY = re.compile(
    r"\bhow (?:many|much|far|long|old)\b|\btotal\b|\bsum\b|\bcost\b|\bwie ?viele?\b"
    r"|\bcombien\b|\bcuánt[oa]s?\b|多少|几个",
    re.IGNORECASE,
)
_LETTER_GOLD = re.compile(r"\(?([A-J])[).]?")
_NO_ANSWER = re.compile(
    r"\bunknown\b|\bunanswerable\b|\bno answer\b|\bnot known\b|\bno information\b"
    r"|\b(?:cannot|can't|can not) be (?:answered|determined|known|told)\b"
    r"|\b(?:not enough|insufficient) information\b"
    r"|\b(?:does not|doesn't|do not|don't) (?:say|state|mention|specify|provide|know)\b"
    r"|\bnot (?:stated|mentioned|specified|given)\b"
    r"|\bsagt es nicht\b|\bunbekannt\b|\bne (?:le )?dit pas\b|\bno lo dice\b"
    r"|没有说|不知道|未提及|没有提到",
    re.IGNORECASE,
)
"""Says that there is no answer, if a question has none. Of other questions it may be
the answer ("The author is unknown."), so ``model_output.is_not_stated`` asks more."""
_EITHER = re.compile(
    r"(\w+),?\s+(?:or|oder|ou|o|или|ή)\s+(?:(?:an?|the|der|die|das|le|la|el)\s+)?(\w+)"
)
"""The words between which a question lets choose."""
_FIRST_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)


@lru_cache(1 << 14)  # the page scores the answers of all rounds when it draws them
def is_right(question: Question, text: str, gold_answer: str) -> bool:
    """Return whether an answer is right by the scorer of its question.

    ``gold_answer``: that of the question, or the model's own open-book answer if the
    question has none. An empty answer is never right.
    """
    if not text.strip():
        return False
    if question.scorer == "none":
        return says_nothing(text)
    if question.scorer == "choice":
        return _chooses(question, text, gold_answer)
    golds = [question.gold_value or gold_answer, *question.aliases]
    if question.scorer == "number":
        return any(numbers.same_result(text, gold, question.text) for gold in golds)
    if question.scorer == "exact":
        return exact(question, text, gold_answer)
    if question.scorer == "f1":
        return f1(question, text, gold_answer) >= F1_RIGHT
    if question.gold_value is None or not question.gold_value.strip():
        golds = list(question.aliases)
        if _says_all(question.text, text, gold_answer):
            return True
    return any(_tells(text, gold) for gold in golds)


def exact(question: Question, text: str, gold_answer: str) -> bool:
    """Return whether an answer equals the gold answer or one of its aliases."""
    golds = _all_golds(question, gold_answer)
    return any(matching.exact_match(text, gold) for gold in golds)


def f1(question: Question, text: str, gold_answer: str) -> float:
    """Return the best F1 of an answer with the gold answer and its aliases, 0..1."""
    golds = _all_golds(question, gold_answer)
    return max(matching.token_f1(text, gold) for gold in golds)


def _all_golds(question: Question, gold_answer: str) -> tuple[str, ...]:
    """Return the right answers; an empty one equals no answer."""
    return gold_answer, question.gold_value or "", *question.aliases


def holds(text: str, value: str) -> bool:
    """Return whether a text contains a value: numbers as numbers, others as words."""
    if numbers.is_number(value) or numbers.is_in_words(value):
        return numbers.mentions(text, value)
    if matching.normalise(value):
        return matching.contains(text, value)
    return bool(value.strip()) and value.strip() in text


def says_nothing(text: str) -> bool:
    """Return whether an answer says that there is no answer."""
    is_none = text.strip().rstrip(".").lower() in ("none", "n/a")
    return (
        is_none
        or model_output.is_not_stated(text)
        or _NO_ANSWER.search(text) is not None
    )


def usual(gold: GoldQuestion) -> Scorer:
    """Return the scorer of an imported question that names none.

    A number is a result if the question asks for a quantity; a year is a fact.
    """
    value = gold.value or gold.answer
    if gold.choices or _LETTER_GOLD.fullmatch(value.strip()):
        return "choice"
    if not value.strip():
        return "none"
    if not numbers.is_number(value):
        return "contains"
    is_year = any(map(numbers.is_year, numbers.readings(value)))
    asks_quantity = _QUANTITY.search(gold.question) is not None
    return "number" if asks_quantity or not is_year else "contains"


def _tells(text: str, value: str) -> bool:
    """Return whether an answer gives a value; if it is worked out, as its result."""
    is_year = any(map(numbers.is_year, numbers.readings(value)))
    if numbers.is_number(value) and not is_year and numbers.is_worked(text):
        return numbers.same_result(text, value)
    return holds(text, value)


def _chooses(question: Question, text: str, gold_answer: str) -> bool:
    right = right_choice(question, gold_answer)
    index = chosen(text, question.choices)
    if index is not None:
        return index == right
    return any(matching.exact_match(text, alias) for alias in question.aliases)


def right_choice(question: Question, gold_answer: str) -> int | None:
    """Return the index of the right option."""
    letter = _LETTER_GOLD.fullmatch((question.gold_value or gold_answer).strip())
    if letter:
        return LETTERS.index(letter[1])
    texts = [matching.normalise(choice) for choice in question.choices]
    gold = matching.normalise(gold_answer)
    return texts.index(gold) if gold in texts else None


def _says_all(question: str, text: str, gold_answer: str) -> bool:
    """Return whether an answer says all that the gold answer adds to the question."""
    if numbers.is_number(gold_answer) or numbers.is_in_words(gold_answer):
        return _tells(text, gold_answer)
    if matching.agreement(question, text, gold_answer) == 1.0:
        return True
    if not matching.key_terms("", gold_answer):
        return _has_name_of_stop_words(text, gold_answer)
    if matching.key_terms(question, gold_answer) or not holds(text, gold_answer):
        return False
    if options := [word for pair in _EITHER.findall(question) for word in pair]:
        names = matching.words(" ".join([*options, *matching.names(question)]))
        others = set(names) - set(matching.words(gold_answer))
        return others.isdisjoint(matching.words(text))
    return not _only_repeats(question, text, gold_answer)


def _only_repeats(question: str, text: str, gold_answer: str) -> bool:
    """Return whether an answer has a gold answer only as its question has it.

    That is beside the same word: "Oxford University is in London." does not tell that
    Oxford University is in Oxford.
    """
    phrase = matching.words(gold_answer)
    asked = _neighbours(matching.words(question), phrase)
    told = _neighbours(matching.words(text), phrase)
    before, after = ({pair[side] for pair in asked} - {""} for side in (0, 1))
    return bool(told) and all(b in before or a in after for b, a in told)


def _neighbours(words: list[str], phrase: list[str]) -> list[tuple[str, str]]:
    """Return the words before and after each place of a phrase; empty at the ends."""
    padded, n = ["", *words, ""], len(phrase)
    return [
        (padded[i - 1], padded[i + n])
        for i in range(1, len(padded) - n)
        if padded[i : i + n] == phrase
    ]


def _has_name_of_stop_words(text: str, name: str) -> bool:
    """Return whether a text has a name such as WHO, The Who or It, as it is written.

    Only an abbreviation counts at the beginning of a sentence, where any word has a
    capital.
    """
    plain = _FIRST_ARTICLE.sub("", name.strip())
    if plain == plain.lower():
        return False
    is_abbreviation = plain.isupper() and len(plain) > 1
    before = r"(?<!\w)" if is_abbreviation else r"(?:[\w,;:)]\s+|[\"'“„«*_])"
    return re.search(rf"{before}{re.escape(plain)}(?!\w)", text) is not None
