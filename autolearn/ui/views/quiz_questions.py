"""The questions of quiz and control as they would be asked now."""

from collections.abc import Sequence

from autolearn.evaluation import quiz_sets
from autolearn.evaluation.paired_quizzes import PARTS, part_of
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store
from autolearn.text import matching
from autolearn.ui import html
from autolearn.ui.html import Html

EXCLUDE, INCLUDE = "exclude-", "include-"
"""How the keys of clicks begin; the id of the question follows."""
LIMIT = 50
"""Questions shown of each set; others are found by their words."""


def draw(store: Store, words: str) -> Html:
    """Return the questions that have some words, the newest first, set by set.

    Those of the model in use, and those that a person has excluded.
    """
    model = chosen_model(store).model
    known = [*quiz_sets.every_question(store), *quiz_sets.excluded(store)]
    questions = quiz_sets.for_model(model, known)
    if not questions:
        return html.note(
            "No question yet. Those that you add measure what a round has taught; no "
            "round is trained on them."
        )
    found = [q for q in questions if _has(q, matching.normalise(words).split())]
    if not found:
        return html.note("No question or answer has these words.")
    sets = {title: _of_part(found, part) for part, title in PARTS.items()}
    names = {d.id: d.name for d in store.library.document_sizes()}
    return html.join(
        _set(title, rows, names, is_open=title != PARTS["control"] or bool(words))
        for title, rows in sets.items()
        if rows
    )


def _has(question: QuizQuestion, words: Sequence[str]) -> bool:
    text = matching.normalise(f"{question.question.text} {question.gold_answer}")
    return all(word in text for word in words)


def _of_part(questions: Sequence[QuizQuestion], part: str) -> list[QuizQuestion]:
    rows = [question for question in questions if part_of(question) == part]
    return sorted(rows, key=lambda row: row.question.id, reverse=True)


def _set(
    title: str, rows: Sequence[QuizQuestion], names: dict[int, str], *, is_open: bool
) -> Html:
    heads = ("Question", "Expected answer", "Text", "")
    table = html.table(heads, [_row(row, names) for row in rows[:LIMIT]], title)
    if n_more := len(rows[LIMIT:]):
        table += html.note(f"{n_more:,} more; search for their words.")
    n_excluded = sum(row.question.excluded for row in rows)
    summary = f"{title}: {html.count(len(rows) - n_excluded, 'question')}"
    if n_excluded:
        summary += f", {n_excluded} excluded"
    return html.details(html.text(summary), table, is_open=is_open)


def _row(row: QuizQuestion, names: dict[int, str]) -> tuple[Html, ...]:
    question = row.question
    word, key = ("Include", INCLUDE) if question.excluded else ("Exclude", EXCLUDE)
    text = html.text(question.text)
    if question.excluded:
        text += html.text(" ") + html.badge("excluded", "gap")
    passage = row.passage
    name = names.get(passage.document_id, "deleted") if passage else ""
    turn = html.pick(
        html.text(word),
        f"{key}{question.id}",
        aria_label=f"{word}: {question.text}",
    )
    return text, html.text(row.gold_answer), html.text(name or html.DASH), turn
