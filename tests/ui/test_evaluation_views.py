"""The proof tab: what a round changed, told with its intervals; keep and roll back."""

from dataclasses import replace

import pytest

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Question, QuizMode, QuizResult, Round
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import statistics
from autolearn.models import files as model_files
from autolearn.runs.model_choice import chosen_model
from autolearn.services import actions, quiz_runs
from autolearn.ui.views import evaluation as views

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
MODEL = ModelSettings()
DIGEST = model_files.digest(model_files.BUILT_IN)


def one_round(store, parent_id=None):
    run = store.runs.create("train", {})
    identity = ModelIdentity("built-in", DIGEST, "nf4", "", "")
    new = Round(
        "refined_sft",
        run.id,
        {"model": MODEL.as_dict()},
        identity,
        parent_id,
        state="trained",
        adapter=f"adapters/round-{run.id}",
        scores={"forgetting_kl": 0.0238, "scale": 0.85, "validation": 0.9},
    )
    return store.rounds.create(new, [])


@pytest.fixture
def questions(store):
    questions = [
        Question(f"{HOSTILE} {i}?", split, "gold", gold_answer="In 1711.")
        for split in ("quiz", "control")
        for i in range(10)
    ]
    return store.library.add_questions(questions)


def take(store, questions, right, round_id=None, *, open_book=False):
    """Keep a quiz in which so many of the first questions of each split are right."""
    modes: list[QuizMode] = ["closed_book", "open_book"]
    del modes[1 + open_book :]
    settings = {
        "model": replace(MODEL, round_id=round_id).as_dict(),
        "model_digest": DIGEST,
        "parts": [["quiz", mode] for mode in modes],
    }
    run = store.runs.create("quiz", settings)
    results = [
        QuizResult(q.id, mode, HOSTILE, i % 10 < right, False, 0.5, round_id)
        for mode in modes
        for i, q in enumerate(questions)
    ]
    store.journal(run.id).step("take", lambda: results)
    return store.runs.finish(run.id, "done")


def shown_of(store, round_id, before_id):
    return "".join(views.result(store, round_id, before_id))


def test_without_a_round_or_a_take_it_says_what_to_do(store, questions):
    assert "Train one first" in shown_of(store, 0, None)
    assert "Start one under Train" in views.rounds(store)
    round_ = one_round(store)
    markup = shown_of(store, round_.id, None)
    assert "base model, round 1" in markup
    assert "Run the quiz" in markup
    store.runs.create("quiz", {})
    assert "is running" in shown_of(store, round_.id, None)


def test_a_change_is_shown_with_its_interval_and_every_flip(store, questions):
    round_ = one_round(store)
    take(store, questions, 2, open_book=True)
    take(store, questions, 9, round_.id)
    comparison = quiz_runs.compare(store, round_.id, None)
    assert comparison
    assert (
        comparison.quiz.n,
        comparison.quiz.right_before,
        comparison.quiz.right_after,
    ) == (10, 2, 9)
    assert len(comparison.quiz.newly_right) == 7
    assert len(comparison.quiz.still_wrong) == 1
    assert comparison.scores.closed_book_after == 0.9
    markup = shown_of(store, round_.id, None)
    assert "answers more quiz questions" in markup
    assert "+70 points" in markup
    assert "Newly right, quiz: 7" in markup
    assert "Wrong before and after, quiz: 1" in markup
    assert "0.0238" in markup
    for hostile in ("<img", "${", "{{"):
        assert hostile not in markup


def test_a_newly_wrong_control_answer_is_shown(store, questions):
    round_ = one_round(store)
    take(store, questions, 9)
    take(store, questions, 8, round_.id)
    markup = shown_of(store, round_.id, None)
    assert "not statistically significant" in markup
    assert "1 of 10 control answers is now wrong" in markup
    assert "Newly wrong, quiz: 1" in markup


def test_only_what_both_were_asked_counts(store, questions):
    round_ = one_round(store)
    take(store, questions[2:], 5)
    take(store, questions, 9, round_.id)
    comparison = quiz_runs.compare(store, round_.id, None)
    assert comparison
    assert (comparison.quiz.n, comparison.left_out) == (8, 2)
    assert "2 questions were asked in one of the two runs only" in shown_of(
        store, round_.id, None
    )


def test_a_round_can_be_compared_with_its_parent(store, questions):
    first = one_round(store)
    second = one_round(store, first.id)
    take(store, questions, 1, open_book=True)
    take(store, questions, 5, first.id)
    take(store, questions, 9, second.id)
    for before_id, right_before in ((first.id, 5), (None, 1)):
        comparison = quiz_runs.compare(store, second.id, before_id)
        assert comparison
        assert comparison.quiz.right_before == right_before


def test_the_quiz_is_queued_for_each_model_that_has_not_answered_it(store, questions):
    round_ = one_round(store)
    runs = quiz_runs.queue_quizzes(store, round_.id, None)
    assert [run.round_id for run in runs] == [None, round_.id]
    assert ("quiz", "closed_book") in QuizRunSettings.of(runs[0]).parts
    take(store, questions, 3)
    assert len(quiz_runs.queue_quizzes(store, round_.id, None)) == 1
    store.library.add_questions([Question("New?", "quiz", "gold", gold_answer="Yes.")])
    assert len(quiz_runs.queue_quizzes(store, round_.id, None)) == 2


def test_a_kept_round_is_in_use_and_a_rolled_back_one_is_not(store):
    first = one_round(store)
    second = one_round(store, first.id)
    assert actions.keep(store, second.id).state == "kept"
    assert chosen_model(store).round_id == second.id
    assert actions.roll_back(store, second.id).state == "rolled_back"
    assert chosen_model(store).round_id == first.id
    actions.roll_back(store, second.id)
    assert chosen_model(store).round_id == first.id
    markup = views.rounds(store)
    assert "rolled back" in markup
    assert "0.0238" in markup


def test_intervals_are_those_of_the_textbook():
    low, high = statistics.wilson(20, 32)
    assert (round(low, 3), round(high, 3)) == (0.453, 0.771)
    assert statistics.wilson(0, 0) == (0.0, 1.0)
    assert statistics.wilson(10, 10)[1] == pytest.approx(1)
    assert statistics.mcnemar(0, 0) == 1.0
    assert statistics.mcnemar(7, 0) == 2 / 2**7
    assert statistics.mcnemar(3, 3) == 1.0
    low, high = statistics.paired(7, 0, 10)
    assert 0 < low < 0.7 < high <= 1.0
