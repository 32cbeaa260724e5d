"""Number formats of Excel: the texts, currencies and scales that a value lacks.

Numbers keep all their digits, and are written without separators of thousands.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

LONGEST = 255
"""Most characters of a format in Excel."""

_DIGITS = r"(?:General|[0#?][0#?,.]*|\.[0#?]+)(?: ?[0#?]*/[0#?\d]+)?(?:[eE][+-][0#?]+)?"
"""Placeholders of digits, also of a fraction or a number with an exponent."""
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    r"|\[(?P<comparison><=|>=|<>|[<>=])(?P<bound>-?\d+(?:\.\d+)?)\]|\[[^\]]*\]|\*."
    rf"|(?P<gap>_.)|(?P<end>;)|(?P<digits>{_DIGITS})"
    r"|(?P<letter>[^\W\d_])|(?P<plain>.)",
    re.S,
)
_THOUSANDS = re.compile(r",+(?![0#?,])")
"""Commas after the last digit before the point: each divides by a thousand."""
_MINUSES = frozenset("-() ")
"""Signs of negative numbers, which the value has already."""
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "<>": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
Condition = tuple[str, float]
"""A comparison, and what a number is compared with."""
_NEGATIVE: Condition = ("<", 0)
_CONDITIONS: dict[int, tuple[Condition | None, ...]] = {
    1: (None,),
    2: ((">=", 0), _NEGATIVE),
    3: ((">", 0), _NEGATIVE, None),
}
"""The conditions of sections that name none, by the number of sections."""


@dataclass(frozen=True)
class _Section:
    """The part of a format for some numbers."""

    before: str = ""
    after: str = ""
    digits: str = "General"
    """The placeholders; empty if the text takes the place of the number."""
    n_percents: int = 0
    condition: Condition | None = None
    """Which numbers it is for; None if for all that no other section is for."""
    has_minus: bool = True
    """Whether a negative number needs a minus, since the texts do not say it."""

    @property
    def texts(self) -> tuple[str, str]:
        """Return what is before and after the digits."""
        return self.before, self.after

    @property
    def exponent(self) -> int:
        """Return the power of ten that numbers are multiplied with."""
        return 2 * self.n_percents - 3 * sum(map(len, _THOUSANDS.findall(self.digits)))

    @property
    def n_digits(self) -> int:
        """Return to how many digits numbers are filled up with zeros."""
        return len(self.digits) if set(self.digits) == {"0"} else 1

    @property
    def adds_something(self) -> bool:
        """Return whether it shows more than the value."""
        has_text = bool(set("".join(self.texts)) - _MINUSES)
        return has_text or self.exponent != 0 or self.n_digits > 1

    @property
    def hides_zero(self) -> bool:
        """Return whether it shows a dash or nothing for some numbers."""
        return "0" not in self.digits and not any(map(str.isalpha, "".join(self.texts)))

    def applies_to(self, number: float) -> bool:
        """Return whether it is for a number."""
        if self.condition is None:
            return True
        comparison, bound = self.condition
        return _COMPARE[comparison](number, bound)

    def write(self, number: float) -> str:
        """Return a number with the texts of the section."""
        if not self.digits:
            return self.before
        # Excel keeps 15 digits; further ones are errors of the binary representation.
        value = Decimal(f"{abs(number):.15g}").scaleb(self.exponent).normalize()
        minus = "-" if number < 0 and self.has_minus else ""
        digits = f"{value:f}".zfill(self.n_digits)
        return f"{minus}{self.before}{digits}{self.after}"


@dataclass(frozen=True)
class NumberFormat:
    """Writes numbers with what their format adds to them."""

    sections: tuple[_Section, ...]
    """The first that applies to a number is used; the last applies to all."""

    def write(self, number: float) -> str:
        """Return a number as its format shows it, with all its digits."""
        return next(s for s in self.sections if s.applies_to(number)).write(number)


def parse(code: str) -> NumberFormat | None:
    """Return how a format writes numbers; None if it adds nothing to them."""
    sections = _sections(code) if len(code) <= LONGEST else []
    if not any(section.adds_something for section in sections):
        return None
    conditions = _CONDITIONS[len(sections)]
    if len(sections) == 2 and sections[0].condition:
        conditions = None, None
    # A zero that is shown as a dash is written as a number.
    whole = [
        replace(sections[0], condition=s.condition) if s.hides_zero else s
        for s in sections
    ]
    complete = [
        _with_condition(section, section.condition or condition, whole)
        for section, condition in zip(whole, conditions, strict=True)
    ]
    return NumberFormat((*complete, _Section()))


def _sections(code: str) -> list[_Section]:
    """Return the sections of a format for numbers; none if it is for dates or texts."""
    parts: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(code):
        if token["end"]:
            parts.append([])
        else:
            parts[-1].append(token)
    of_numbers = [
        part for part in parts[:3] if not any(token["plain"] == "@" for token in part)
    ]
    if any(token["letter"] for part in of_numbers for token in part):
        return []
    return list(map(_section, of_numbers))


def _section(tokens: list[re.Match[str]]) -> _Section:
    texts, digits, n_percents = [""], "", 0
    condition: Condition | None = None
    for token in tokens:
        if token["digits"]:
            digits += token["digits"]
            texts.append("")
        elif token["comparison"]:
            condition = token["comparison"], float(token["bound"])
        else:
            names = ("quoted", "escaped", "currency", "plain")
            texts[-1] += " " if token["gap"] else "".join(token[n] or "" for n in names)
            n_percents += token["plain"] == "%"
    if not digits:  # words take the place of the number, a dash does not
        is_word = any(map(str.isalpha, texts[0]))
        word, digits = (texts[0].strip(" "), "") if is_word else ("", "#")
        return _Section(word, digits=digits, condition=condition)
    if "".join(texts[1:-1]).strip():
        texts = ["", ""]  # a number in groups, such as 000-00-0000
    before, after = texts[0].lstrip(" "), texts[-1].rstrip(" ")
    return _Section(before, after, digits, n_percents, condition)


def _with_condition(
    section: _Section, condition: Condition | None, sections: list[_Section]
) -> _Section:
    """Return a section with its condition, and whether its numbers need a minus."""
    comparison, bound = condition or ("", 0)
    is_negative = comparison in ("<", "<=") and bound <= 0
    others = [other.texts for other in sections if other is not section]
    says_minus = is_negative and any(section.texts) and section.texts not in others
    return replace(section, condition=condition, has_minus=not says_minus)
