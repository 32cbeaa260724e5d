"""A whole round has stages, an end, and a result."""

import pytest

from autolearn.core.errors import JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Question, Round, TrainItem
from autolearn.core.run_results import RunResult, StudyResult, TrainResult
from autolearn.core.settings import ModelSettings
from autolearn.services import pipeline, round_progress
from autolearn.store.runs import Pace
from autolearn.ui import page
from autolearn.ui.session import Session
from autolearn.ui.views import guide, review, whole_round
from tests.support.texts import put_text
from tests.support.two_models import digest_of, finished_round, study

MODEL = ModelSettings()


def begun(store):
    put_text(store, "avel.md", "Avel was founded in 1711.")
    store.library.add_questions(
        [
            Question("When was it?", "quiz", "gold", gold_answer="1711"),
            Question("Is it so?", "control", "gold", gold_answer="Yes"),
        ]
    )
    run = pipeline.begin(store, MODEL)
    assert store.runs.claim(1, ["study"]).id == run.id
    return run


def end(store, run, result=None):
    result = result or RunResult()
    following = pipeline.queue_next(store, run, result)
    store.runs.finish(run.id, "done", None, result.as_dict())
    return following


def answered(store, run, n_right):
    """Keep the closed-book answers of a quiz, so many of them right."""
    questions = store.library.questions()

    def results():
        quiz_questions = [q for q in questions if q.split in ("quiz", "control")]
        return [
            QuizResult(q.id, "closed_book", "1711", i < n_right, i < n_right, 0.0)
            for i, q in enumerate(quiz_questions)
        ]

    store.journal(run.id).step("quiz", results)


def newest(store):
    progress = round_progress.newest(store)
    assert progress
    return progress


def test_without_a_whole_round_nothing_is_shown(store):
    study(store, MODEL)
    assert round_progress.newest(store) is None
    assert whole_round.draw(store) == ""


def test_the_strip_shows_the_stage_and_the_time_of_the_rest(store):
    run = begun(store)
    progress = newest(store)
    titles = [stage.title for stage in progress.stages]
    assert titles == ["Study", "Quiz before", "Train", "Quiz after"]
    assert progress.number == 1
    assert round_progress.seconds_left(store, progress) is None
    assert "Estimating" in whole_round.draw(store)
    store.runs.save_progress(run.id, Pace("questions", 1, 10, 1.0, 100.0))
    store.runs.beat(run.id)
    progress = newest(store)
    rest = round_progress.seconds_left(store, progress)
    assert rest
    assert rest == pytest.approx(100.0 * (1 + 0.3 + 0.7 + 0.3), abs=5)
    markup = whole_round.draw(store)
    assert "step 1 of 4" in markup
    assert "rough" in markup


def test_a_study_without_a_pace_is_not_taken_for_as_long_as_the_last_one(store):
    quiz = end(store, begun(store), StudyResult(samples=1))
    store.runs.finish(quiz.id, "cancelled")
    pipeline.begin(store, MODEL)
    progress = newest(store)
    assert progress.runs[0].kind == "study"
    assert round_progress.seconds_left(store, progress) is None


def test_the_rest_is_estimated_from_this_study_not_from_an_earlier_one(store):
    """After a short study, hours of training were shown as seconds until its end."""
    quiz = end(store, begun(store), StudyResult(samples=1))
    store.runs.finish(quiz.id, "cancelled")
    run = pipeline.begin(store, MODEL)
    store.runs.claim(1, ["study"])
    store.runs.save_progress(run.id, Pace("questions", 1, 10, 1.0, 100.0))
    rest = round_progress.seconds_left(store, newest(store))
    assert rest == pytest.approx(100.0 * (1 + 0.3 + 0.7 + 0.3), abs=5)


def test_the_quiz_before_the_first_round_does_not_show_what_it_learned(store):
    study(store, MODEL)
    quiz = end(store, begun(store), StudyResult(samples=1))
    assert store.runs.claim(1, ["quiz"]).id == quiz.id
    assert "See what it learned (to do)" in guide.draw(store)
    finished_round(store, MODEL)
    assert "See what it learned (in progress)" in guide.draw(store)


def test_the_review_says_that_a_rule_decides_the_rest(store):
    run = begun(store)
    study(store, MODEL, approve=False)
    assert review.BY_RULE in review.progress(store)
    store.runs.finish(run.id, "interrupted")
    assert review.BY_RULE not in review.progress(store)


def test_the_time_of_a_preparation_is_not_that_of_the_training(store):
    study(store, MODEL)
    before = end(store, begun(store), StudyResult(samples=1))
    store.runs.claim(1, ["quiz"])
    training = end(store, before)
    store.runs.claim(1, ["train"])

    def seconds_left(stage):
        store.runs.save_progress(training.id, Pace(stage, 1, 24, 1.0, 1000.0))
        return round_progress.seconds_left(store, newest(store)) or 0.0

    assert seconds_left("training") > 1000
    assert 0 < seconds_left("texts read again") < 500, "the study tells more"


def test_a_stopped_round_can_be_resumed_from_the_strip(store):
    run = begun(store)
    store.runs.finish(run.id, "failed", "No memory.")
    markup = whole_round.draw(store)
    assert f'data-pick="resume-{run.id}"' in markup
    assert "failed" in markup


def test_a_round_that_ends_early_says_why_and_offers_no_run_that_is_done(store):
    """Resume was offered, and answered that the run is done."""
    quiz = end(store, begun(store))
    store.runs.claim(1, ["quiz"])
    with pytest.raises(JobError) as refusal:
        pipeline.queue_next(store, quiz, RunResult())
    store.runs.finish(quiz.id, "done", str(refusal.value))
    markup = whole_round.draw(store)
    assert "The whole round ends here: There are no samples yet" in markup
    assert f"(run {quiz.id})" not in markup
    assert whole_round.RESUME not in markup
    assert f'data-pick="{whole_round.DISMISS}{quiz.id}"' in markup


def test_a_finished_round_shows_its_result_until_it_is_put_away(store):
    first = begun(store)
    samples = study(store, MODEL)
    before = end(store, first, StudyResult(samples=1))
    answered(store, before, 0)
    training = end(store, before)
    identity = ModelIdentity(MODEL.model, digest_of(MODEL), "nf4", "float32", "cpu")
    item = TrainItem("sft", (), "1711", sample_id=samples[0].id)
    round_ = store.rounds.create(
        Round("refined_sft", training.id, {}, identity, adapter="a"), [item]
    )
    after = end(store, training, TrainResult(round=round_.id))
    assert "step 4 of 4" in whole_round.draw(store)
    answered(store, after, 2)
    end(store, after)
    progress = newest(store)
    assert progress.is_done
    outcome = round_progress.outcome(store, progress)
    assert outcome
    assert outcome.n_learned == 1
    markup = whole_round.draw(store)
    assert "is finished" in markup
    assert "no change can be told from chance" in markup
    assert "0 % → 100 %" in markup
    assert "sample learned" in markup
    assert 'data-pick="tab-Chat"' in markup
    key = f"{whole_round.DISMISS}{after.id}"
    assert f'data-pick="{key}"' in markup
    page._press_strip(Session(store.folder), key)
    assert whole_round.draw(store) == ""
    # Pressed again on a page that was drawn before: a new round stays in sight.
    pipeline.begin(store, MODEL)
    page._press_strip(Session(store.folder), key)
    assert "step 1 of 4" in whole_round.draw(store)


def test_a_whole_round_that_is_resumed_is_shown(store):
    """It was hidden if it had been put away, or if another was begun after it."""
    run = begun(store)
    store.runs.finish(run.id, "cancelled")
    key = f"{whole_round.DISMISS}{run.id}"
    page._press_strip(Session(store.folder), key)
    assert whole_round.draw(store) == ""
    store.runs.requeue(run.id)
    assert "step 1 of 4" in whole_round.draw(store)
    store.runs.finish(run.id, "cancelled")
    later = pipeline.begin(store, MODEL)
    store.runs.finish(later.id, "cancelled")
    assert newest(store).runs == (store.runs.get(later.id),)
    store.runs.requeue(run.id)
    assert newest(store).runs == (store.runs.get(run.id),)


def test_stop_stops_the_run_that_was_shown_or_what_continues_it(store):
    first = begun(store)
    quiz = end(store, first)
    chat = store.runs.create("chat", {})
    page._stop(store, first.id)  # drawn before the study had ended
    assert store.runs.get(quiz.id).state == "cancelled"
    with pytest.raises(JobError, match="is cancelled; there is nothing to stop"):
        page._stop(store, quiz.id)
    assert store.runs.get(chat.id).state == "queued"
    page._stop(store, 0)
    assert store.runs.get(chat.id).state == "cancelled"
