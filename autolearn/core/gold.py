"""Gold examples of reading comprehension, the data of a meta-skill round.

A gold example is a text with a question and its right answer by another author. A
corpus is the examples of one file, or those of the invented world.
"""

from dataclasses import dataclass, field
from typing import Literal

from autolearn.core.codec import EXTRA
from autolearn.core.quiz_records import Scorer

CorpusKind = Literal["squad", "texts", "pairs", "quiz", "feedback", "invented"]

KINDS: dict[CorpusKind, str] = {
    "squad": "SQuAD-style JSON",
    "texts": "texts, each with questions and answers",
    "pairs": "questions, each with its text",
    "quiz": "a quiz, with its texts",
    "feedback": "answers with feedback and refinement",
    "invented": "invented world",
}
"""The source of a corpus."""


@dataclass(frozen=True)
class GoldExample:
    """A question about a text with its right answer; once stored, part of a corpus."""

    text: str
    """Empty: the question is an instruction without a text."""
    question: str
    answer: str
    """As short as the source gives it; empty if the text does not state it."""
    title: str = ""
    sentence: str = ""
    """The answer as a full sentence, if the source has one."""
    evidence: str = ""
    """The sentence of the text that holds the answer, if the source says which."""
    answerable: bool = True
    """False: the text does not contain the answer."""
    response: str = ""
    """A wrong answer, with the feedback on it and the refinement, where the source has
    such (p, r, f, r_hat of arXiv 2310.00533); then ``question`` is the prompt."""
    feedback: str = ""
    refinement: str = ""
    corpus_id: int = 0
    id: int = 0


@dataclass(frozen=True)
class Corpus:
    """The gold examples of one source."""

    name: str
    digest: str
    """Of its examples: the same ones are not kept twice."""
    kind: CorpusKind
    licence: str = ""
    """The user's note on licence and origin."""
    n_examples: int = 0
    n_texts: int = 0
    n_refused: int = 0
    """Rows of the source that could not be read."""
    excluded: bool = False
    """Left out of the rounds that are queued from now on."""
    run_id: int | None = None
    """The import that added it."""
    id: int = 0


@dataclass(frozen=True)
class MetaExample:
    """A meta-skill example (p, r, f, r_hat) of SELF, imported or corrected."""

    prompt: str
    response: str
    feedback: str
    refinement: str
    passage: str = ""
    reference: str = ""
    sample_id: int | None = None
    title: str = field(default="", metadata=EXTRA)
    """The heading of the passage."""


@dataclass(frozen=True)
class GoldQuestion:
    """A quiz or control question with its gold, as imported."""

    question: str
    answer: str
    value: str = ""
    document: str = ""
    """Name of the document that contains the answer, if any."""
    passage: str = ""
    """The text that contains the answer, if the file has it."""
    scorer: Scorer | None = None
    """None: the usual one for such an answer."""
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
