"""Samples in the order of doubt: found one after the other, never by counting."""

import pytest
import sqlite_utils

from autolearn.core.flags import Flag
from autolearn.core.records import Answer, Decision, Feedback, Question, Sample
from autolearn.store import SampleFilter, Store
from autolearn.store.migrations import MIGRATIONS

DOUBTS: list[tuple[tuple[Flag, ...], float]] = [
    ((), 0.9),
    (("disputed",), 0.9),
    ((), 0.5),
    (("contradicts_open_book", "check_failed"), 1.0),
    (("same_fact",), 0.2),
]


@pytest.fixture
def samples(store):
    journal = store.journal(store.runs.create("study", {}).id)
    (question,) = journal.step("ask", lambda: [Question("Why?", "study", "model")])
    (answer,) = journal.step(
        "answer", lambda: [Answer(question.id, "closed_book", "B.")]
    )
    (critique,) = journal.step(
        "judge", lambda: [Feedback(answer.id, "critique", "No.", "incorrect", 0.1)]
    )
    return journal.step(
        "sample",
        lambda: [
            Sample(
                question.id,
                f"Why {number}?",
                "A.",
                "B.",
                True,
                sure,
                critique_id=critique.id,
                flags=flags,
            )
            for number, (flags, sure) in enumerate(DOUBTS)
        ],
    )


def test_one_step_leads_to_the_neighbour(store, samples):
    step = store.samples.next_id
    assert [step(), step(beside=4), step(beside=2), step(beside=3)] == [4, 2, 3, 5]
    assert [step(back=True), step(beside=4, back=True)] == [1, None]
    assert [step(order="id"), step(order="id", beside=3, back=True)] == [1, 2]
    assert step(SampleFilter(ids=[])) is None


def test_a_step_starts_from_a_sample_that_is_no_longer_wanted(store, samples):
    store.decisions.decide([Decision(4, "approve", "person")])
    assert store.samples.next_id(SampleFilter(state="pending"), beside=4) == 2


@pytest.mark.parametrize("state", ["", "state = 'pending' AND "])
def test_a_step_neither_counts_nor_sorts(store, state):
    plan = store.db.rows(
        f"EXPLAIN QUERY PLAN SELECT id FROM samples WHERE {state}(confidence, id) >"
        " (SELECT confidence, id FROM samples WHERE id = 7)"
        " ORDER BY confidence, id LIMIT 1"
    )
    plan_text = " ".join(row["detail"] for row in plan)
    assert "doubt (" in plan_text
    assert "TEMP B-TREE" not in plan_text


def test_ids_and_verdicts(store, samples):
    criteria = SampleFilter(
        min_gap_probability=0.5, gap_probability_below=0.95, verdict="incorrect"
    )
    assert store.samples.ids(criteria) == [1, 2, 3]
    assert store.samples.verdicts([1, 9]) == {1: "incorrect"}


def test_only_what_a_person_decided_one_by_one_stands_for_a_judgement(store, samples):
    decide = store.decisions.decide
    decide([Decision(1, "approve", "person")])
    decide([Decision(number, "reject", "person") for number in (2, 3)])
    decide([Decision(4, "approve", "rule:default")])
    decide([Decision(5, "edit", "person", after={"chosen": "C."})])
    (decision,) = decide([Decision(5, "reject", "person")])
    assert [d.sample_id for d in store.decisions.of_person(9)] == [5, 1]
    assert [d.sample_id for d in store.decisions.of_person(1)] == [5]
    store.decisions.undo_batch(decision.id)
    assert [d.sample_id for d in store.decisions.of_person(9)] == [1]


def test_samples_of_an_older_database_get_their_order(workspace):
    workspace.mkdir()
    old = sqlite_utils.Database(workspace / "autolearn.db")
    MIGRATIONS.apply(old, stop_before="m004_doubt")
    old.execute(
        "INSERT INTO questions (id, text, split, origin, flags)"
        " VALUES (1, 'Why?', 'study', 'model', '[]')"
    )
    for number, (flags, sure) in ((1, ("[]", 0.9)), (2, ('["disputed"]', 0.9))):
        old.execute(
            "INSERT INTO samples (id, question_id, prompt, chosen, rejected, gap,"
            " gap_probability, flags, state)"
            " VALUES (?, 1, 'Why?', 'A.', 'B.', 1, ?, ?, 'pending')",
            (number, sure, flags),
        )
    old.conn.commit()
    old.close()
    with Store.open(workspace) as store:
        assert store.samples.next_id() == 2
        assert store.samples.next_id(beside=2) == 1
