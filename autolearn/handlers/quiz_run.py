"""Ask the quiz and the control set, and store the scores with the round."""

from dataclasses import replace
from functools import partial

from autolearn.core.ports import Backend
from autolearn.core.run_results import QuizRunResult, Scores
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import StudySettings
from autolearn.evaluation import paired_quizzes, quiz, quiz_versions
from autolearn.evaluation.quiz_modes import QuizRequest
from autolearn.handlers.tracking import track_quiz
from autolearn.runs.context import RunContext
from autolearn.study.generation import Generator


def ask(context: RunContext, backend: Backend) -> QuizRunResult:
    """Ask the quiz and the control set in the modes of the run."""
    run_settings = QuizRunSettings.of(context.run)
    settings = run_settings.study or StudySettings()
    writer = Generator(backend, settings, context.stop, lambda _: None)
    scores: Scores = {}
    n_truncated = 0
    for split, mode in run_settings.parts:
        questions = quiz_versions.questions_of(context.store, run_settings, split)
        stage = f"{split}, {mode.replace('_', '-')}"
        results = quiz.ask_questions(
            writer,
            context.journal,
            questions,
            QuizRequest(
                mode, run_settings.votes or 0, context.store.library.passages_about
            ),
            stage,
            partial(context.report, stage, len(questions)),
        )
        n_truncated += sum(result.truncated for result in results)
        for part, of_part in paired_quizzes.by_part(questions, results).items():
            scores[part, mode] = quiz.summarise(of_part).rounded()
    result = QuizRunResult(scores, run_settings.version, n_truncated)
    if backend.identity.round_id is None:
        return result
    return _keep_with_round(context, backend.identity.round_id, result)


def _keep_with_round(
    context: RunContext, round_id: int, result: QuizRunResult
) -> QuizRunResult:
    """Add the scores to those of a round; return the result with notes on it."""
    context.store.rounds.add_scores(round_id, result.as_dict())
    return replace(result, notes=track_quiz(context, round_id, result.by_part_and_mode))
