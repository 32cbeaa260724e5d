from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, StoreError
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import (
    Answer,
    Decision,
    Document,
    Question,
    Round,
    Skip,
    TrainItem,
)
from autolearn.store import QuestionFilter, Store
from tests.support.faust import CHAT, MODEL, TEXT, generation

# --- the library --------------------------------------------------------------


def test_a_document_comes_back_with_its_passages(store, library):
    document, passages = library
    assert store.library.documents() == [document]
    assert store.library.document(document.id) == document
    assert store.library.passages() == list(passages)
    assert [TEXT[p.start : p.end] for p in passages] == [p.text for p in passages]
    assert store.library.coverage(document.id) == (2, 38)
    assert store.library.stretch(document.id, 1, 5) == [passages[1]]


def test_the_same_text_is_kept_once(store, library):
    with pytest.raises(InputError, match=r"copy\.txt is already .*faust\.txt"):
        store.library.add_document(Document("copy.txt", "sha", 39), [])
    assert len(store.library.documents()) == 1


def test_excluded_passages_are_left_out(store, library):
    document, (first, second) = library
    store.library.set_excluded([first.id], excluded=True)
    assert store.library.passages([document.id]) == [second]
    every = store.library.passages(with_excluded=True)
    assert [passage.excluded for passage in every] == [True, False]


def test_questions_imported_twice_are_kept_once(store, library):
    _, (passage, _) = library
    gold = Question("Who?", "quiz", "gold", passage.id, gold_value="Goethe")
    control = Question("Who?", "control", "gold")
    first = store.library.add_questions([gold, control, control])
    again = store.library.add_questions([control, gold])
    assert [q.id for q in first] == [1, 2, 2]
    assert again == (first[1], first[0])
    assert store.library.questions(QuestionFilter(split="quiz")) == [first[0]]
    assert store.library.questions() == list(first[:2])


# --- the journal --------------------------------------------------------------


def test_a_step_is_made_once_and_recalled_in_its_order(store, library):
    run = store.runs.create("study", {})
    _, (passage, _) = library
    answer = generation("1. Who?\n2. Where?")
    new_records: list[Skip | Question] = [
        Skip("ask", "unparsable", passage.id, generation=answer),
        Question("Who?", "study", "model", passage.id, generation=answer),
        Skip("ask", "duplicate", passage.id),
        Question("Where?", "quiz", "model", passage.id, flags=("unanswerable",)),
    ]
    first = store.journal(run.id).step("ask", lambda: new_records)
    again = store.journal(run.id).step("ask", lambda: pytest.fail("made again"))
    assert again == first
    assert [replace(r, id=0, generation=None) for r in first] == [
        replace(r, generation=None) for r in new_records
    ]
    assert first[0].generation == first[1].generation == replace(answer, id=1)
    assert len(store.db.rows("SELECT id FROM generations")) == 1


def test_a_step_that_makes_nothing_is_remembered(store):
    run = store.runs.create("study", {})
    assert store.journal(run.id).step("ask", lambda: []) == ()
    assert store.journal(run.id).step("ask", lambda: pytest.fail("again")) == ()


def test_steps_of_two_runs_do_not_meet(store):
    first, second = (store.runs.create("study", {}) for _ in range(2))
    store.journal(first.id).step("ask", lambda: [Skip("ask", "one")])
    store.journal(second.id).step("ask", lambda: [Skip("ask", "two")])
    assert [skip.reason for skip in store.runs.skips(second.id)] == ["two"]


def test_a_step_that_fails_keeps_nothing(store):
    run = store.runs.create("study", {})
    journal = store.journal(run.id)
    with pytest.raises(StoreError):
        journal.step("ask", lambda: [Skip("ask", "fine"), Answer(99, "human", "x")])
    assert store.runs.skips(run.id) == []
    assert journal.step("ask", lambda: [Skip("ask", "now")])


def test_another_handle_may_write_while_a_step_is_being_made(store):
    run = store.runs.create("study", {})

    def make():
        with Store.open(store.folder) as other:
            other.runs.request_cancel(run.id)
        return []

    store.journal(run.id).step("ask", make)
    assert store.runs.get(run.id).state == "cancelled"


def test_every_kind_of_record_comes_back_as_it_was(store, samples):
    run = store.runs.newest()[0]
    result = QuizResult(samples[0].question_id, "open_book", "Goethe", True, False, 0.5)
    records = store.journal(run.id).step("quiz", lambda: [result])
    assert store.runs.quiz_results(run.id) == list(records) == [replace(result, id=1)]


def test_generations_of_a_chat_are_made_and_kept_once(store):
    journal = store.journal(store.runs.create("chat", {}).id)
    texts = [generation("Hello."), generation("Bye.")]
    records = journal.generations("closed_book", lambda: texts)
    assert records == [replace(text, id=i) for i, text in enumerate(texts, 1)]
    again = journal.generations("closed_book", lambda: pytest.fail("made again"))
    assert again == records
    assert journal.generations("refine", list) == []
    assert journal.generations("refine", lambda: pytest.fail("made again")) == []


# --- rounds -------------------------------------------------------------------


def test_a_round_keeps_its_items_as_they_were(store, samples):
    run = store.runs.create("train", {})
    items = [
        TrainItem("sft", CHAT, "Goethe", sample_id=samples[0].id),
        TrainItem("dpo", CHAT, "Goethe", "Schiller", 0.5),
        TrainItem("text", (), TEXT),
    ]
    round_ = store.rounds.create(
        Round("refined_sft", run.id, {"rank": 8}, MODEL), items
    )
    store.decisions.decide(
        [Decision(samples[0].id, "edit", "person", after={"chosen": "nobody"})]
    )
    assert store.rounds.items(round_.id) == items
    assert store.rounds.get(round_.id) == round_
    assert store.rounds.all(run_id=run.id) == [round_]


def test_a_round_of_an_earlier_version_has_the_present_name_of_its_method(store):
    run = store.runs.create("train", {})
    round_ = store.rounds.create(Round("refined_sft", run.id, {}, MODEL), [])
    with store.atomic():
        store.db.write("UPDATE rounds SET method = 'join'")
    assert store.rounds.get(round_.id).method == "refined_sft"


def test_a_round_is_updated_and_knows_its_ancestors(store):
    run = store.runs.create("train", {})
    first = store.rounds.create(Round("refined_sft", run.id, {}, MODEL), [])
    second = store.rounds.create(Round("refined_sft", run.id, {}, MODEL, first.id), [])
    third = store.rounds.create(Round("refined_sft", run.id, {}, MODEL, second.id), [])
    store.rounds.finish(second.id, "adapters/round-2", "digest", 7)
    for scores in ({"f1": 0.4, "n": 3}, {"f1": 0.5}):
        store.rounds.add_scores(second.id, scores)
    update = store.rounds.set_state(second.id, "kept")
    assert update == replace(
        second,
        state="kept",
        adapter="adapters/round-2",
        adapter_digest="digest",
        n_steps=7,
        scores={"f1": 0.5, "n": 3},
    )
    assert store.rounds.lineage(third.id) == [third, update, first]
    assert store.rounds.lineage(first.id) == [first]
    assert store.rounds.lineage(None) == []
    with pytest.raises(InputError, match="There is no round 9"):
        store.rounds.get(9)
