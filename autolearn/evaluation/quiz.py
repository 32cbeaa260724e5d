"""Evaluate a round: ask quiz and control questions before and after it, and compare.

Quiz questions are never trained on. Control questions ask about other things, which a
round must not make worse.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from autolearn.core.model_calls import Generation
from autolearn.core.ports import Journal
from autolearn.core.quiz_records import QuizMode, QuizResult
from autolearn.core.run_results import Score
from autolearn.evaluation import quiz_modes, scoring
from autolearn.evaluation.quiz_modes import QuizRequest
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.study.generation import Generator, of_type
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
        results += of_type(QuizResult, records)
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
    """Score one answer by the scorer of its question."""
    result = QuizResult(
        question.question.id,
        mode,
        model_output.answer(generation.completion.text),
        right=False,
        exact=False,
        f1=0.0,
        round_id=generation.model.round_id,
        truncated=generation.completion.finish == "length",
        generation=generation,
    )
    return scored(result, question)


def scored(result: QuizResult, question: QuizQuestion) -> QuizResult:
    """Return a result with the scores that its question gives it now."""
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
    results: Iterable[QuizResult], mode: QuizMode, ids: Container[int]
) -> dict[int, bool]:
    """Return whether each of some questions was answered right in a mode."""
    return {
        result.question_id: result.right
        for result in results
        if result.mode == mode and result.question_id in ids
    }


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


@dataclass(frozen=True)
class TrainedText:
    """A text that a round was trained on, with the passage that it is about."""

    text: str
    passage_id: int | None
    question: str = ""


def taught_ids(
    questions: Sequence[QuizQuestion], trained_texts: Iterable[TrainedText]
) -> set[int]:
    """Return the ids of the questions whose gold answer a round was trained on.

    A trained text counts if it holds the gold answer and is about the passage of the
    question; without a passage it must have the words of the question, too.
    """
    by_passage: defaultdict[int | None, list[TrainedText]] = defaultdict(list)
    for text in trained_texts:
        by_passage[text.passage_id].append(text)
    everything = [
        (text, set(matching.normalise(f"{text.question} {text.text}").split()))
        for texts in by_passage.values()
        for text in texts
    ]
    ids = set()
    for question in questions:
        place = question.question.passage_id
        words = matching.key_terms("", question.question.text)
        # Words are compared first: to look for the answers in all texts takes seconds.
        candidates = (
            by_passage[place]
            if place
            else [
                text for text, known in everything if words and known.issuperset(words)
            ]
        )
        if any(_tells_answer(text, question) for text in candidates):
            ids.add(question.question.id)
    return ids


def _tells_answer(text: TrainedText, question: QuizQuestion) -> bool:
    record = question.question
    golds = (record.gold_value or question.gold_answer, *record.aliases)
    return any(scoring.holds(text.text, gold) for gold in golds if gold.strip())
