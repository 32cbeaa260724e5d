"""A question of quiz or control, as it is asked."""

from dataclasses import dataclass

from autolearn.core.records import Passage, Question
from autolearn.evaluation import numbers, scoring
from autolearn.evaluation.choices import LETTERS


@dataclass(frozen=True)
class QuizQuestion:
    """A question of quiz or control with its gold answer and passage."""

    question: Question
    gold_answer: str
    gold_value: str = ""
    passage: Passage | None = None

    @property
    def is_gold(self) -> bool:
        """Return whether a person or another author made it, not the model."""
        return self.question.origin in ("gold", "person")

    @property
    def is_solved(self) -> bool:
        """Return whether it is a word problem, whose answer is worked out.

        A number alone is none: "How many seats has the hall?" asks for a fact.
        """
        has_result = self.passage is None and self.question.scorer == "number"
        return has_result and numbers.is_word_problem(self.question.text)

    @property
    def prompt_text(self) -> str:
        """Return the question as it is asked, with its options."""
        lines = zip(LETTERS, self.question.choices, strict=False)
        options = [f"{letter}) {choice}" for letter, choice in lines]
        return "\n".join([self.question.text, *options])

    def is_right(self, text: str) -> bool:
        """Return whether an answer is right by the scorer of the question."""
        return scoring.is_right(self.question, text, self.gold_answer)
