"""The questions about facts that a study drops: why, and with which answer."""

from dataclasses import dataclass

from autolearn.core.model_calls import Generation
from autolearn.core.records import Passage, Skip
from autolearn.text import matching, model_output, sentences


@dataclass(frozen=True)
class DroppedQuestion:
    """A question about a passage that was dropped, with its answer in the text."""

    passage_id: int
    text: str
    answer: str


def question_and_answer(generation: Generation) -> tuple[str, str]:
    """Return the question that was written, and its answer; empty: there is none."""
    parts = model_output.parse_tags(generation.completion.text)
    return parts.get("question", ""), parts.get("answer", "").strip(" ,;:")


def as_skip(
    question: str, stretch: str, fault: str, passage: Passage, generation: Generation
) -> Skip:
    """Return the skip of a question about a part of a passage.

    Args:
        question: With its subject; empty: none was written.
        stretch: The part of the passage.
        fault: Why it is dropped, as a clause.
        passage: The passage.
        generation: What the model wrote.
    """
    about = f"about “{' '.join(stretch.split())}”"
    reason = f"No question {about} is kept: {fault}."
    if question:
        reason = f"{_named(question)} {about} is not kept: {fault}."
    return Skip("questions", reason, passage.id, None, generation)


def of_skip(skip: Skip, passage: Passage) -> DroppedQuestion | None:
    """Return the question that a skip, with its generation, is about.

    None: it is about none, or about one that is cut off or has no answer.
    """
    if skip.generation is None:
        return None
    question, answer = question_and_answer(skip.generation)
    if not sentences.is_question(question) or not matching.tells_something(answer):
        return None
    # A study may have put the heading before the question that the model wrote.
    for text in (f"{passage.heading}: {question}", question):
        if skip.reason.startswith(_named(text)):
            return DroppedQuestion(passage.id, text, answer)
    return None


def _named(question: str) -> str:
    return f"The question “{question}”"
