"""The proof: ask the quiz and the control before and after a round, and compare.

Quiz questions are never trained on. The control asks about other things, which a
round must not make worse.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from autolearn.core.model_calls import Generation
from autolearn.core.ports import Journal
from autolearn.core.records import Question, QuizMode, QuizResult
from autolearn.core.run_results import Score
from autolearn.study.answers import TextQuestion, open_book_requests
from autolearn.study.generation import GenerationRequest, Generator, of
from autolearn.text import matching, model_output

STEP = 64
"""Questions a step of the journal."""


@dataclass(frozen=True)
class QuizQuestion:
    """A question of quiz or control with its gold, and the passage that tells it."""

    question: Question
    gold_answer: str
    gold_value: str = ""
    passage: str | None = None


def ask_questions(
    writer: Generator,
    journal: Journal,
    questions: Sequence[QuizQuestion],
    mode: QuizMode,
    name: str,
    progress: Callable[[int], None],
) -> list[QuizResult]:
    """Answer and score the questions greedily; what is already kept is recalled.

    ``name`` is what the steps of the journal are called. Open-book, questions
    without a passage are left out.
    """
    if mode == "open_book":
        questions = [q for q in questions if q.passage]
    results: list[QuizResult] = []
    for begin in range(0, len(questions), STEP):
        part = questions[begin : begin + STEP]
        made = journal.step(
            f"{name} {begin + 1}-{begin + len(part)}",
            partial(_answer, writer, part, mode),
        )
        results += of(QuizResult, made)
        progress(len(results))
    return results


def _answer(
    writer: Generator, questions: Sequence[QuizQuestion], mode: QuizMode
) -> list[QuizResult]:
    requests = _requests(writer, questions, mode)
    return [score(one, mode, made) for one, made in writer.write(requests)]


def _requests(
    writer: Generator, questions: Sequence[QuizQuestion], mode: QuizMode
) -> list[GenerationRequest[QuizQuestion]]:
    if mode == "open_book":
        cases = [TextQuestion(q, q.passage or "", q.question.text) for q in questions]
        return open_book_requests(writer, cases)
    limit = writer.settings.answer_tokens
    return [
        writer.request("closed_book", q, {"question": q.question.text}, limit)
        for q in questions
    ]


def score(one: QuizQuestion, mode: QuizMode, generation: Generation) -> QuizResult:
    """Score one answer.

    It is right if the gold value stands in it; where no short value is given, if
    everything that the gold answer tells beyond the question stands in it.
    """
    raw = generation.completion.text
    text = model_output.answer(raw)
    right = (
        matching.contains(text, one.gold_value)
        if one.gold_value
        else matching.agreement(one.question.text, text, one.gold_answer) == 1.0
    )
    return QuizResult(
        one.question.id,
        mode,
        text,
        right=right,
        exact=matching.exact_match(text, one.gold_answer),
        f1=matching.token_f1(text, one.gold_answer),
        round_id=generation.model.round_id,
        generation=generation,
    )


def summarise(results: Iterable[QuizResult]) -> Score:
    """Return the mean scores; all zero for no results."""
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
    """Questions whose outcome a round changed, by their ids."""

    newly_right: tuple[int, ...]
    newly_wrong: tuple[int, ...]


def flips(before: Iterable[QuizResult], after: Iterable[QuizResult]) -> Flips:
    """Compare two takes of the same questions."""
    was = {result.question_id: result.right for result in before}
    now = {result.question_id: result.right for result in after}
    both = sorted(was.keys() & now.keys())
    return Flips(
        tuple(q for q in both if now[q] and not was[q]),
        tuple(q for q in both if was[q] and not now[q]),
    )


def gap_closed(before: float, after: float, open_book: float) -> float | None:
    """Return the share of the gap to the open-book bound that a round closed.

    None where the model knew closed-book all that it can read open-book.
    """
    if open_book <= before:
        return None
    return (after - before) / (open_book - before)


def studied(
    questions: Sequence[QuizQuestion], trained: Mapping[str, object] | Iterable[str]
) -> set[int]:
    """Return the ids of the questions whose gold answer a round was trained on.

    ``trained`` are the answers of its items; one counts if it tells the same as the
    gold answer, word for word once normalised.
    """
    told = {matching.normalise(text) for text in trained}
    return {
        one.question.id
        for one in questions
        if matching.normalise(one.gold_answer) in told
    }
