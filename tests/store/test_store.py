from dataclasses import replace

import pytest

from autolearn.core.constraints import LINE, Excerpt
from autolearn.core.errors import InputError, StoreError
from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    ModelIdentity,
    Prompt,
    Request,
    Sampling,
)
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import (
    Answer,
    Decision,
    Document,
    Feedback,
    Passage,
    Question,
    Round,
    Sample,
    Skip,
    TrainItem,
)
from autolearn.store import QuestionFilter, SampleFilter, Store

MODEL = ModelIdentity("tiny", "d1", "nf4", "float32", "cpu")
CHAT = (Message("system", "Answer."), Message("user", "Who wrote „Faust“?"))
FORM = (" ", Excerpt("Who wrote „Faust“?", "none"), LINE)
TEXT = "Goethe wrote Faust. He lived in Weimar."


def generation(text="Goethe", seed=0):
    return Generation(
        Request(Prompt("closed_book", "p1", CHAT), Sampling(0.7, 0.9, 64, seed), FORM),
        Completion(text, "stop", 12, 3),
        MODEL,
    )


@pytest.fixture
def library(store):
    document = Document("faust.txt", "sha", len(TEXT))
    passages = [
        Passage(0, 0, 0, 19, TEXT[:19], 5),
        Passage(0, 1, 20, 39, TEXT[20:], 5, heading="Life"),
    ]
    document = store.library.add_document(document, passages)
    return document, tuple(store.library.passages())


@pytest.fixture
def samples(store, library):
    """Three samples of one run, with all they rest on."""
    run = store.runs.create("study", {})
    journal = store.journal(run.id)
    _, (passage, _) = library
    (question,) = journal.step(
        "ask",
        lambda: [Question("Who wrote Faust?", "study", "model", passage.id)],
    )
    closed_book, open_book = journal.step(
        "answer",
        lambda: [
            Answer(question.id, "closed_book", "Schiller", generation=generation()),
            Answer(question.id, "open_book", "Goethe", generation=generation(seed=1)),
        ],
    )
    (critique,) = journal.step(
        "judge",
        lambda: [
            Feedback(
                closed_book.id, "critique", "By Goethe.", "incorrect", 0.1, open_book.id
            )
        ],
    )
    first = Sample(
        question.id,
        "Who wrote Faust?",
        "Goethe",
        "Schiller",
        True,
        0.9,
        passage.id,
        open_book.id,
        closed_book.id,
        critique.id,
    )
    new = [
        first,
        replace(first, chosen="Johann Wolfgang", flags=("too_long",)),
        replace(first, chosen="A poet", gap=False),
    ]
    return journal.step("sample", lambda: new)


def approve(sample):
    return Decision(sample.id, "approve", "person")


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


# --- samples and decisions ----------------------------------------------------


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
