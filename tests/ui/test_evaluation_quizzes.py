"""The evaluation: which quizzes are run, and what they ask."""

from dataclasses import replace

import pytest

from autolearn.core.errors import JobError
from autolearn.core.records import Question
from autolearn.core.run_settings import QuizRunSettings
from autolearn.evaluation import quiz_versions
from autolearn.services import actions, quiz_actions, quiz_runs, reading_actions
from autolearn.ui.views import evaluation as views
from tests.support.evaluations import DIGEST, MODEL, one_round, take
from tests.support.texts import put_passages


def test_the_quiz_is_ordered_for_who_has_not_taken_it(store, questions):
    round_ = one_round(store)
    runs = quiz_runs.queue_quizzes(store, round_.id, None)
    settings = [QuizRunSettings.of(run) for run in runs]
    assert [each.model.round_id for each in settings] == [None, round_.id]
    assert ("quiz", "closed_book") in settings[0].parts
    with pytest.raises(JobError, match="does exactly this and is queued"):
        quiz_runs.queue_quizzes(store, round_.id, None)  # the button, pressed twice
    store.runs.finish(runs[1].id, "cancelled")
    (run,) = quiz_runs.queue_quizzes(store, round_.id, None)
    for each in (runs[0], run):
        store.runs.finish(each.id, "cancelled")
    take(store, questions, 3)
    (run,) = quiz_runs.queue_quizzes(store, round_.id, None)
    store.runs.finish(run.id, "cancelled")
    store.library.add_questions([Question("New?", "quiz", "gold", gold_answer="Yes.")])
    assert len(quiz_runs.queue_quizzes(store, round_.id, None)) == 2


def test_a_base_that_was_not_asked_open_book_is_asked_again(store):
    """After the quiz of an evolution, open-book stayed unknown for its rounds."""
    (passage,) = put_passages(store, "a.md", ["Avel was founded in 1711."])
    question = Question("When?", "quiz", "gold", passage.id, gold_answer="In 1711.")
    questions = store.library.add_questions([question])
    first = one_round(store)
    second = one_round(store, first.id)
    take(store, questions, 0)
    take(store, questions, 0, first.id)
    assert len(quiz_runs.queue_quizzes(store, second.id, first.id)) == 1
    base, _ = quiz_runs.queue_quizzes(store, first.id, None)
    assert ("quiz", "open_book") in QuizRunSettings.of(base).parts
    for run in store.runs.in_state("queued"):
        store.runs.finish(run.id, "cancelled")
    take(store, questions, 0, open_book=True)
    assert len(quiz_runs.queue_quizzes(store, first.id, None)) == 1


def test_a_quiz_asks_only_about_documents_that_its_model_has_studied(store):
    """103 questions of the demo were asked beside the 8 about a user's own text."""
    own, other = (
        put_passages(store, name, [f"{name} was founded in 1711."])[0]
        for name in ("own.md", "other.md")
    )
    new = [
        Question(f"When {i}?", "quiz", "gold", passage_id, gold_answer="In 1711.")
        for i, passage_id in enumerate((None, own.id, other.id))
    ]
    questions = store.library.add_questions(new)
    round_ = one_round(store)

    def study(passage, digest=DIGEST):
        run = store.runs.create("study", {"model_digest": digest})
        question = Question("Who?", "study", "model", passage.id)
        store.journal(run.id).step("ask", lambda: [question])
        store.runs.finish(run.id, "done")

    def asked_by_both():
        """Queue the quizzes that are missing; return what each asks."""
        runs = quiz_runs.queue_quizzes(store, round_.id, None)
        for run in runs:
            store.runs.finish(run.id, "cancelled")
        return [
            quiz_versions.questions_of(store, QuizRunSettings.of(run), "quiz")
            for run in runs
        ]

    study(own, "another model")
    assert [len(asked) for asked in asked_by_both()] == [3, 3]
    study(own)
    assert [len(asked) for asked in asked_by_both()] == [2, 2]
    note = "Gold quiz: 2. 1 more is about documents that this model has not studied, "
    assert f"{note}such as other.md." in views.lock(store)
    take(store, questions[:2], 1, open_book=True)
    assert [len(asked) for asked in asked_by_both()] == [2], "the base is up to date"
    study(other)
    assert [len(asked) for asked in asked_by_both()] == [3, 3]
    assert "has not studied" not in views.lock(store)
    reading_actions.remove(store, own.document_id)
    reading_actions.remove(store, other.document_id)
    put_passages(store, "new.md", ["New was founded in 1711."])
    assert QuizRunSettings.of(actions.quiz(store, MODEL)).documents is None


def test_a_locked_quiz_asks_about_documents_that_were_not_studied_too(store):
    (passage,) = put_passages(store, "a.md", ["Avel was founded in 1711."])
    question = Question("When?", "quiz", "gold", passage.id, gold_answer="In 1711.")
    store.library.add_questions([question])
    (studied,) = put_passages(store, "b.md", ["Boro was founded in 1712."])
    run = store.runs.create("study", {"model_digest": DIGEST})
    own = Question("Who?", "study", "model", studied.id)
    store.journal(run.id).step("ask", lambda: [own])
    with pytest.raises(JobError, match="no quiz about what this model has studied"):
        actions.quiz(store, MODEL)
    quiz_actions.set_locked(store, locked=True)
    assert QuizRunSettings.of(actions.quiz(store, MODEL)).documents is None


def test_the_lock_is_shown_with_what_it_locks(store, questions):
    assert "Each run of the quiz freezes" in views.lock(store)
    quiz_actions.set_locked(store, locked=True)
    markup = views.lock(store)
    assert "Quiz version 1, locked. Gold quiz: 10, Control: 10" in markup
    assert "Unlock the quiz" in markup


def test_an_imported_quiz_is_shown_before_there_is_a_round(store):
    """Evaluation did not mention it, although the import said that it is asked."""
    assert "the quiz asks" not in views.lock(store)
    gold = Question("When was Avel founded?", "quiz", "gold", gold_answer="1711")
    store.library.add_questions([gold])
    told = "Gold quiz: 1. Once a round is trained, the quiz asks it and the base model."
    assert told in views.lock(store)


def test_a_base_that_was_loaded_otherwise_is_told_and_asked_again(store, questions):
    """The effect of rounding to 4 bit was shown as that of the round."""
    round_ = one_round(store)
    take(store, questions, 2, quantization="none")
    take(store, questions, 9, round_.id)
    panel, _ = views.result(store, round_.id, None)
    assert "quantisation" in panel
    runs = quiz_runs.queue_quizzes(store, round_.id, None)
    settings = [QuizRunSettings.of(run).model for run in runs]
    assert settings == [MODEL, replace(MODEL, round_id=round_.id)]
