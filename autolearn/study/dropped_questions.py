"""The questions about facts that a study drops: why, and with which answer."""

from dataclasses import dataclass

from autolearn.core.model_calls import Generation
from autolearn.core.records import Passage, Skip
from autolearn.text import matching, model_output, sentences

_NOT_KEPT = "” is not kept: "
"""Stands in the reason of a skip before the fault of its question."""


@dataclass(frozen=True)
class DroppedQuestion:
    """A question that was dropped, with what a person needs to judge it."""

    passage_id: int
    text: str
    answer: str
    fault: str
    """Why it was dropped, as a clause."""
    sentence: str
    """The sentence that it was made from; empty: it is not in the passage."""
    start: int
    """Where its answer begins in the sentence; -1: it is not there word for word."""


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
    flat = _flat(stretch)
    reason = f"No question about “{flat}” is kept: {fault}."
    if question:
        reason = f"{_beginning(question)}{flat}{_NOT_KEPT}{fault}."
    return Skip("questions", reason, passage.id, None, generation)


def of_skip(skip: Skip, passage: Passage) -> DroppedQuestion | None:
    """Return the question that a skip, with its generation, is about.

    None: it is about none, or about one that is cut off, has no answer, or gives its
    answer away.
    """
    if skip.generation is None:
        return None
    question, answer = question_and_answer(skip.generation)
    if not sentences.is_question(question) or not matching.tells_something(answer):
        return None
    if matching.contains(question, answer):
        return None
    # A study may have put the heading before the question that the model wrote.
    for text in (f"{passage.heading}: {question}", question):
        if skip.reason.startswith(_beginning(text)):
            rest = skip.reason.removeprefix(_beginning(text))
            stretch, _, fault = rest.partition(_NOT_KEPT)
            source = _source(passage, stretch, answer)
            return DroppedQuestion(
                passage.id, text, answer, fault.removesuffix("."), *source
            )
    return None


def _beginning(question: str) -> str:
    """Return how the reason of a skip begins; the part of the passage follows."""
    return f"The question “{question}” about “"


def _source(passage: Passage, stretch: str, answer: str) -> tuple[str, int]:
    """Return the sentence of a part of a passage, and where the answer begins in it."""
    for sentence in sentences.of(passage.text):
        flat = _flat(sentence.text)
        if stretch in flat:
            return flat, flat.find(answer, flat.index(stretch))
    return "", -1


def _flat(text: str) -> str:
    return " ".join(text.split())
