"""A question of quiz or control, as it is asked."""

from dataclasses import dataclass

from autolearn.core.records import Question
from autolearn.text import matching


@dataclass(frozen=True)
class QuizQuestion:
    """A question of quiz or control with its gold answer and passage."""

    question: Question
    gold_answer: str
    gold_value: str = ""
    passage: str | None = None

    @property
    def is_solved(self) -> bool:
        """Return whether it is a word problem, whose answer is worked out."""
        gold = self.gold_value or self.gold_answer
        return self.passage is None and matching.is_number(gold)
