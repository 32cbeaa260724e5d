"""When each prompt is used, and what to consider when it is changed."""

from dataclasses import dataclass
from typing import Literal

Way = Literal["guided", "trained", "any"]


@dataclass(frozen=True)
class Usage:
    """When a prompt is used."""

    purpose: str
    """The purpose of the prompt, as a sentence."""
    way: Way = "any"
    """By which protocols it is asked; ``guided`` includes ``taught``."""
    shows_examples: bool = False
    """Whether the guided protocol shows worked examples before it."""
    caution: str = ""
    """What to consider when it is changed; empty: nothing."""


_ROUNDS = "Rounds train on the version that is current when they start."
_TAG_NOTE = "The English labels before the colons are parsed; keep them."

USAGES = {
    "ask_sentence": Usage(
        "Asks for one question about one sentence of a passage.",
        "guided",
        shows_examples=True,
        caution=_TAG_NOTE,
    ),
    "stand_alone": Usage(
        "Asks for a self-contained version of a question that needs its passage.",
        "guided",
        shows_examples=True,
        caution=_TAG_NOTE,
    ),
    "ask": Usage(
        "Asks for a list of questions about a passage.", "trained", caution=_ROUNDS
    ),
    "open_book": Usage(
        "Asks for an answer with the passage in view, and the sentence that holds it.",
        shows_examples=True,
        caution=_TAG_NOTE,
    ),
    "sentence_question": Usage(
        "Finds the sentence that answers a question that was not made from one: the "
        "sentence that makes the question most likely. No text is generated.",
        "guided",
    ),
    "closed_book": Usage(
        "Asks for an answer from memory, in studies, quizzes and chats.",
        caution="Rounds are trained on it. After a change the replay prompts of a "
        "round are made again, and quizzes asked before and after cannot be compared.",
    ),
    "solve": Usage(
        "Asks for the solution of an instruction, step by step.",
        "guided",
        caution="Rounds on instructions are trained on it; see closed_book.",
    ),
    "self_instruct": Usage(
        "Asks for a new instruction like some that are shown.", "guided"
    ),
    "feedback": Usage(
        "Asks for a comparison of an answer from memory with the passage.",
        shows_examples=True,
        caution=_TAG_NOTE,
    ),
    "verdict": Usage(
        "Asks whether two answers say the same; the verdict is read as a probability.",
        "guided",
        shows_examples=True,
        caution="Its answer is one of the words “correct” and “incorrect”; keep them.",
    ),
    "mend": Usage(
        "Asks for a better answer in the light of the feedback.",
        "guided",
        shows_examples=True,
    ),
    "refine": Usage(
        "Asks for a better answer in the light of the feedback.",
        "trained",
        caution=_TAG_NOTE,
    ),
    "paraphrase": Usage("Asks for a question in other words.", shows_examples=True),
    "feedback_free": Usage(
        "Asks for a check of an answer without a text: instructions and chats.",
        caution=_TAG_NOTE,
    ),
    "refine_free": Usage(
        "Asks for a better answer without a text: instructions and chats.",
        caution=_TAG_NOTE,
    ),
    "statements": Usage(
        "Asks what a passage says and implies; rounds on raw text train on it."
    ),
}
"""By the name of the prompt, in the order of a study."""
