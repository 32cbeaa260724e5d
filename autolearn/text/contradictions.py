"""Two pairs of question and answer that cannot both be right."""

import re

from autolearn.text import matching

ALIKE = 0.6
"""Share of common words from which two questions ask the same."""
AGREE = 0.5
"""Agreement of two answers below which they say different things."""
_KIND = re.compile(
    r"\b(who|whom|whose|when|where|why|how many|how much|how|which|what)\b",
    re.IGNORECASE,
)


def contradict(
    question: str, answer: str, other_question: str, other_answer: str
) -> bool:
    """Return whether two pairs ask the same and answer differently.

    Answers of numbers have to share one; others have to share half of what they add to
    the questions. Questions of different kinds (who, when) do not ask the same.
    """
    if _kind(question) != _kind(other_question):
        return False
    if matching.similarity(question, other_question) < ALIKE:
        return False
    numbers = (
        _added_numbers(question, answer),
        _added_numbers(other_question, other_answer),
    )
    if all(numbers):
        return not numbers[0] & numbers[1]
    there = matching.agreement(question, answer, other_answer)
    back = matching.agreement(other_question, other_answer, answer)
    return max(there, back) < AGREE


def _kind(question: str) -> str:
    word = _KIND.search(question)
    return word[1].lower() if word else ""


def _added_numbers(question: str, answer: str) -> set[str]:
    of_both = (matching.numbers_of(matching.words(text)) for text in (answer, question))
    return set.difference(*of_both)
