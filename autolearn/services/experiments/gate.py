"""Whether a round of an evolution is worth keeping."""

from autolearn.core.experiments import EvolveSettings
from autolearn.core.records import QuizResult, Split
from autolearn.evaluation import gold_questions
from autolearn.services.experiments.tasks import Done
from autolearn.store import Store


def keeps(store: Store, settings: EvolveSettings, done: Done) -> bool:
    """Return whether the newest round is kept: see ``passes``."""
    quizzes = [run_id for task, run_id in done.items() if task.startswith("quiz")]
    before, after = (store.runs.quiz_results(run_id) for run_id in quizzes[-2:])
    return passes(store, before, after, settings.margin)


def passes(
    store: Store, before: list[QuizResult], after: list[QuizResult], margin: float
) -> bool:
    """Return whether a round is to be kept.

    It is if the quiz has improved and the control has not fallen by more than
    ``margin``; both closed-book, over the questions that both were asked.
    """
    return (
        _change(store, before, after, "quiz") > 0
        and _change(store, before, after, "control") >= -margin
    )


def _change(
    store: Store, before: list[QuizResult], after: list[QuizResult], split: Split
) -> float:
    ids = {q.question.id for q in gold_questions.questions(store, split)}
    rows = [
        {r.question_id: r.right for r in results if r.mode == "closed_book"}
        for results in (before, after)
    ]
    shared = ids & rows[0].keys() & rows[1].keys()
    if not shared:
        return 0.0
    return sum(rows[1][i] - rows[0][i] for i in shared) / len(shared)
