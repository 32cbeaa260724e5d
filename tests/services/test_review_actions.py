"""The review: its queue, decisions and edits, without a browser."""

import pytest

from autolearn.core.errors import InputError, StoreError
from autolearn.core.records import Answer, Decision, Question, Sample
from autolearn.core.run_settings import TrainRunSettings
from autolearn.rounds.sources import approved_examples, collect
from autolearn.services import review_actions
from autolearn.store import SampleFilter
from autolearn.ui.tabs.review_filter import ANY, FRESH, ORDERS, UNFLAGGED, review_queue
from autolearn.ui.views import review
from autolearn.ui.views import sample as sample_views
from tests.support.reviews import chosen, filled, version
from tests.support.texts import put_passages

# --- the queue ----------------------------------------------------------------


def gone_through(store, of, back=False):
    ids, at = [], 0
    while at := of.next(store, at, back=back):
        ids.append(at)
    return ids


def test_what_is_in_doubt_comes_first(store):
    (sure,) = filled(store, words="a", probability=0.99)
    (doubtful,) = filled(store, words="b", probability=0.45)
    (strays,) = filled(
        store, words="c", probability=0.9, flags=("contradicts_open_book",)
    )
    (both,) = filled(
        store, words="d", probability=1.0, flags=("contradicts_open_book", "disputed")
    )
    (plain,) = filled(store, words="e", probability=0.5, flags=("same_fact",))
    order = [both, strays, plain, doubtful, sure]
    assert gone_through(store, chosen()) == [s.id for s in order]
    by_id = [s.id for s in (sure, doubtful, strays, both, plain)]
    assert gone_through(store, chosen(order="oldest first")) == by_id


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("back", [False, True])
def test_every_sample_is_visited_exactly_once(store, order, back):
    for words, flags in (
        ("a", ("disputed",)),
        ("b", ()),
        ("c", ("contradicts_open_book",)),
    ):
        filled(store, 7, words=words, flags=flags)
        filled(store, 7, words=f"{words} same", flags=flags, probability=0.5)
    of = chosen(order=order)
    ids = gone_through(store, of, back)
    assert sorted(ids) == list(range(1, 43))
    assert ids == gone_through(store, of, not back)[::-1]


def test_the_queue_continues_after_the_decided_sample(store):
    filled(store, 9)
    of, at, ids = chosen(), chosen().next(store), []
    while at:
        ids.append(at)
        review_actions.decide(store, [at], "approve" if at % 2 else "reject", "")
        at = of.around(store, at)
    assert sorted(ids) == list(range(1, 10))


def test_behind_the_last_one_comes_the_first_again(store):
    filled(store, 3)
    of = chosen()
    first, _, last = gone_through(store, of)
    assert of.around(store, last) == first
    assert chosen(text="nowhere").around(store, last) == 0


@pytest.mark.parametrize(
    ("changed", "n"),
    [
        ({"flag": "contradicts_open_book"}, 2),
        ({"flag": "stray"}, 0),
        ({"verdict": "incorrect"}, 5),
        ({"verdict": "correct"}, 0),
        ({"gap": "gap"}, 3),
        ({"gap": "no gap"}, 2),
        ({"low": 0.5}, 2),
        ({"high": 0.5}, 3),
        ({"low": 0.4, "high": 0.45}, 0),
        ({"document": 2}, 2),
        ({"run": 1}, 3),
        ({"text": "wei beta"}, 2),
        ({"state": "approved"}, 0),
        ({"state": ANY}, 5),
    ],
)
def test_the_filter_finds_exactly_what_it_says(store, changed, n):
    filled(store, 3, words="alpha")
    filled(
        store,
        2,
        words="beta",
        flags=("contradicts_open_book",),
        probability=0.3,
        gap=False,
    )
    of = chosen(**changed)
    assert len(gone_through(store, of)) == n
    assert sum(store.samples.counts(of.filter).values()) == n
    assert len(store.samples.ids(of.filter)) == n


def test_common_and_rare_words_find_the_same(store, monkeypatch):
    filled(store, 4, words="alpha")
    filled(store, 2, words="beta")
    monkeypatch.setattr("autolearn.store.search._COMMON", 3)
    assert gone_through(store, chosen(text="alpha")) == gone_through(
        store, chosen(text="schiller alp")
    )
    assert len(gone_through(store, chosen(text="beta"))) == 2
    assert store.samples.counts(SampleFilter(text="alpha"))["pending"] == 4


# --- decisions ----------------------------------------------------------------


def test_only_a_rejection_keeps_its_reason(store):
    first, second = filled(store, 2)
    review_actions.decide(store, [first.id], "approve", "trivial")
    review_actions.decide(store, [second.id], "reject", " trivial ")
    reasons = [d.reason for d in store.decisions.of([first.id, second.id])]
    assert reasons == ["", "trivial"]
    with pytest.raises(InputError, match="No sample is shown"):
        review_actions.decide(store, [0], "approve", "")


def test_many_are_decided_at_once_and_taken_back_at_once(store):
    filled(store, 6)
    review_actions.decide(store, [2], "approve", "")
    review_actions.decide(store, [3], "reject", "")
    before = store.samples.find()
    of = chosen(state=ANY)
    assert of.undecided(store, "approve") == [1, 4, 5, 6, 3]
    note = review_actions.decide_all(store, of, ("approve", 5, version(store)), "")
    assert note.startswith("5 samples approved.")
    assert store.samples.counts()["approved"] == 6
    sample_id, undo_note, _ = review_actions.undo(store, 0)
    assert (sample_id, undo_note) == (
        1,
        "5 decisions that were made together are reverted.",
    )
    assert store.samples.find() == before


def test_a_set_that_has_changed_meanwhile_is_not_decided(store):
    filled(store, 3)
    with pytest.raises(InputError, match="matches 3 samples instead of 2"):
        review_actions.decide_all(store, chosen(), ("reject", 2, version(store)), "")
    assert store.samples.counts()["pending"] == 3


def test_the_bulk_leaves_others_alone(store):
    filled(store, 3, words="alpha")
    filled(store, 2, words="beta")
    review_actions.decide_all(
        store, chosen(text="beta"), ("reject", 2, version(store)), "trivial"
    )
    assert [s.id for s in store.samples.find(SampleFilter(state="rejected"))] == [4, 5]


def test_what_a_rule_decided_is_taken_back_only_when_asked_twice(store):
    filled(store, 2)
    with pytest.raises(InputError, match="no decision to undo"):
        review_actions.undo(store, 0)
    decisions = [Decision(number, "approve", "rule:default") for number in (1, 2)]
    last = store.decisions.decide(decisions)[-1].id
    sample_id, note, question_id = review_actions.undo(store, 0)
    assert (sample_id, question_id) == (0, last)
    assert "rule default; press Undo again" in note
    assert store.samples.counts()["approved"] == 2
    assert review_actions.undo(store, question_id)[2] == 0
    assert store.samples.counts()["pending"] == 2


# --- edits --------------------------------------------------------------------


def test_an_edit_keeps_what_was_changed_and_can_be_undone(store):
    (sample,) = filled(store)
    before = review_actions.texts(store, sample.id)
    now = (*before[:2], "It was Goethe.", "Goethe.")
    assert review_actions.edit(store, sample.id, now).startswith("Saved")
    (decision,) = store.decisions.of([sample.id])
    assert decision.after.keys() == {"feedback", "refined", "chosen"}
    assert review_actions.texts(store, sample.id) == (before[0], "Goethe.", *now[2:])
    review_actions.undo(store, 0)
    assert review_actions.texts(store, sample.id) == before


def test_an_edit_without_a_change_is_no_decision(store):
    (sample,) = filled(store)
    now = review_actions.texts(store, sample.id)
    assert review_actions.edit(store, sample.id, now) == "Nothing was changed."
    assert store.decisions.of([sample.id]) == []


def test_a_text_cannot_be_emptied(store):
    (sample,) = filled(store)
    _, *rest = review_actions.texts(store, sample.id)
    with pytest.raises(InputError, match="cannot be left empty"):
        review_actions.edit(store, sample.id, (" ", *rest))
    with pytest.raises(InputError, match="nothing to edit"):
        review_actions.edit(store, 0, ("", *rest))


def test_a_study_is_named_by_its_model(store):
    run = store.runs.create("study", {"model": {"model": "built-in", "round_id": 3}})
    assert review.study_name(run) == "study 1: built-in with round 3"
    assert review.study_name(store.runs.create("study", {})) == "study 2: built-in"
    run = store.runs.create("study", {"model": {"model": "/home/me/models/1B"}})
    assert review.study_name(run) == "study 3: 1B"


def test_the_open_book_answer_is_taken_and_approved_at_once(store):
    (sample,) = filled(store)
    review_actions.approve_open_book(store, sample.id)
    now = store.samples.view(sample.id).sample
    assert (now.chosen, now.state) == ("Goethe ", "approved")
    review_actions.undo(store, 0)
    again = store.samples.view(sample.id).sample
    assert (again.chosen, again.state) == (sample.chosen, "pending")
    with pytest.raises(InputError, match="No sample is shown"):
        review_actions.approve_open_book(store, 0)


def test_a_saved_edit_says_that_the_sample_is_still_to_be_decided(store):
    """A person took the sample for the next one, and rejected what he had edited."""
    (sample,) = filled(store)
    question, *others = review_actions.texts(store, sample.id)
    note = review_actions.edit(store, sample.id, ("Who is the poet?", *others))
    assert "not decided yet: Approve (A)" in note
    review_actions.decide(store, [sample.id], "approve", "")
    note = review_actions.edit(store, sample.id, (question, *others))
    assert note == "Saved. Undo reverts it."


def test_a_question_is_edited_and_found_by_its_new_words(store):
    (sample,) = filled(store)
    texts = review_actions.texts(store, sample.id)
    note = review_actions.edit(store, sample.id, ("Who is the poet?", *texts[1:]))
    assert "Saved" in note
    assert store.samples.view(sample.id).sample.prompt == "Who is the poet?"
    assert store.samples.ids(SampleFilter(text="poet")) == [sample.id]
    assert store.samples.ids(SampleFilter(text="wrote")) == []
    card = sample_views.card(store.samples.view(sample.id))
    assert "person edited the question" in card


def test_an_edited_question_has_none_of_the_wordings_of_the_old_one(store):
    (sample,) = filled(store)
    wording = Question(
        "By whom is it?", "study", "paraphrase", parent_id=sample.question_id
    )
    (stored,) = store.library.add_questions([wording])
    run = store.runs.create("study", {})
    store.journal(run.id).step(
        "w", lambda: [Answer(stored.id, "open_book", "Goethe", "Goethe", 1.0, 20, 26)]
    )
    review_actions.decide(store, [sample.id], "approve", None)
    order = TrainRunSettings()
    assert approved_examples(store, order)[0].wordings == ("By whom is it?",)
    texts = review_actions.texts(store, sample.id)
    review_actions.edit(store, sample.id, ("Who is the poet?", *texts[1:]))
    assert approved_examples(store, order)[0].wordings == ()


def test_a_person_adds_a_pair_that_is_learned(store):
    (sample,) = filled(store)
    number = review_actions.add_own(
        store, " Where was it? ", " In Weimar. ", sample.id, is_about_text=True
    )
    view = store.samples.view(number)
    assert (view.sample.prompt, view.sample.chosen) == ("Where was it?", "In Weimar.")
    assert view.sample.state == "approved"
    assert view.passage.id == sample.passage_id
    assert set(store.samples.ids(SampleFilter(text="Weimar"))) == {sample.id, number}
    (example,) = approved_examples(store, TrainRunSettings())
    assert (example.target, example.is_gap) == ("In Weimar.", True)
    dataset = build_items(store)
    assert "In Weimar." in {item.chosen for item in dataset.items}
    assert store.library.instructions() == []
    with pytest.raises(InputError, match="Enter a question"):
        review_actions.add_own(store, "", "x", 0, is_about_text=False)


def test_a_pair_that_cannot_be_approved_is_not_added(store, monkeypatch):
    def fail(decisions):
        raise StoreError("The disk is full.")

    monkeypatch.setattr(store.decisions, "decide", fail)
    with pytest.raises(StoreError):
        review_actions.add_own(store, "Who?", "Ada.", 0, is_about_text=False)
    assert store.samples.ids() == store.library.questions() == []


def test_a_rule_is_applied_to_what_the_filter_shows(store):
    filled(store, 3, words="alpha")
    filled(store, 2, words="beta")
    values = list(FRESH)
    values[2] = "alpha"
    queue = review_queue(*values)
    assert len(review_actions.accepted_by(store, queue, "default")) == 3
    question = ("default", 3, store.decisions.version())
    note = review_actions.decide_all(store, queue, question, None)
    assert "3 samples approved by rule default" in note
    assert store.samples.counts()["approved"] == 3
    with pytest.raises(InputError, match="now matches 0"):
        review_actions.decide_all(store, queue, question, None)


def test_samples_without_flags_come_first_where_the_best_are_wanted(store):
    (flagged_sample,) = filled(
        store, 1, words="a", flags=("no_evidence",), probability=0.9
    )
    (unsure,) = filled(store, 1, words="b", probability=0.6)
    (sure,) = filled(store, 1, words="c", probability=0.9)
    values = list(FRESH)
    values[1] = "best first"
    queue = review_queue(*values)
    first = queue.next(store)
    second = queue.next(store, first)
    assert [first, second, queue.next(store, second)] == [
        sure.id,
        unsure.id,
        flagged_sample.id,
    ]
    values[3] = UNFLAGGED
    counts = store.samples.counts(review_queue(*values).criteria(store))
    assert counts["pending"] == 2


def build_items(store):
    return collect(store, TrainRunSettings()).build()


def test_contradictory_samples_are_shown_side_by_side(store):
    (passage,) = put_passages(store, "a.txt", ["The mill opened in 1842."])
    run = store.runs.create("study", {})
    questions = store.library.add_questions(
        [
            Question(f"When did the mill{word} open?", "study", "model")
            for word in ("", " first", " really")
        ]
    )
    first, _, third = store.journal(run.id).step(
        "s",
        lambda: [
            Sample(q.id, q.text, f"In {year}.", "?", True, 1.0, passage.id)
            for q, year in zip(questions, (1842, 1842, 1619), strict=True)
        ],
    )
    assert [s.id for s in store.samples.view(first.id).contradicting] == [third.id]
    card = sample_views.card(store.samples.view(first.id))
    assert "At most one of these can be right" in card
    review_actions.decide(store, [third.id], "reject", "")
    assert store.samples.view(first.id).contradicting == ()


def test_a_sample_of_a_second_study_says_that_the_same_one_is_approved(store):
    """It came back as if it were new."""
    (passage,) = put_passages(store, "a.txt", ["The mill opened in 1842."])
    asked = [("When did the mill open?", "In 1842."), ("What opened?", "The mill.")]

    def study():
        journal = store.journal(store.runs.create("study", {}).id)
        questions = journal.step(
            "q", lambda: [Question(text, "study", "model") for text, _ in asked]
        )
        return journal.step(
            "s",
            lambda: [
                Sample(q.id, q.text, answer, "?", True, 1.0, passage.id)
                for q, (_, answer) in zip(questions, asked, strict=True)
            ],
        )

    first, _ = study()
    again, other = study()
    assert store.samples.view(again.id).approved_before is None
    review_actions.decide(store, [first.id], "approve", "")
    view = store.samples.view(again.id)
    assert (view.sample.state, view.approved_before) == ("pending", first.id)
    assert f"approved already (sample {first.id})" in sample_views.card(view)
    for sample in (first, other):
        assert store.samples.view(sample.id).approved_before is None
