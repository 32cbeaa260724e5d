"""The retention matrix: what later rounds keep of earlier documents."""

from dataclasses import replace

import pytest

from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Question, Sample, TrainItem
from autolearn.core.settings import ModelSettings
from autolearn.services import quiz_actions, retention
from autolearn.ui.views import evaluation as views
from tests.support.rounds import one_round, own_digest
from tests.support.texts import put_text

MODEL = ModelSettings()


@pytest.fixture
def library(store):
    """Two documents, with two quiz questions about each and one about neither."""
    for name in ("a.md", "b.md"):
        put_text(store, name, f"{name} was founded in 1711.")
    passages = [passage.id for passage in store.library.passages()]
    store.library.add_questions(
        [
            Question(f"Q{i} of {place}?", "quiz", "gold", place, gold_answer="7")
            for place in (*passages, None)
            for i in range(2 if place else 1)
        ]
    )
    return store


def quizzed(store, right, round_id=None, only=None):
    """Keep a quiz in which some questions are right; ``only`` these are asked."""
    model = replace(MODEL, round_id=round_id).as_dict()
    settings = {"model": model, "model_digest": own_digest()}
    run = store.runs.create("quiz", settings)
    results = [
        QuizResult(
            q.id,
            "closed_book",
            "7" if q.id in right else "x",
            q.id in right,
            False,
            0.0,
            round_id,
        )
        for q in store.library.questions()
        if only is None or q.id in only
    ]
    store.journal(run.id).step("quiz", lambda: results)
    store.runs.finish(run.id, "done")


def learned(store, document):
    """A round that has learned one sample of a document, and its parent's."""
    passage = store.library.passages([document])[0].id
    run = store.runs.create("study", {"study": {}})
    (question,) = store.library.add_questions(
        [Question(f"Study of {document}?", "study", "person", passage)]
    )
    (sample,) = store.journal(run.id).step(
        "s", lambda: [Sample(question.id, "Q?", "A.", "B.", True, 0.9, passage)]
    )
    round_ = one_round(store, "refined_sft")
    items = [TrainItem("sft", (), "A.", sample_id=sample.id)]
    return store.rounds.create(replace(round_, id=0), items)


def test_each_round_is_held_against_the_questions_of_each_document(library):
    first, second = (document.id for document in library.library.documents())
    ids = [question.id for question in library.library.questions()]
    round_ = learned(library, first)
    quizzed(library, {ids[2]})
    quizzed(library, {ids[0], ids[1]}, round_.id)
    base, after = retention.matrix(library, own_digest()).rows
    assert base.round_id is None
    assert [base.by_document[d].right for d in (first, second)] == [0, 1]
    assert [after.by_document[d].right for d in (first, second)] == [2, 0]
    assert [after.by_document[d].n for d in (first, second)] == [2, 2]
    assert [after.by_document[d].learned for d in (first, second)] == [True, False]
    panel = views.retained(library)
    assert "● 2 of 2" in panel
    assert "0 of 2" in panel


def test_rounds_of_another_model_do_not_count(library):
    quizzed(library, set())
    assert retention.matrix(library, "another").rows == ()
    (row,) = retention.matrix(library, own_digest()).rows
    assert sum(score.n for score in row.by_document.values()) == 5
    assert views.retained(library) == "", "one row shows nothing"


def test_questions_about_no_document_have_a_column_of_their_own(library):
    """Questions that a person had added without a document were not in the table."""
    own = {q.id for q in library.library.questions() if q.passage_id is None}
    quizzed(library, set())
    quizzed(library, own, one_round(library, "refined_sft").id)
    rows = retention.matrix(library, own_digest()).rows
    of_none = [row.by_document[None] for row in rows]
    assert [(score.right, score.n) for score in of_none] == [(0, 1), (1, 1)]
    assert "no document" in views.retained(library)


def scores(store):
    """For each row, the right and all answers on the first document."""
    first = store.library.documents()[0].id
    rows = retention.matrix(store, own_digest()).rows
    scores_of_first = [row.by_document[first] for row in rows]
    return [(score.right, score.n) for score in scores_of_first]


def test_all_rows_of_a_document_are_over_the_same_questions(library):
    """A question that was added later made the model before it look better."""
    ids = [question.id for question in library.library.questions()]
    quizzed(library, {ids[0]}, only=ids[:1])
    quizzed(library, {ids[0]}, one_round(library, "refined_sft").id)
    assert scores(library) == [(1, 1), (1, 1)]


def test_gold_and_self_made_questions_on_a_document_are_not_mixed(library):
    passage = library.library.passages()[0].id
    library.library.add_questions(
        [Question("Own?", "quiz", "model", passage, gold_answer="7")]
    )
    quizzed(library, set())
    assert scores(library) == [(0, 2)]


def test_an_answer_that_is_accepted_between_two_quizzes_counts_in_both_rows(library):
    ids = [question.id for question in library.library.questions()]
    quizzed(library, set())
    quiz_actions.accept(library, ids[0], "x")
    quizzed(library, set(), one_round(library, "refined_sft").id)
    assert scores(library) == [(1, 2), (1, 2)]


def test_what_was_read_as_raw_text_is_learned(library):
    """Rounds of continued pre-training had no mark: their items are of no sample."""
    first, second = library.library.passages()
    items = [TrainItem("text", (), first.text.strip())]
    round_ = library.rounds.create(replace(one_round(library, "cpt"), id=0), items)
    quizzed(library, set(), round_.id)
    (row,) = retention.matrix(library, own_digest()).rows
    assert row.by_document[first.document_id].learned
    assert not row.by_document[second.document_id].learned
