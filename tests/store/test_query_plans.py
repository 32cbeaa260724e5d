"""What is asked often reads neither the texts of the passages nor all runs."""

import pytest

from autolearn import Lab
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.services import actions
from autolearn.store import library, revisions
from tests.support import statements
from tests.support.texts import put_text


def plan_of(store, query):
    return [row["detail"] for row in store.db.rows(f"EXPLAIN QUERY PLAN {query}")]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (library._DOCUMENT_SIZES, "passages_by_exclusion"),
        (revisions._PAGE, "passages_excluded"),
        (revisions._PAGE, "runs_by_end"),
        (revisions._PAGE, "questions_excluded"),
        (revisions._ROUND_PLAN, "runs_by_end"),
    ],
)
def test_what_is_drawn_often_reads_no_passage(store, query, index):
    plan = plan_of(store, query)
    assert any(index in step for step in plan)
    assert not {"SCAN passages", "SCAN runs"} & set(plan)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda store: store.runs.last_in_pipeline(), "runs_of_whole_rounds"),
        (lambda store: store.runs.last_ended(), "runs_by_end"),
        (lambda store: store.rounds.learned_from(1), "round_items_by_sample"),
    ],
)
def test_what_is_asked_often_is_found_through_an_index(store, ask, index):
    (query,) = statements.taken_by(store, lambda: ask(store))
    assert any(index in step for step in plan_of(store, query))


def test_no_text_is_read_to_see_whether_there_is_any(store):
    put_text(store, "a.md", "Avel was founded in 1711.")

    def study():
        actions.study(store, ModelSettings(), StudySettings())

    with Lab(store.folder) as lab:
        taken = statements.taken_by(lab._store, lab.workspace)
        assert (lab.workspace().documents, lab.workspace().passages) == (1, 1)
    taken += statements.taken_by(store, study)
    assert store.runs.last("study")
    assert taken
    assert not any("SELECT * FROM passages" in statement for statement in taken)
