"""What the study tab shows of a study, and that texts in it stay texts."""

from dataclasses import replace

import gradio as gr
import pytest

from autolearn.core.errors import InputError, StoreError
from autolearn.core.flags import FLAGS
from autolearn.core.records import Answer, Decision, Document, Passage, Skip
from autolearn.runs import queues
from autolearn.services import actions, review_actions
from autolearn.store import connection
from autolearn.ui.html import Html
from autolearn.ui.session import Session
from autolearn.ui.tabs import study as study_tab
from autolearn.ui.views import knowledge_map, sample, study
from autolearn.ui.views.knowledge_map import MapView
from tests.support.dropped import QUESTION, drop, dropped
from tests.support.faust_samples import studied
from tests.support.reviews import HOSTILE

# --- the newest samples -------------------------------------------------------


def test_empty_places_say_what_to_do_next(store):
    assert "Add one under Library" in study.newest(store, only_last=True)
    assert "Add one under Library" in knowledge_map.draw(store, MapView())
    assert study.detail(store, 0) == ""


def test_a_library_without_a_study_asks_for_one(store, library):
    assert "Press “Study”" in study.newest(store, only_last=True)
    assert "Press “Study”" in knowledge_map.draw(store, MapView())


def test_a_running_study_says_how_far_it_is(store, library):
    store.runs.create("study", {})
    run = store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    markup = study.newest(store, only_last=True)
    assert f"run {run.id}" in markup
    assert "appear here" in markup


def test_a_queued_study_names_what_it_waits_for(store, library):
    """It was the loading of the model, even if a training ran before it."""
    training = store.runs.create("train", {})
    store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    store.runs.create("import", {})
    run = store.runs.create("study", {})
    begin = f"Study (run {run.id}) waits for the"
    markup = study.newest(store, only_last=True)
    assert f"{begin} end of Training (run {training.id})." in markup
    store.runs.finish(training.id, "done")
    assert f"{begin} worker to start." in study.newest(store, only_last=True)


@pytest.mark.parametrize("state", ["cancelled", "interrupted"])
def test_a_study_that_was_stopped_says_where_it_is_resumed(store, library, state):
    run = store.runs.create("study", {})
    store.runs.finish(run.id, state)
    markup = study.newest(store, only_last=True)
    assert f"{state}: 0 samples; resume it under History." in markup


def test_a_row_shows_both_answers_and_what_was_found(store, library):
    sample = studied(store, library[1][0])
    markup = study.newest(store, only_last=True)
    for part in ("Who wrote Faust?", "Schiller", "Goethe", "93 %", "pending"):
        assert part in markup
    assert markup.index("P(gap): how likely") < markup.index("<th")
    assert f'data-pick="s{sample.id}"' in markup


def test_the_last_study_can_be_shown_alone(store, library):
    studied(store, library[1][0], "The first question?")
    studied(store, library[1][1], "The second question?")
    assert "The first question?" not in study.newest(store, only_last=True)
    assert "The first question?" in study.newest(store, only_last=False)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({}, "gap"),
        ({"gap": False}, "known"),
        ({"flags": ("no_evidence",)}, "flagged"),
        ({"flags": ("same_fact",)}, "gap"),
    ],
)
def test_a_sample_is_known_a_gap_or_flagged(store, library, more, word):
    assert sample.knowledge(studied(store, library[1][0], **more)) == word


def test_what_gave_nothing_is_listed_with_its_reason(store, library):
    run = store.runs.create("study", {})
    skip = Skip("questions", "no question could be read", library[1][1].id)
    store.journal(run.id).step("ask", lambda: [skip])
    markup = study.newest(store, only_last=True)
    assert "no question could be read" in markup
    assert "faust.txt, passage 2" in markup
    assert markup.count("<th ") == 3, "it has no column that stays empty"
    assert study.ADD_BY_HAND in markup
    assert study.ABOUT_KEEP not in markup


def test_a_click_keeps_a_dropped_question_and_the_list_says_so(store):
    skip, session, place = dropped(store), Session(store.folder), MapView()
    markup, key = study.newest(store, only_last=True), f"{study.KEEP}{skip.id}"
    assert f'data-pick="{key}"' in markup
    assert f"<strong>{QUESTION}</strong>" in markup
    assert "Answer: “Ada Horn”" in markup
    assert study.ABOUT_KEEP in markup
    assert study_tab._press(session, 0, place, key) == (0, place)
    (number,) = store.samples.ids()
    markup = study.newest(store, only_last=True)
    assert f'data-pick="{key}"' not in markup
    assert f'data-pick="s{number}"' in markup
    assert f"Kept as sample {number}" in markup
    assert "pending" in markup
    assert f"Skipped in run {store.runs.newest(1)[0].id} (1)" in markup
    assert QUESTION in study.detail(store, number)
    with pytest.raises(InputError, match=f"is sample {number} already"):
        study_tab._press(session, 0, place, key)
    review_actions.decide(store, [number], "approve", None)
    assert "approved" in study.newest(store, only_last=True)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("Ada Horn", "“It was built by <mark>Ada Horn</mark>.”"),
        ("22 years", "Ada Horn.” The answer is not in it word for word."),
    ],
)
def test_an_offer_shows_what_tells_whether_its_answer_is_right(store, answer, shown):
    """A wrong answer looked like a right one: its sentence was not shown."""
    dropped(store, answer=answer)
    markup = study.newest(store, only_last=True)
    for part in (QUESTION, "Dropped: it has a fault.", shown, f"Answer: “{answer}”"):
        assert part in markup


def test_the_offers_of_a_study_without_samples_are_open(store):
    """They were folded below the reason why it had failed."""
    skip = dropped(store)
    assert "<details open" not in study.newest(store, only_last=True)
    run = store.runs.last("study")
    assert run
    store.runs.finish(run.id, "failed", "No passage gave a question.")
    markup = study.newest(store, only_last=True)
    assert f"{study.KEEP}{skip.id}" in markup
    assert "<details open" in markup


def test_a_dropped_question_is_not_kept_in_a_read_only_workspace(store, monkeypatch):
    skip = dropped(store)
    monkeypatch.setattr(connection, "is_read_only", lambda path: True)
    monkeypatch.setattr("autolearn.store.database.is_read_only", lambda path: True)
    session = Session(store.folder)
    with pytest.raises(StoreError, match="is read-only; make it writable"):
        study_tab._press(session, 0, MapView(), f"{study.KEEP}{skip.id}")


# --- one sample ---------------------------------------------------------------


def test_a_sample_shows_all_that_it_rests_on(store, library):
    sample = studied(store, library[1][0], flags=("same_fact",))
    markup = study.detail(store, sample.id)
    assert "<mark>Goethe</mark> wrote Faust." in markup
    assert "<del>Schiller</del>" in markup
    assert "<ins>Goethe wrote it</ins>" in markup
    assert "By Goethe." in markup
    info = FLAGS["same_fact"]
    assert info.label in markup
    assert info.meaning in markup
    assert "Exact prompts and raw outputs (2)" in markup
    assert "temperature 0.7" in markup


def test_the_evidence_is_marked_where_it_stands_in_the_document(store, library):
    sample = studied(store, library[1][1])
    open_book = Answer(
        sample.question_id, "open_book", "Weimar", "in Weimar", 1.0, start=29, end=38
    )
    journal = store.journal(store.runs.create("study", {}).id)
    (better,) = journal.step("answer", lambda: [open_book])
    again = replace(sample, id=0, open_answer_id=better.id)
    (other,) = journal.step("sample", lambda: [again])
    assert "<mark>in Weimar</mark>" in study.detail(store, other.id)


def test_a_person_overrules_the_gap_and_takes_it_back(store, library):
    sample = studied(store, library[1][0])
    assert f'data-pick="known-{sample.id}"' in study.detail(store, sample.id)
    review_actions.overrule(store, sample.id, gap=False)
    markup = study.detail(store, sample.id)
    assert "changed by you" in markup
    assert f'data-pick="gap-{sample.id}"' in markup
    store.decisions.undo_batch(store.decisions.last().id)
    assert "overruled" not in study.detail(store, sample.id)


def test_an_edited_sample_shows_what_was_edited_and_what_is_of_before(store, library):
    """Its old flags and its old open-book answer stood beside "approved"."""
    sample = studied(store, library[1][0], flags=("short_answer",))
    of_before = "Flags, P(gap), the answers of the model"

    def shown():
        table = study.newest(store, only_last=False)
        return table, of_before in study.detail(store, sample.id)

    table, is_said = shown()
    assert "edited" not in table
    assert not is_said
    _, _, *others = review_actions.texts(store, sample.id)
    review_actions.edit(store, sample.id, ("Who is the poet?", "Johann", *others))
    table, is_said = shown()
    assert is_said
    assert "Johann" in table
    assert ">Goethe<" not in table
    assert table.count(">edited<") == 2
    store.decisions.undo_batch(store.decisions.last().id)
    table, is_said = shown()
    assert ">Goethe<" in table
    assert "edited" not in table
    assert not is_said


def test_a_late_drawing_does_not_empty_a_drawer_that_was_opened_since(store, library):
    session, nothing = Session(store.folder), (gr.skip(),) * 3
    assert study_tab._changed_detail(session, 0, Html("")) == nothing
    sample = studied(store, library[1][0])
    content, drawn, _ = study_tab._detail(session, sample.id)
    assert f"Sample {sample.id}" in content
    assert study_tab._changed_detail(session, sample.id, drawn) == nothing
    review_actions.overrule(store, sample.id, gap=False)
    assert "changed by you" in study_tab._changed_detail(session, sample.id, drawn)[0]


def test_words_of_a_person_stand_in_place_of_those_of_the_model(store, library):
    sample = studied(store, library[1][0])
    after = {"feedback": "Not Schiller.", "refined": "It was Goethe"}
    actions.decide(store, [sample.id], Decision(0, "edit", "person", after=after))
    markup = study.detail(store, sample.id)
    assert "Not Schiller." in markup
    assert "It was Goethe" in markup
    assert markup.count("edited by you") == 2


# --- texts stay texts -------------------------------------------


def test_hostile_texts_are_shown_as_text(store):
    passage = Passage(0, 0, 0, len(HOSTILE), HOSTILE, 5, heading=HOSTILE)
    store.library.add_document(Document(HOSTILE, "d", len(HOSTILE)), [passage])
    (passage,) = store.library.passages()
    sample = studied(store, passage, HOSTILE, HOSTILE, chosen=HOSTILE)
    skip = Skip("questions", HOSTILE, passage.id, sample.question_id)
    question = drop(passage, f"{HOSTILE}?", HOSTILE)
    run_id = store.runs.newest(1)[0].id
    store.journal(run_id).step("skip", lambda: [skip, question])
    for markup in (
        study.newest(store, only_last=True),
        study.detail(store, sample.id),
        knowledge_map.draw(store, MapView()),
    ):
        assert "&lt;img" in markup
        assert "<img" not in markup
        assert not {"{", "}", "$", "`"} & set(markup)
