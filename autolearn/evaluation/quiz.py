"""Evaluate a round: ask quiz and control questions before and after it, and compare.

Quiz questions are never trained on. Control questions ask about other things, which a
round must not make worse.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from autolearn.core.model_calls import Generation
from autolearn.core.ports import Journal
from autolearn.core.records import QuizMode, QuizResult
from autolearn.core.run_results import Score
from autolearn.evaluation import quiz_modes
from autolearn.evaluation.quiz_modes import QuizRequest
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.study.generation import Generator, of
from autolearn.text import matching, model_output

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
    for begin in range(0, len(questions), STEP):
        part = questions[begin : begin + STEP]
        records = journal.step(
            f"{name} {begin + 1}-{begin + len(part)}",
            partial(_answer, writer, part, request),
        )
        results += of(QuizResult, records)
        progress(len(results))
    return results


def _answer(
    writer: Generator, questions: Sequence[QuizQuestion], request: QuizRequest
) -> list[QuizResult]:
    return [
        score(question, request.mode, generation)
        for question, generation in quiz_modes.answer(writer, questions, request)
    ]


def score(question: QuizQuestion, mode: QuizMode, generation: Generation) -> QuizResult:
    """Score one answer.

    It is right if it contains the gold value. Without a short gold value, it must
    contain everything that the gold answer says beyond the question.
    """
    raw = generation.completion.text
    text = model_output.answer(raw)
    right = (
        matching.contains(text, question.gold_value)
        if question.gold_value
        else matching.agreement(question.question.text, text, question.gold_answer)
        == 1.0
    )
    return QuizResult(
        question.question.id,
        mode,
        text,
        right=right,
        exact=matching.exact_match(text, question.gold_answer),
        f1=matching.token_f1(text, question.gold_answer),
        round_id=generation.model.round_id,
        generation=generation,
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


@dataclass(frozen=True)
class Flips:
    """The ids of questions whose outcome a round changed."""

    newly_right: tuple[int, ...]
    newly_wrong: tuple[int, ...]


def flips(before: Iterable[QuizResult], after: Iterable[QuizResult]) -> Flips:
    """Compare two quiz runs with the same questions."""
    before_right = {result.question_id: result.right for result in before}
    after_right = {result.question_id: result.right for result in after}
    common_ids = sorted(before_right.keys() & after_right.keys())
    return Flips(
        tuple(q for q in common_ids if after_right[q] and not before_right[q]),
        tuple(q for q in common_ids if before_right[q] and not after_right[q]),
    )


def gap_closed(before: float, after: float, open_book: float) -> float | None:
    """Return the share of the gap to the open-book bound that a round closed.

    None where the model knew closed-book all that it can read open-book.
    """
    if open_book <= before:
        return None
    return (after - before) / (open_book - before)


def studied(
    questions: Sequence[QuizQuestion], answers: Mapping[str, object] | Iterable[str]
) -> set[int]:
    """Return the ids of the questions whose gold answer a round was trained on.

    An answer counts if it equals the gold answer after normalisation. ``answers`` are
    the answers of the items.
    """
    trained_answers = {matching.normalise(text) for text in answers}
    return {
        question.question.id
        for question in questions
        if matching.normalise(question.gold_answer) in trained_answers
    }
