"""Which quiz a round, or a quiz of a round, is compared with."""

from dataclasses import replace

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Round
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.runs import run_control
from autolearn.services import quiz_runs

MODEL, OTHER = ModelSettings("one"), ModelSettings("other")


def finished_quiz(store, model, mode="closed_book"):
    settings = QuizRunSettings(
        model=model, model_digest=f"digest of {model.model}", parts=(("quiz", mode),)
    )
    run = run_control.submit(store, settings)
    return store.runs.finish(run.id, "done")


def round_of(store, model):
    run = store.runs.create("train", {})
    identity = ModelIdentity(model.model, f"digest of {model.model}", "nf4", "", "")
    return store.rounds.create(Round("refined_sft", run.id, {}, identity), [])


def test_a_quiz_of_a_round_is_compared_with_the_base_of_its_own_model(store):
    base = finished_quiz(store, MODEL)
    finished_quiz(store, OTHER)
    run = finished_quiz(store, replace(MODEL, round_id=1))
    finished_quiz(store, MODEL)
    assert quiz_runs.base_quiz_before(store, run) == base


def test_without_a_base_quiz_of_its_own_model_there_is_none_to_compare_with(store):
    finished_quiz(store, OTHER)
    run = finished_quiz(store, replace(MODEL, round_id=1))
    assert quiz_runs.base_quiz_before(store, run) is None


def test_the_quiz_of_a_round_is_found_however_many_runs_are_newer(store):
    mine, other = round_of(store, MODEL), round_of(store, OTHER)
    base = finished_quiz(store, MODEL)
    for _ in range(1100):
        store.runs.create("chat", {})
    finished_quiz(store, MODEL, "open_book")
    assert quiz_runs.latest_quiz(store, mine, None) == base
    assert quiz_runs.latest_quiz(store, other, None) is None
    assert quiz_runs.latest_quiz(store, mine, mine.id) is None


def test_an_unfinished_quiz_is_not_compared_with(store):
    settings = QuizRunSettings(
        model=MODEL, model_digest="digest of one", parts=(("quiz", "closed_book"),)
    )
    run_control.submit(store, settings)
    assert quiz_runs.latest_quiz(store, round_of(store, MODEL), None) is None


def test_a_base_that_was_loaded_otherwise_is_none_to_compare_with(store):
    """Rounding to 4 bit changes answers as a round does."""
    finished_quiz(store, replace(MODEL, quantization="none"))
    run = finished_quiz(store, replace(MODEL, round_id=1))
    assert quiz_runs.base_quiz_before(store, run) is None
