"""The Evaluation tab: what a round changed, with its intervals; keep and roll back."""

from dataclasses import replace

import pytest

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Question, QuizResult, Round
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import statistics
from autolearn.models import files as model_files
from autolearn.runs.model_choice import chosen_model
from autolearn.services import actions, quiz_runs
from autolearn.study import prompts
from autolearn.ui.views import evaluation as views

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
MODEL = ModelSettings()
DIGEST = model_files.digest(model_files.BUILT_IN)


def one_round(store, parent_id=None):
    run = store.runs.create("train", {})
    identity = ModelIdentity("built-in", DIGEST, "nf4", "", "")
    new = Round(
        "join",
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
def asked(store):
    made = [
        Question(f"{HOSTILE} {i}?", split, "gold", gold_answer="In 1711.")
        for split in ("quiz", "control")
        for i in range(10)
    ]
    return store.library.add_questions(made)


def take(store, questions, right, round_id=None, *, open_book=False, prompt=None):
    """Keep a quiz in which so many of the first questions of each split are right."""
    modes = ["closed_book", "open_book"][: 1 + open_book]
    wanted = {
        "model": replace(MODEL, round_id=round_id).as_dict(),
        "model_digest": DIGEST,
        "parts": [["quiz", mode] for mode in modes],
    }
    if prompt:
        wanted["prompts"] = {"closed_book": prompt}
    run = store.runs.create("quiz", wanted)
    results = [
        QuizResult(q.id, mode, HOSTILE, i % 10 < right, False, 0.5, round_id)
        for mode in modes
        for i, q in enumerate(questions)
    ]
    store.journal(run.id).step("take", lambda: results)
    return store.runs.finish(run.id, "done")


def shown_of(store, round_id, before_id):
    return "".join(views.result(store, round_id, before_id))


def test_without_a_round_or_a_take_it_says_what_to_do(store, asked):
    assert "Train one first" in shown_of(store, 0, None)
    assert "Start one under Train" in views.rounds(store)
    made = one_round(store)
    shown = shown_of(store, made.id, None)
    assert "base model, round 1" in shown
    assert "Run the quiz" in shown
    store.runs.create("quiz", {})
    assert "is running" in shown_of(store, made.id, None)


def test_a_change_is_told_with_its_interval_and_every_flip(store, asked):
    made = one_round(store)
    take(store, asked, 2, open_book=True)
    take(store, asked, 9, made.id)
    found = quiz_runs.compare(store, made.id, None)
    assert (found.quiz.n, found.quiz.right_before, found.quiz.right_after) == (10, 2, 9)
    assert len(found.quiz.newly_right) == 7
    assert len(found.quiz.still_wrong) == 1
    assert found.scores.closed_book_after == 0.9
    shown = shown_of(store, made.id, None)
    assert "answers more quiz questions" in shown
    assert "+70 points" in shown
    assert "Newly right, quiz: 7" in shown
    assert "Wrong before and after, quiz: 1" in shown
    assert "0.0238" in shown
    for hostile in ("<img", "${", "{{"):
        assert hostile not in shown


def test_what_got_lost_is_said(store, asked):
    made = one_round(store)
    take(store, asked, 9)
    take(store, asked, 8, made.id)
    shown = shown_of(store, made.id, None)
    assert "not statistically significant" in shown
    assert "1 of 10 control answers is now wrong" in shown
    assert "Newly wrong, quiz: 1" in shown


def test_only_what_both_were_asked_counts(store, asked):
    made = one_round(store)
    take(store, asked[2:], 5)
    take(store, asked, 9, made.id)
    found = quiz_runs.compare(store, made.id, None)
    assert (found.quiz.n, found.left_out) == (8, 2)
    assert "2 questions were asked in one of the two runs only" in shown_of(
        store, made.id, None
    )


@pytest.mark.parametrize(
    ("before", "after", "warns"),
    [("a", "b", True), ("a", "a", False), (None, "b", False), (None, None, False)],
)
def test_quizzes_by_different_prompts_are_compared_with_a_warning(
    store, asked, before, after, warns
):
    made = one_round(store)
    take(store, asked, 2, prompt=before)
    take(store, asked, 9, made.id, prompt=after)
    assert quiz_runs.compare(store, made.id, None).prompt_differs == warns
    shown = shown_of(store, made.id, None)
    assert "answers more quiz questions" in shown
    assert ("prompt for closed-book answers changed" in shown) == warns


def test_a_round_can_be_compared_with_its_parent(store, asked):
    first = one_round(store)
    second = one_round(store, first.id)
    take(store, asked, 1, open_book=True)
    take(store, asked, 5, first.id)
    take(store, asked, 9, second.id)
    assert quiz_runs.compare(store, second.id, first.id).quiz.right_before == 5
    assert quiz_runs.compare(store, second.id, None).quiz.right_before == 1


def test_the_quiz_is_ordered_for_who_has_not_taken_it(store, asked):
    made = one_round(store)
    runs = quiz_runs.queue_quizzes(store, made.id, None)
    assert [run.settings["model"]["round_id"] for run in runs] == [None, made.id]
    assert ["quiz", "closed_book"] in runs[0].settings["parts"]
    take(store, asked, 3)
    assert len(quiz_runs.queue_quizzes(store, made.id, None)) == 1
    store.library.add_questions([Question("New?", "quiz", "gold", gold_answer="Yes.")])
    assert len(quiz_runs.queue_quizzes(store, made.id, None)) == 2


def test_a_quiz_by_another_prompt_is_taken_again(store, asked):
    made = one_round(store)
    take(store, asked, 2, open_book=True, prompt=prompts.load("closed_book").digest)
    assert len(quiz_runs.queue_quizzes(store, made.id, None)) == 1
    take(store, asked, 2, open_book=True, prompt="that of another version")
    assert len(quiz_runs.queue_quizzes(store, made.id, None)) == 2


def test_a_kept_round_is_worked_with_and_a_rolled_back_one_is_not(store):
    first = one_round(store)
    second = one_round(store, first.id)
    assert actions.keep(store, second.id).state == "kept"
    assert chosen_model(store).round_id == second.id
    assert actions.roll_back(store, second.id).state == "rolled_back"
    assert chosen_model(store).round_id == first.id
    actions.roll_back(store, second.id)
    assert chosen_model(store).round_id == first.id
    shown = views.rounds(store)
    assert "rolled back" in shown
    assert "0.0238" in shown


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
