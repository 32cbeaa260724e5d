"""Ask quiz and control questions, and score the answers.

Quiz questions are never trained on. Control questions ask about other things, which a
round must not make worse.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from autolearn.core.ports import Journal
from autolearn.core.quiz_records import QuizMode, QuizResult
from autolearn.core.run_results import Score
from autolearn.evaluation import quiz_modes, scoring
from autolearn.evaluation.quiz_modes import QuizAnswer, QuizRequest
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.study.generation import Generator, of_type

STEP = 64
"""Questions per committed step."""


def ask_questions(
    writer: Generator,
    journal: Journal,
    questions: Sequence[QuizQuestion],
    request: QuizRequest,
    name: str,
    progress: Callable[[int], None],
) -> list[QuizResult]:
    """Answer and score the questions; committed steps are read back.

    Open-book, questions without a passage are left out. ``name`` is the beginning of
    the names of the steps.
    """
    if request.mode == "open_book":
        questions = [q for q in questions if q.passage]
    results: list[QuizResult] = []

    def answer(part: Sequence[QuizQuestion]) -> list[QuizResult]:
        progress(len(results))  # not of steps that are read back
        return _answer(writer, part, request)

    for begin in range(0, len(questions), STEP):
        part = questions[begin : begin + STEP]
        records = journal.step(
            f"{name} {begin + 1}-{begin + len(part)}",
            partial(answer, part),
        )
        results += of_type(QuizResult, records)
        progress(len(results))
    return results


def _answer(
    writer: Generator, questions: Sequence[QuizQuestion], request: QuizRequest
) -> list[QuizResult]:
    answers = quiz_modes.answer(writer, questions, request)
    return [_score(answer, request.mode) for answer in answers]


def _score(answer: QuizAnswer, mode: QuizMode) -> QuizResult:
    """Score one answer by the scorer of its question."""
    question, generation = answer.question, answer.generation
    result = QuizResult(
        question.question.id,
        mode,
        answer.text,
        right=False,
        exact=False,
        f1=0.0,
        round_id=generation.model.round_id,
        truncated=generation.completion.finish in ("length", "overlong"),
        generation=generation,
    )
    return scored(result, question)


def scored(result: QuizResult, question: QuizQuestion) -> QuizResult:
    """Return a result, scored by its question as it is now."""
    record, gold = question.question, question.gold_answer
    return replace(
        result,
        right=question.is_right(result.text),
        exact=scoring.exact(record, result.text, gold),
        f1=scoring.f1(record, result.text, gold),
    )


def summarise(results: Iterable[QuizResult]) -> Score:
    """Return the mean scores; all zero without results."""
    rows = list(results)
    n = len(rows)
    if not n:
        return Score()
    return Score(
        n,
        sum(r.right for r in rows) / n,
        sum(r.exact for r in rows) / n,
        sum(r.f1 for r in rows) / n,
    )


def right_answers(
    results: Iterable[QuizResult], mode: QuizMode, questions: Mapping[int, QuizQuestion]
) -> dict[int, bool]:
    """Return whether each of some questions was answered right in a mode.

    Scored by the questions as they are given: an alias that was accepted between two
    quizzes counts for both.
    """
    return {
        result.question_id: questions[result.question_id].is_right(result.text)
        for result in results
        if result.mode == mode and result.question_id in questions
    }
