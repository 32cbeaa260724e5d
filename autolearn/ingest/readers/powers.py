"""Tell exponents from the marks of notes by what stands around them."""

import re

_FUNCTION = re.compile(
    r"(?<![^\W_])(?:(?:arc)?(?:sin|cos|tan|cot)h?|sec|csc|log|ln|lg)$"
)
_UNIT = re.compile(
    r"(?:\d\s?|/\s?|\bper\s)(?:milli|centi|deci|kilo|square\s)?"
    r"(?:met(?:er|re)s?|feet|foot|inch(?:es)?|yards?|miles?|seconds?|hours?)$",
    re.IGNORECASE,
)
"""A unit that is written out, after a number, a slash or "per"."""
_OPERATOR = re.compile(r"\s?[=+*/×÷·±−<>≤≥≈≠]")  # noqa: RUF001


def takes_exponent(before: str, after: str) -> bool:
    """Return whether a raised number between two texts is an exponent.

    It is after a function, a unit that is written out, and a number in a calculation.
    """
    if _FUNCTION.search(before) or _UNIT.search(before):
        return True
    return before[-1:].isdigit() and _OPERATOR.match(after) is not None
