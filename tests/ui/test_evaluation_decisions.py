"""The evaluation: rounds are kept and rolled back, answers are accepted."""

import html
import re
from dataclasses import replace

import pytest

from autolearn.core.errors import InputError
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Question
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.services import quiz_actions, round_actions
from autolearn.store import QuestionFilter
from autolearn.ui.session import Session
from autolearn.ui.tabs import evaluation
from autolearn.ui.views import evaluation as views
from tests.support.evaluations import (
    HOSTILE,
    MODEL,
    compared,
    one_round,
    quiz_of,
    shown_of,
    take,
)


def test_a_kept_round_is_in_use_and_a_rolled_back_one_is_not(store):
    first = one_round(store)
    second = one_round(store, first.id)
    assert round_actions.keep(store, second.id).state == "kept"
    assert chosen_model(store).round_id == second.id
    assert round_actions.roll_back(store, second.id).state == "rolled_back"
    assert chosen_model(store).round_id == first.id
    round_actions.roll_back(store, second.id)
    assert chosen_model(store).round_id == first.id
    markup = views.rounds(store)
    assert "rolled back" in markup
    assert "0.0238" in markup


@pytest.mark.parametrize(
    ("action", "state"),
    [(round_actions.keep, "kept"), (round_actions.roll_back, "rolled_back")],
)
def test_a_quiz_that_ends_while_a_round_is_kept_does_not_lose_its_scores(
    store, monkeypatch, action, state
):
    """The round was written back whole, as it had been read before."""
    round_ = one_round(store)
    scores = {"gold_closed_book": {"n": 9, "right": 1.0, "exact": 1.0, "f1": 1.0}}

    def choose_as_a_quiz_ends(*_):
        store.rounds.add_scores(round_.id, scores)

    choose_model(store, replace(MODEL, round_id=round_.id))
    monkeypatch.setattr(round_actions, "choose_model", choose_as_a_quiz_ends)
    decided = action(store, round_.id)
    assert decided == replace(round_, state=state, scores=round_.scores | scores)


def test_the_round_that_was_shown_is_rolled_back(store):
    """A newer one ends between the sight of its result and the click."""
    session, first = Session(store.folder), one_round(store)
    panel, _, shown_id, *_ = evaluation._result(
        session, evaluation.NEWEST, evaluation.BASE
    )
    newer = one_round(store)
    assert f"Round {first.id}:" in panel
    assert evaluation._roll_back(session, shown_id).startswith(f"Round {first.id} is")
    assert store.rounds.get(first.id).state == "rolled_back"
    assert store.rounds.get(newer.id) == newer


def test_an_answer_can_be_accepted_and_then_counts_before_and_after(store):
    questions = store.library.add_questions(
        [Question(f"Who is {i}?", "quiz", "gold", gold_answer="Ada") for i in range(3)]
    )
    round_ = one_round(store)
    for round_id, text in ((None, "Bo"), (round_.id, "Countess Lum")):
        run = quiz_of(store, round_id)
        results = [
            QuizResult(q.id, "closed_book", text, False, False, 0.0, round_id)
            for q in questions
        ]
        store.journal(run.id).step("take", lambda rows=results: rows)
        store.runs.finish(run.id, "done")
    markup = shown_of(store, round_.id, None)
    assert markup.count("Accept the new answer as right") == 3
    version = quiz_actions.accept(store, questions[0].id, " Countess  Lum ")
    assert version.version == 2
    comparison = compared(store, round_.id).parts["gold"]
    assert (comparison.n, comparison.right_before, comparison.right_after) == (3, 0, 1)
    assert "Also right" in shown_of(store, round_.id, None)
    with pytest.raises(InputError, match="no question 99"):
        quiz_actions.accept(store, 99, "x")
    with pytest.raises(InputError, match="empty"):
        quiz_actions.accept(store, questions[0].id, "  ")


def test_the_answer_that_was_shown_is_accepted(store, questions):
    """A quiz that ends between the sight of an answer and the click changes nothing."""
    round_ = one_round(store)
    take(store, questions[:1], 0)
    take(store, questions[:1], 0, round_.id)
    shown = shown_of(store, round_.id, None)
    (key,) = re.findall(f'data-pick="({views.ACCEPT}.*?)"', shown)
    later = quiz_of(store, round_.id)
    result = QuizResult(1, "closed_book", "Nobody.", False, False, 0.0, round_.id)
    store.journal(later.id).step("take", lambda: [result])
    store.runs.finish(later.id, "done")
    assert "now version 2" in evaluation._accept(store, html.unescape(key))
    question = store.library.questions(QuestionFilter(split="quiz"))[0]
    assert question.aliases == (HOSTILE,)
