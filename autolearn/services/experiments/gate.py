"""Whether a round of an evolution is worth keeping."""

from autolearn.evaluation import quiz_sets
from autolearn.evaluation.paired_quizzes import QuizChange, change_between
from autolearn.store import Store


def keeps(store: Store, before_id: int, after_id: int, margin: float) -> bool:
    """Return whether a round is to be kept, by the quizzes before and after it."""
    before = store.runs.quiz_results(before_id)
    after = store.runs.quiz_results(after_id)
    quiz, control = (
        change_between(
            before, after, quiz_sets.measured(store, split, (before, after)).values()
        )
        for split in ("quiz", "control")
    )
    return passes(quiz, control, margin)


def passes(quiz: QuizChange, control: QuizChange, margin: float) -> bool:
    """Return whether a round is to be kept.

    It is if the quiz has improved and the control has not fallen by more than
    ``margin``; both closed-book, over the questions that both quizzes asked.
    """
    return quiz.change > 0 and control.change >= -margin
