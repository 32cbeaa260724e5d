"""The questions that an experiment is measured by, and how they are scored."""

import pytest

from autolearn.core.errors import JobError
from autolearn.core.experiments import EvolveSettings
from autolearn.core.records import Question
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.services import quiz_actions
from autolearn.services.experiments import evolution_tasks, reports, schedule
from autolearn.store import QuestionFilter
from tests.support.experiments import (
    ONE_ARM,
    PretendWorker,
    begun,
    comparing,
    comparison_report,
    evolution_report,
    gold,
)
from tests.support.texts import put_text


@pytest.fixture
def passages(store):
    """The passages of two documents, the first with a self-made question."""
    for name in ("a.md", "b.md"):
        put_text(store, name, f"{name} was founded in 1711.")
    ids = [passage.id for passage in store.library.passages()]
    own = Question("Own?", "quiz", "model", ids[0], gold_answer="7")
    store.library.add_questions([own])
    return ids


def test_gold_on_another_document_does_not_hide_a_self_made_quiz(store, passages):
    """No question was left, after all arms had been trained."""
    store.library.add_questions([gold("Gold?", "quiz", passages[1])])
    experiment, run = begun(store, comparing(store, **ONE_ARM))
    PretendWorker(store).end_all(run)
    report = comparison_report(store, experiment)
    assert report.result.n_quiz == 1
    assert not report.has_gold


def test_a_quiz_on_other_documents_alone_is_refused(library):
    first, second = (document.id for document in library.library.documents())
    settings = comparing(library, documents=(second,), placebo=(first,), **ONE_ARM)
    with pytest.raises(JobError, match="no quiz on these documents"):
        begun(library, settings)


@pytest.mark.parametrize(
    ("texts", "n_quiz", "told"),
    [
        (("Linked?",), 1, ""),
        (("Linked?", "Loose?"), 1, "was not asked 1 of 2 questions"),
        (("Loose?",), 1, "was asked nothing"),
    ],
)
def test_a_report_says_which_questions_have_no_passage_to_show(
    store, passages, texts, n_quiz, told
):
    """They counted for no arm, or the arm was not there, without a word."""
    places = {"Linked?": passages[0], "Loose?": None}
    store.library.add_questions([gold(t, "quiz", places[t]) for t in texts])
    settings = comparing(store, arms=("base", "passage", "refined_sft"), seeds=(0,))
    experiment, run = begun(store, settings)
    PretendWorker(store).end_all(run)
    report = comparison_report(store, experiment)
    values = reports.values(report)
    assert values["quiz_questions"] == n_quiz
    assert told in values["left_out"]
    assert bool(values["left_out"]) == bool(told)
    assert values["left_out"] in reports.fragment(report)


def test_a_report_stays_as_it_is_when_gold_is_added(store, passages):
    """The self-made questions that had been asked did not count any more."""
    experiment, run = begun(store, comparing(store, **ONE_ARM))
    PretendWorker(store).end_all(run)
    before = reports.values(comparison_report(store, experiment))
    assert before["quiz_questions"] == 1
    store.library.add_questions([gold("Gold?", "quiz", passages[0])])
    assert reports.values(comparison_report(store, experiment)) == before


def test_an_answer_that_is_accepted_meanwhile_counts_for_all_arms(library):
    """The base had been scored without it."""
    settings = comparing(library, seeds=(0,), arms=("base", "refined_sft"))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library, lambda round_id, question_id: False)
    while run.kind != "train":
        run = worker.end(run)
    question = library.library.questions(QuestionFilter(split="quiz"))[0]
    quiz_actions.accept(library, question.id, "text")
    worker.end_all(run)
    arms = comparison_report(library, experiment).result.arms
    assert [arm.quiz.value for arm in arms] == [1 / 8, 1 / 8]


def test_rows_of_an_evolution_are_over_the_questions_that_all_quizzes_asked(library):
    """A question that was added between two rounds counted for the later one."""
    library.library.add_questions([Question("Add 1.", "study", "person")])
    settings = EvolveSettings(
        ModelSettings(), StudySettings(), TrainSettings(), rounds=1
    )
    experiment = evolution_tasks.begin(library, settings)
    worker = PretendWorker(library)
    run = worker.end(schedule.advance(library, experiment.id))
    library.library.add_questions([gold("New?")])
    worker.end_all(run)
    rows = evolution_report(library, experiment).rows
    assert [row.n_quiz for row in rows] == [8, 8]
