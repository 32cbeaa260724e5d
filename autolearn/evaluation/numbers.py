"""Read numbers in answers, in the notations of several languages, and exactly."""

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from math import prod

Readings = frozenset[Fraction]
"""The possible values of a number: "1.080" is 1.08, or 1080 in German."""
Numbers = list[tuple[int, Readings]]
"""The numbers of a text with the places where their digits begin."""

_SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SCALES_BESIDE_DIGITS = _SCALES | {
    "hundert": 10**2,
    "tausend": 10**3,
    "mille": 10**3,
    "mil": 10**3,
    "millions": 10**6,
    "millionen": 10**6,
    "millón": 10**6,
    "millones": 10**6,
    "milliard": 10**9,
    "milliards": 10**9,
    "milliarde": 10**9,
    "milliarden": 10**9,
    "billions": 10**9,
    "billionen": 10**12,
    "billones": 10**12,
}
"""Those of German, French and Spanish too; "Billion" is left English."""
_SMALL = (  # noqa: SIM905 (a list of words reads best as a sentence)
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_WORDS = {word: n for n, word in enumerate(_SMALL)} | {
    word: 10 * n for n, word in enumerate(_TENS, 2)
}
_BELOW_HUNDRED = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_SMALL[1:10])}))?"
    rf"|{'|'.join(_SMALL)})"
)
_SCALED = rf"(?:{_BELOW_HUNDRED}|a)(?:[- ](?:{'|'.join(_SCALES)}))+"
_IN_WORDS = re.compile(
    rf"\b(?:{_SCALED}(?:(?:,|\s+and)?\s+{_SCALED})*"
    rf"(?:(?:,|\s+and)?\s+{_BELOW_HUNDRED})?|{_BELOW_HUNDRED})\b",
    re.IGNORECASE,
)
"""A number in English words, as in "two hundred and five thousand"."""
_PRONOUN = re.compile(
    r"\b(?:no|any|every|some|each|which|this|that|the|another) one"
    rf"(?![- ](?:{'|'.join(_SCALES)}))\b"
    r"|(?<![-\w])(?<!ty )one (?:of|another|who|that|which|can|could|may|must|should)\b",
    re.IGNORECASE,
)
""""One" that counts nothing, as in "one of the founders"."""
_CALCULATION = re.compile(r"<<[^<>]*>>")
"""Annotations of GSM8K within a worked answer."""
_NUMBER = re.compile(
    r"(?<![A-Za-z\d_.,])(?P<sign>(?<![\w)\]])-)?(?:[$€£¥₹]\s?)?(?P<sign_after>-)?"
    r"(?P<body>\d+(?:[.,'\u2019]\d+)*)(?:\s?/\s?(?P<den>\d+)(?![\d/]))?"
    rf"(?P<scales>(?:\s+(?:{'|'.join(_SCALES_BESIDE_DIGITS)})\b)*)",
    re.IGNORECASE,
)
_BARE = re.compile(r"[-+]?\s?[$€£¥₹]?\s?[-+]?\d[\d.,'\u2019/]*\s?[%$€£¥₹]?\.?")
_DIGIT_GROUPS = re.compile(
    r"[1-9]\d{0,2}(?:(?:,\d{3})+(?:\.\d+)?|(?:['\u2019]\d{3})+(?:[.,]\d+)?)"
)
_GROUPED_BY_POINTS = re.compile(
    r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+"
)
_GROUPED_BY_SPACES = re.compile(
    r"(?<![\d.,'\u2019/])[1-9]\d{0,2}(?:[ \u00a0\u202f\u2009]\d{3})+(?![\d'\u2019/])"
)
_SUPERSCRIPTS = re.compile("[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_FRACTION_SIGN = re.compile(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])")
"""The place between the digits and the sign of "2½"."""
_MIXED = re.compile(r"(?<![\d.,'\u2019/])(\d{1,3}) (\d{1,2})/(\d{1,2})(?![\d/])")
"""A whole number and a fraction, as in "2 1/2"."""
_WIDE_SCALES = {"千": 10**3, "천": 10**3, "万": 10**4, "萬": 10**4, "만": 10**4}
_WIDE_SCALES |= {"亿": 10**8, "億": 10**8, "억": 10**8}
_WIDE_PART = re.compile(rf"(\d[\d,]*(?:\.\d+)?)([{''.join(_WIDE_SCALES)}]?)")
_WIDE_NUMBER = re.compile(
    rf"(?<![\d.,])(?:\d[\d,]*(?:\.\d+)?[{''.join(_WIDE_SCALES)}])+(?:\d[\d,]*)?"
)
"""A number with Chinese, Japanese or Korean scales, as in "1億2000万"."""
_MARK = re.compile(
    r"####|\\boxed\s*\{"
    r"|\b(?:answer|antwort|réponse|respuesta)\b[\s*_]*"
    r"(?:is|was|would be|should be|ist|lautet|est|es|[:=])(?!\s*(?:not|nicht|no|pas)\b)"
    r"|答案(?:是|为|:)",
    re.IGNORECASE,
)
_WORKING = re.compile(
    r"=|\b(?:so|therefore|thus|hence|then|total|left|altogether|remain(?:s|ing)?)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+|\n+")
_IN_A_YEAR = re.compile(
    r"\b(?:in|since|by|until|from|of|jahre?|seit|bis|von|ab|en|depuis|dès|l'an|année"
    r"|de|del|desde|hasta|año)\s+$",
    re.IGNORECASE,
)
_YEAR_SIGN = re.compile(r"\d+\s?[年년]")
_MULTIPLE = re.compile(
    r"\b(?:half|twice|thrice|double[ds]?|triple[ds]?|dozens?"
    r"|a (?:third|quarter|fifth|tenth))\b",
    re.IGNORECASE,
)
"""Matches a quantity that is given relative to another one."""

_YEARS = range(1000, 2101)
_OTHER_SIGNS = {0x2044: "/", 0x066B: ".", 0x066C: ","}
"""The slash of a fraction, and the separators of Arabic."""


def readings(text: str) -> Readings:
    """Return the possible values of a text that is a number; empty if it is none.

    A number in English words counts, if the text has nothing else.
    """
    if is_in_words(text):
        return _value_of_words(text)
    numbers = _numbers(_plain(text))
    return numbers[0][1] if len(numbers) == 1 else frozenset()


def is_year(value: Fraction) -> bool:
    """Return whether a value names a year more often than a quantity."""
    return value.denominator == 1 and value.numerator in _YEARS


def is_number(text: str) -> bool:
    """Return whether a text is a number and nothing else but a sign of its unit."""
    return bool(_BARE.fullmatch(_plain(text).strip())) and bool(readings(text))


def is_in_words(text: str) -> bool:
    """Return whether a text is a number in English words and nothing else."""
    return _IN_WORDS.fullmatch(text.strip()) is not None


def is_worked(text: str) -> bool:
    """Return whether a text works a number out, or marks it as its answer."""
    plain = _plain(text)
    return bool(_MARK.search(plain) or _WORKING.search(plain))


def mentions(text: str, number: str) -> bool:
    """Return whether a number occurs in a text, in digits or in English words."""
    wanted_values = readings(number)
    in_digits = [values for _, values in _numbers(_plain(text))]
    in_words = map(_value_of_words, _words_in(text))
    return any(wanted_values & values for values in (*in_digits, *in_words))


def is_word_problem(question: str) -> bool:
    """Return whether a question gives two or more quantities to calculate with.

    Those in English words and multiples such as "half" count, years alone do not.
    """
    plain = _plain(question)
    given = [
        values
        for place, values in _numbers(plain)
        if not _names_year(plain, place, values)
    ]
    n_in_words = len(_words_in(plain)) + len(_MULTIPLE.findall(plain))
    are_years = all(all(map(is_year, values)) for values in given)
    return len(given) + n_in_words > 1 and (n_in_words > 0 or not are_years)


def same_result(text: str, gold: str, question: str = "") -> bool:
    """Return whether the final number of an answer is that of the gold answer."""
    return bool(result(text, question) & result(gold))


def result(text: str, question: str = "") -> Readings:
    """Return the final number of an answer; empty if it has none.

    That is the number after the last answer mark ("####", "the answer is"). Without a
    mark it is the last number; of a plain statement, the last one that neither repeats
    the question nor names a year.
    """
    plain = _plain(text)
    marks = list(_MARK.finditer(plain))
    for mark in reversed(marks):
        line = plain[mark.end() :].strip().split("\n")[0]
        sentence = _SENTENCE_END.split(line)[0]
        if numbers := _numbers(sentence):
            return _of_equation(sentence) if "=" in sentence else numbers[0][1]
    numbers = _numbers(plain)
    if not numbers:
        return _in_words(plain)
    if len(numbers) == 1:
        return numbers[0][1]
    last = [part for part in _SENTENCE_END.split(plain) if _numbers(part)][-1]
    if "=" in last:
        return _of_equation(last)
    if _WORKING.search(plain):
        return _without_years(plain, numbers)[-1][1]
    return _stated_number(plain, _numbers(last), question)


def _stated_number(text: str, numbers: Numbers, question: str) -> Readings:
    """Return the number that a plain statement gives.

    ``numbers``: the numbers of its last sentence, which ends the text.
    """
    in_question = {values for _, values in _numbers(_plain(question))}
    last = _numbers(text)[-len(numbers) :]
    new = [row for row in last if row[1] not in in_question] or last
    return _without_years(text, new)[-1][1]


def _without_years(text: str, numbers: Numbers) -> Numbers:
    """Return the numbers that are not years ("in 1711"), or all if none is left."""
    quantities = [
        (place, values)
        for place, values in numbers
        if not _names_year(text, place, values)
    ]
    return quantities or numbers


def _names_year(text: str, place: int, values: Readings) -> bool:
    """Return whether the number at a place of a text is a year, as in "in 1711"."""
    return all(map(is_year, values)) and bool(
        _IN_A_YEAR.search(text[:place]) or _YEAR_SIGN.match(text, place)
    )


def _of_equation(sentence: str) -> Readings:
    """Return the number after the last sign of equality that one follows."""
    parts = sentence.split("=")
    for part in reversed(parts):
        if numbers := _numbers(part):
            return numbers[0][1] if part is not parts[0] else numbers[-1][1]
    return frozenset()


def _plain(text: str) -> str:
    """Return a text with plain digits, signs and separators of thousands."""
    text = _GROUPED_BY_SPACES.sub(lambda match: "'".join(match[0].split()), text)
    text = _FRACTION_SIGN.sub(" ", _SUPERSCRIPTS.sub("", _CALCULATION.sub("", text)))
    text = unicodedata.normalize("NFKC", text).translate(_OTHER_SIGNS)
    text = re.sub(r"[\u2212\u2012\u2013](?=[\d$€£¥₹])", "-", text)
    text = "".join(
        str(unicodedata.digit(sign)) if sign.isdigit() and not sign.isascii() else sign
        for sign in text
    )
    return _WIDE_NUMBER.sub(_without_scales, _MIXED.sub(_as_one_fraction, text))


def _as_one_fraction(mixed: re.Match[str]) -> str:
    """Return "5/2" for "2 1/2"; what follows a whole number may be no part of it."""
    whole, numerator, denominator = map(int, mixed.groups())
    if not 0 < numerator < denominator:
        return mixed[0]
    return f"{whole * denominator + numerator}/{denominator}"


def _without_scales(number: re.Match[str]) -> str:
    """Return "120000000" for "1億2000万"."""
    parts = _WIDE_PART.findall(number[0])
    values = [Decimal(n.replace(",", "")) * _WIDE_SCALES.get(s, 1) for n, s in parts]
    return f"{sum(values):f}"


def _numbers(text: str) -> Numbers:
    """Return the numbers of a text with their places."""
    numbers = []
    for match in _NUMBER.finditer(text):
        words = match["scales"].lower().split()
        scale = prod(_SCALES_BESIDE_DIGITS.get(word, 1) for word in words)
        sign = -1 if match["sign"] or match["sign_after"] else 1
        place = match.start("body")
        denominator = int(match["den"] or 1)
        bodies = _bodies(match["body"])
        if not denominator:
            continue
        if match["den"] and _is_date(text[:place], match["body"], denominator):
            bodies.append(frozenset({Fraction(denominator)}))
        if len(bodies) > 1 or denominator == 1:
            values = [frozenset(sign * v * scale for v in body) for body in bodies]
        else:
            values = [frozenset(sign * v * scale / denominator for v in bodies[0])]
        numbers += [(place, readings) for readings in values]
    return numbers


def _is_date(before: str, body: str, denominator: int) -> bool:
    """Return whether a slash separates parts of a date or a season.

    As in 3/4/1931, 04/1931 and 1931/32.
    """
    if before.endswith("/") or not body.isdigit():
        return before.endswith("/")
    n = int(body)
    is_month = n <= 12 and denominator in _YEARS
    is_season = n in _YEARS and denominator in (n + 1, (n + 1) % 100)
    return is_month or is_season


def _bodies(body: str) -> list[Readings]:
    """Return the readings of digits with separators; several for a list or a date."""
    if _DIGIT_GROUPS.fullmatch(body):
        plain = re.sub("['\u2019]", "", body)
        # After groups of another kind, a comma is the decimal one.
        point = "" if plain == body else "."
        return [frozenset({Fraction(plain.replace(",", point))})]
    if _GROUPED_BY_POINTS.fullmatch(body):
        return [frozenset({Fraction(body.replace(".", "").replace(",", "."))})]
    parts = re.split(r"[.,'\u2019]", body)
    if len(parts) == 1:
        return [frozenset({Fraction(body)})]
    if len(parts) == 2 and not re.search("['\u2019]", body):
        decimal = Fraction(body.replace(",", "."))
        by_points = re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", body)
        return [
            frozenset({decimal, Fraction("".join(parts))} if by_points else {decimal})
        ]
    return [frozenset({Fraction(part)}) for part in parts]


def _in_words(text: str) -> Readings:
    """Return the last number that is written in English words."""
    numbers = _words_in(text)
    return _value_of_words(numbers[-1]) if numbers else frozenset()


def _words_in(text: str) -> list[str]:
    """Return the numbers in a text that are written in English words."""
    numbers: list[str] = _IN_WORDS.findall(_PRONOUN.sub(" ", text))
    return numbers


def _value_of_words(words: str) -> Readings:
    """Return the value of a number in English words."""
    total = below_scale = 0
    for word in re.findall("[a-z]+", words.lower()):
        if word == "hundred":
            below_scale *= 100
        elif word in _SCALES:
            total, below_scale = total + below_scale * _SCALES[word], 0
        elif word != "and":
            below_scale += 1 if word == "a" else _WORDS[word]
    return frozenset({Fraction(total + below_scale)})
