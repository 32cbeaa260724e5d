"""Let the base model write questions of the form that a round teaches, for replay.

A round changes first what the model answers to questions of the same form: after facts
about films, *Who wrote Romeo and Juliet?* got the name of a director. What an instruct
model writes unprompted are mostly other things, such as requests for code, which do not
protect these answers. So it continues the first words of the round's questions, and
answers what it wrote.
"""

import random
import re
from collections.abc import Sequence

from autolearn.core.model_calls import Generation
from autolearn.core.scripts import QUESTION_END
from autolearn.study import prompts
from autolearn.study.generation import GenerationRequest, Generator, draw_seed
from autolearn.text import matching, sentences
from autolearn.training.replay import (
    ANSWER_TOKENS,
    PROMPT,
    more_confident,
    tells_more,
    write_non_empty,
)

DRAWS = 3
"""Draws per question needed: small models repeat themselves, and guess."""
QUESTION_TOKENS = 32
"""Most tokens of a question."""
CHARACTERS = 2
"""Characters that count as a word in scripts without spaces."""


def answer(
    writer: Generator, questions: Sequence[str], n: int, wordings: Sequence[str] = ()
) -> list[Generation]:
    """Return the base model's answers to ``n`` new questions, or fewer.

    They begin with one or two words of the given questions, but are neither one of them
    nor one of their other ``wordings``. Those with the most confident answers are kept,
    since a guess protects nothing, but none whose answer only repeats the question.

    Raises:
        Cancelled: The user stopped the run.
    """
    draws = range(DRAWS * n)
    need_mark = all(map(sentences.is_question, questions))
    texts = writer.part(0.0, 0.5).user_turns(
        [draw_seed(0, "similar question", draw) for draw in draws],
        QUESTION_TOKENS,
        [_opening(questions, draw) for draw in draws],
    )
    prompt = prompts.load(PROMPT)
    taught = {matching.normalise(text) for text in (*questions, *wordings)}
    requests = [
        GenerationRequest(text, prompt.render(question=text), ANSWER_TOKENS)
        for text in dict.fromkeys(map(_first_question, texts))
        if text
        and matching.normalise(text) not in taught
        and (sentences.is_question(text) or not need_mark)
    ]
    answered = [
        (text, generation)
        for text, generation in write_non_empty(writer.part(0.5, 1.0), requests)
        if tells_more(text, generation)
    ]
    return [generation for _, generation in more_confident(writer, answered, n)[:n]]


def _opening(questions: Sequence[str], draw: int) -> str:
    """Return the first word of one of the questions, or the first two.

    Without the subject before it (*Agra: Who directed the film?*): replay must not hold
    the model to its wrong beliefs about it.
    """
    question = random.Random(f"opening {draw}").choice(questions).rpartition(": ")[2]
    n, words = 1 + draw % 2, question.split()
    return " ".join(words[:n]) if len(words) > n else question[: n * CHARACTERS]


def _first_question(text: str) -> str:
    """Return a text up to its first question mark, or else its first line."""
    line = text.partition("\n")[0].strip()
    end = re.search(QUESTION_END, line)
    return line[: end.end()] if end else line
