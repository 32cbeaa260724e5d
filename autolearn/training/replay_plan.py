"""Decide what a round replays, before any of it is written.

The training writes what the plan says; the estimate of a round counts it.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil

from autolearn.core.records import Passage
from autolearn.core.settings import TrainSettings
from autolearn.metaskills.items import Skill
from autolearn.training.examples import ApprovedExample

READING = 1 / 16
"""Texts to read again per generated instruction, enough to preserve the skill. Of each,
its own question and that of another text are asked, and an answer is compared."""

CHECKING = 1 / 16
"""Questions without a text per generated instruction, enough to preserve the skill.
Their answers are checked and, where wrong, corrected."""


CRITIC: frozenset[Skill] = frozenset(("verdict", "feedback", "refine"))
"""Skills that belong together: new verdicts also change what is refined."""


@dataclass(frozen=True)
class RereadText:
    """A text of the round that the base model reads again."""

    passage: Passage
    question: str
    answer: str
    """The closed-book answer to the question."""
    other: str
    """The question of another text, which this one does not answer."""


@dataclass(frozen=True)
class ReplayPlan:
    """What the base model writes for the replay of a round."""

    n_instructions: int
    """How many it generates and answers."""
    questions: tuple[str, ...] = ()
    """Those of the round; see ``n_similar``."""
    wordings: tuple[str, ...] = ()
    """Other wordings of these, trained or held out for validation."""
    texts: tuple[RereadText, ...] = ()
    library_instructions: tuple[str, ...] = ()
    """Those of the library that it answers; it checks and corrects its answers."""
    n_checked: int = 0
    """Answers to generated instructions that it checks, if the library has too few."""
    excluded_skills: frozenset[Skill] = frozenset()
    """Skills that the round changes: replay would hold it to the old ones."""

    def n_similar(self, is_instruct: bool) -> int:
        """Return how many of the instructions are questions like those of the round.

        Half of them, if an instruct model writes them: what it asks itself freely is
        mostly something else, see ``training.similar_questions``.
        """
        return self.n_instructions // 2 if is_instruct and self.questions else 0


def plan(
    settings: TrainSettings,
    n_taught: int,
    examples: Sequence[ApprovedExample],
    instructions: Sequence[str],
    excluded_skills: frozenset[Skill] = frozenset(),
) -> ReplayPlan:
    """Return the replay of a round with ``n_taught`` items that teach.

    A round of meta-skills replays only generated instructions: it should change only
    how the model reads and checks. ``excluded_skills``: those that the round
    changes.
    """
    n = settings.n_replay(n_taught)
    if not settings.traits.teaches_facts:
        return ReplayPlan(n)
    candidates = (
        (
            Passage.alone(example.passage, example.heading),
            example.sample.prompt,
            example.closed_answer,
        )
        for example in examples
        if example.passage and example.sample.prompt and example.closed_answer
    )
    texts = texts_to_read(candidates, n)
    n_checked = 0 if excluded_skills & CRITIC else round(CHECKING * n)
    to_check = instructions_to_check(instructions, n_checked)
    questions = dict.fromkeys(example.sample.prompt for example in examples)
    wordings = chain.from_iterable(example.wordings for example in examples)
    return ReplayPlan(
        n,
        questions=tuple(questions),
        wordings=tuple(dict.fromkeys(wordings)),
        texts=tuple(texts),
        library_instructions=tuple(to_check),
        n_checked=n_checked - len(to_check),
        excluded_skills=excluded_skills,
    )


def n_readings(*, guided: bool) -> int:
    """Return how often a model answers from a text, or compares answers with it.

    Guided models compare nothing: they give verdicts as probabilities.
    """
    return 2 if guided else 3


def texts_to_read(
    candidates: Iterable[tuple[Passage, str, str]], n_replay: int
) -> list[RereadText]:
    """Return texts to read again, in proportion to the generated instructions.

    A round teaches the model to answer every question, so it forgets to say that a text
    does not have the answer. The question of another text preserves that (numbers:
    docs/lab-notes.md).

    Args:
        candidates: Passages with a question and its closed-book answer.
        n_replay: Number of generated instructions.
    """
    rows = list({row[0].text: row for row in candidates}.values())
    n = min(len(rows), ceil(READING * n_replay))
    sample = random.Random("to read").sample(rows, n)
    others = [question for _, question, _ in sample[1:] + sample[:1]]
    return [RereadText(*row, other) for row, other in zip(sample, others, strict=True)]


def instructions_to_check(instructions: Sequence[str], n: int) -> list[str]:
    """Return at most ``n`` instructions, which ask without a text."""
    return random.Random("to check").sample(instructions, min(len(instructions), n))
