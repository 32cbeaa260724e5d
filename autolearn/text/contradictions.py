"""Two pairs of question and answer that cannot both be right."""

from autolearn.text import matching, question_words

ALIKE = 0.6
"""Share of common words from which two questions ask the same."""
AGREE = 0.5
"""Agreement of two answers below which they say different things."""


def contradict(
    question: str, answer: str, other_question: str, other_answer: str
) -> bool:
    """Return whether two pairs ask the same and answer differently.

    Answers of numbers have to share one; others have to share half of what they add to
    the questions. Questions of different kinds (who, when) do not ask the same.
    """
    if question_words.first(question) != question_words.first(other_question):
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


def _added_numbers(question: str, answer: str) -> set[str]:
    of_both = (matching.numbers_of(matching.words(text)) for text in (answer, question))
    return set.difference(*of_both)
