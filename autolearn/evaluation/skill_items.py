"""The invented texts of the skill check, with gold questions and answers."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from autolearn.core.records import Passage, Question

_FILE = Path(__file__).with_name("skill_items.toml")

Style = Literal["plain", "news"]


@dataclass(frozen=True)
class SkillItem:
    """A gold question about a text; ``number`` is its index among all items."""

    number: int
    question: str
    value: str
    """The short value that a right answer contains."""
    sentence: str
    """The sentence of the text that answers the question."""
    answer: str
    """The right answer, a full sentence."""
    wrong: str
    """A wrong answer of the same kind, a full sentence."""


@dataclass(frozen=True)
class SkillText:
    """An invented text; ``number`` is its index among all texts."""

    number: int
    style: Style
    title: str
    sentences: tuple[str, ...]
    items: tuple[SkillItem, ...]

    @property
    def passage(self) -> Passage:
        """Return the text as a passage of a study."""
        body = " ".join(self.sentences)
        n = self.number + 1
        return Passage(n, 0, 0, len(body), body, 0, heading=self.title, id=n)

    def question_of(self, item: SkillItem) -> Question:
        """Return a gold question, of this or another text, asked about this text."""
        return Question(
            item.question, "study", "gold", self.passage.id, id=item.number + 1
        )


@cache
def texts() -> tuple[SkillText, ...]:
    """Return all texts, alternating between plain and newspaper style.

    Each step of the check therefore has both styles.
    """
    with _FILE.open("rb") as file:
        rows = tomllib.load(file)["text"]
    plain, news = ([r for r in rows if r["style"] == s] for s in ("plain", "news"))
    alternating = [row for pair in zip(plain, news, strict=True) for row in pair]
    return tuple(_text(number, row) for number, row in enumerate(alternating))


def _text(number: int, row: dict[str, Any]) -> SkillText:
    sentences, questions = tuple(row["sentences"]), row["question"]
    items = tuple(
        SkillItem(
            number * len(questions) + i,
            q["question"],
            q["value"],
            sentences[q["sentence"] - 1],
            q["answer"],
            q["wrong"],
        )
        for i, q in enumerate(questions)
    )
    return SkillText(number, row["style"], row["title"], sentences, items)
