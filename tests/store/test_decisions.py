"""Samples are found, decided and edited, and decisions are undone."""

import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Decision
from autolearn.store import SampleFilter
from tests.support.faust import CHAT


def approve(sample):
    return Decision(sample.id, "approve", "person")


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (SampleFilter(), [0, 1, 2]),
        (SampleFilter(ids=[1, 3]), [0, 2]),
        (SampleFilter(flag="too_long"), [1]),
        (SampleFilter(gap=False), [2]),
        (SampleFilter(run_id=9), []),
        (SampleFilter(document_id=1, passage_id=1, state="pending"), [0, 1, 2]),
        (SampleFilter(text="johann"), [1]),
        (SampleFilter(text='"; DROP TABLE samples -- NEAR('), []),
    ],
)
def test_samples_are_filtered(store, samples, wanted, places):
    assert store.samples.find(wanted) == [samples[place] for place in places]
    assert sum(store.samples.counts(wanted).values()) == len(places)


def test_samples_are_paged_by_key(store, samples):
    page = store.samples.find(limit=2)
    assert page == list(samples[:2])
    assert store.samples.find(after_id=page[-1].id) == [samples[2]]
    assert store.samples.newest(limit=1) == [samples[2]]


def ids_with(store, text):
    """Return the ids of the samples with these words."""
    return set(store.samples.ids(SampleFilter(text=text)))


def test_search_finds_words_and_their_beginnings(store, samples):
    assert ids_with(store, "goeth") == {samples[0].id}
    assert ids_with(store, "faust who") == {1, 2, 3}
    assert ids_with(store, "") == ids_with(store, '"*!\0') == set()


def test_a_view_shows_all_that_a_sample_rests_on(store, library, samples):
    view = store.samples.view(samples[0].id)
    assert (view.document, view.passage) == (library[0], library[1][0])
    assert view.question.text == "Who wrote Faust?"
    assert view.answer(view.sample.closed_answer_id).text == "Schiller"
    assert (
        view.answer(view.sample.open_answer_id).generation.request.prompt.chat == CHAT
    )
    assert view.critique().text == "By Goethe."
    assert view.check() is None
    with pytest.raises(InputError, match="There is no sample 9"):
        store.samples.view(9)


def test_a_decision_changes_the_state_and_undo_restores_it(store, samples):
    (decision,) = store.decisions.decide([approve(samples[0])])
    assert decision.before == {"state": "pending"}
    assert store.samples.counts() == {"pending": 2, "approved": 1, "rejected": 0}
    (undo,) = store.decisions.undo_batch(decision.id)
    assert (undo.undoes_id, undo.after) == (decision.id, {"state": "pending"})
    assert store.samples.find() == list(samples)
    for undone in (decision, undo):
        with pytest.raises(InputError, match="is left to undo"):
            store.decisions.undo_batch(undone.id)


def test_decisions_are_undone_in_reverse_order(store, samples):
    (first,) = store.decisions.decide([approve(samples[0])])
    (second,) = store.decisions.decide([Decision(samples[0].id, "reject", "person")])
    with pytest.raises(InputError, match="is left to undo"):
        store.decisions.undo_batch(first.id)
    assert store.decisions.last() == second
    store.decisions.undo_batch(second.id)
    store.decisions.undo_batch(first.id)
    assert store.decisions.last() is None
    assert store.samples.find()[0].state == "pending"


def test_an_edit_changes_the_answer_and_keeps_the_original(store, samples):
    edit = Decision(samples[0].id, "edit", "person", after={"chosen": "J. W. Goethe"})
    (decision,) = store.decisions.decide([edit])
    assert decision.before == {"chosen": "Goethe"}
    assert ids_with(store, "W. Goethe") == {1}
    assert ids_with(store, "J W") == {1, 2}
    store.decisions.undo_batch(decision.id)
    assert ids_with(store, "J") == {samples[1].id}
    assert ids_with(store, "goethe") == {samples[0].id}


def test_words_and_gap_can_be_edited_too(store, samples):
    after = {"feedback": "No: Goethe.", "refined": "Goethe.", "gap": False}
    (decision,) = store.decisions.decide(
        [Decision(samples[0].id, "edit", "person", after=after)]
    )
    view = store.samples.view(samples[0].id)
    assert (view.edited_feedback, view.edited_refined) == ("No: Goethe.", "Goethe.")
    assert (view.sample.chosen, view.sample.gap) == ("Goethe.", False)
    store.decisions.undo_batch(decision.id)
    view = store.samples.view(samples[0].id)
    assert (view.sample, view.edited_feedback) == (samples[0], None)
    assert [d.action for d in view.decisions] == ["edit", "undo"]


@pytest.mark.parametrize("after", [{}, {"state": "approved"}, {"question_id": 2}])
def test_an_edit_of_anything_else_is_refused(store, samples, after):
    with pytest.raises(InputError, match="An edit must change some of prompt, chosen"):
        store.decisions.decide([Decision(1, "edit", "person", after=after)])


def test_a_batch_is_decided_and_undone_as_one(store, samples):
    batch = store.decisions.decide([approve(sample) for sample in samples])
    store.decisions.decide([Decision(samples[1].id, "reject", "person")])
    decisions = store.decisions.undo_batch(batch[2].id)
    assert [d.undoes_id for d in decisions] == [batch[2].id, batch[0].id]
    states = [sample.state for sample in store.samples.find()]
    assert states == ["pending", "rejected", "pending"]
    with pytest.raises(InputError, match="left to undo"):
        store.decisions.undo_batch(batch[0].id)


def test_an_edit_and_an_approval_in_one_batch_are_undone_together(store, samples):
    edit = Decision(samples[0].id, "edit", "person", after={"chosen": "W. Goethe"})
    batch = store.decisions.decide([edit, approve(samples[0])])
    store.decisions.undo_batch(batch[0].id)
    assert store.samples.find() == list(samples)


def test_a_batch_with_an_unknown_sample_changes_nothing(store, samples):
    with pytest.raises(InputError, match="There is no sample 77"):
        store.decisions.decide([approve(samples[0]), Decision(77, "approve", "person")])
    assert store.samples.counts()["approved"] == 0
