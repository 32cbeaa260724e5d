"""What the study tab shows of a study, and that texts in it stay texts."""

import time
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from autolearn.core.flags import DOUBTFUL, FLAGS
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
from autolearn.core.settings import ModelSettings
from autolearn.runs import queues
from autolearn.services import actions, review_actions
from autolearn.store import SampleFilter
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.session import Session
from autolearn.ui.tabs import study as study_tab
from autolearn.ui.views import knowledge_grid, knowledge_map, sample, study
from autolearn.ui.views.knowledge_map import MapView
from tests.support.texts import put_passages

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
TEXT = "Goethe wrote Faust. He lived in Weimar."
MODEL = ModelIdentity("tiny", "d1", "nf4", "float32", "cpu")


def generation(text):
    chat = (Message("user", f"Answer this: {HOSTILE}"),)
    return Generation(
        Request(Prompt("closed_book", "0123456789", chat), Sampling(0.7)),
        Completion(text, "stop", 12, 3),
        MODEL,
    )


@pytest.fixture
def library(store):
    passages = put_passages(store, "faust.txt", [TEXT[:20], TEXT[20:]])
    return store.library.documents()[0], passages


def studied(store, passage, text="Who wrote Faust?", closed_answer="Schiller", **more):
    """Study one question of a passage in a run of its own."""
    journal = store.journal(store.runs.create("study", {}).id)
    (question,) = journal.step(
        "ask",
        lambda: [
            Question(text, "study", "model", passage.id, generation=generation(text))
        ],
    )
    written = generation(closed_answer)
    answers = [
        Answer(question.id, "closed_book", closed_answer, generation=written),
        Answer(question.id, "open_book", "Goethe", "Goethe wrote Faust.", 1.0, 0, 6),
        Answer(question.id, "refined", "Goethe wrote it"),
    ]
    first, second, third = journal.step("answer", lambda: answers)
    critique, check = journal.step(
        "judge",
        lambda: [
            Feedback(first.id, "critique", "By Goethe.", "incorrect", 0.1, second.id),
            Feedback(third.id, "check", "Yes.", "correct", 0.8, second.id),
        ],
    )
    sample = Sample(
        question.id,
        text,
        "Goethe wrote it",
        closed_answer,
        True,
        0.93,
        passage.id,
        second.id,
        first.id,
        critique.id,
        third.id,
        check.id,
    )
    (stored_sample,) = journal.step("sample", lambda: [replace(sample, **more)])
    return stored_sample


def quizzed(store, sample, right):
    """Train a round on a sample and ask its question again in other words."""
    run = store.runs.create("train", {})
    item = TrainItem("sft", (), "Goethe", sample_id=sample.id)
    round_ = store.rounds.create(Round("refined_sft", run.id, {}, MODEL), [item])
    journal = store.journal(store.runs.create("quiz", {}).id)
    wording = Question(
        "By whom is Faust?",
        "quiz",
        "paraphrase",
        sample.passage_id,
        parent_id=sample.question_id,
    )
    (question,) = journal.step("ask", lambda: [wording])
    result = QuizResult(question.id, "closed_book", "G.", right, right, 1.0, round_.id)
    journal.step("quiz", lambda: [result])
    return round_


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


# --- the map ------------------------------------------------------------------


def test_the_map_has_a_cell_for_each_question(store, library):
    sample = studied(store, library[1][0])
    actions.decide(store, [sample.id], Decision(0, "approve", "person"))
    markup = knowledge_map.draw(store, MapView())
    assert f'data-pick="s{sample.id}"' in markup
    assert 'aria-label="Who wrote Faust? (gap, approved)"' in markup
    assert "○✓" in markup


@pytest.mark.parametrize(("right", "mark"), [(True, "right"), (False, "wrong")])
def test_after_a_round_the_map_shows_what_was_asked_again(store, library, right, mark):
    sample = studied(store, library[1][0])
    other = studied(store, library[1][1], "Where did he live?")
    round_ = quizzed(store, sample, right)
    markup = knowledge_map.draw(store, MapView(round_id=round_.id))
    assert f"Who wrote Faust? ({knowledge_map.WORDS[mark]}" in markup
    assert f"{other.prompt} (gap" in markup
    assert f"After round {round_.id}" in knowledge_map.draw(store, MapView())


def test_after_a_round_the_map_shows_what_was_trained(store, library):
    sample = studied(store, library[1][0])
    round_ = quizzed(store, studied(store, library[1][1], "Where?"), True)
    second = TrainItem("sft", (), "Goethe", sample_id=sample.id)
    before = store.rounds.get(round_.id)
    run = store.runs.create("train", {})
    later = store.rounds.create(
        Round("refined_sft", run.id, {}, MODEL, parent_id=before.id), [second]
    )
    markup = knowledge_map.draw(store, MapView(round_id=later.id))
    assert markup.count("al-pick al-cell al-trained") == 2


STUDIED = {"known": 1, "learned": 0, "gap": 2, "flagged": 1}


def test_the_grid_counts_what_the_maps_of_its_documents_show(store, library):
    put_passages(store, "another document", ["Of something else."])
    first = studied(store, library[1][0])
    doubt, note = (min(flags) for flags in (DOUBTFUL, FLAGS.keys() - DOUBTFUL))
    changes: list[dict[str, Any]] = [
        {"gap": False},
        {"flags": (doubt,)},
        {"flags": (note,)},
    ]
    run = store.runs.create("study", {})
    journal = store.journal(run.id)
    journal.step("more", lambda: [replace(first, id=0, **change) for change in changes])
    markup = knowledge_grid.draw(store, MapView())
    assert [f"{name} {n}" in markup for name, n in STUDIED.items()] == [True] * 4
    round_ = quizzed(store, first, True)
    markup = knowledge_grid.draw(store, MapView(round_id=round_.id))
    # All four are the same question, which was asked again.
    for words in ("known 1 → 0", "learned 0 → 4", "gap 2 → 0", "flagged 1 → 0"):
        assert words in markup
    assert "passage 1: 4 learned" in markup


def test_the_map_counts_the_samples_that_the_review_finds(store, library, monkeypatch):
    """Deleted documents were counted too, passages without a cell were not."""
    document, (first, second) = library
    put_passages(store, "not studied", ["Of something else."])
    (gone,) = put_passages(store, "gone", ["Of nothing."])
    for passage in (first, second, gone):
        studied(store, passage)
    store.readings.remove(gone.document_id)
    store.library.set_excluded([first.id], excluded=True)
    monkeypatch.setattr(knowledge_grid, "N_PASSAGES", 1)
    assert store.samples.count(SampleFilter(document_id=document.id)) == 2
    markup = knowledge_grid.draw(store, MapView())
    assert "open 2" in markup
    assert html.number(2) in markup
    assert "and 1 more" in markup
    store.readings.leave_out(first.id, 0, 6)
    markup = knowledge_map.draw(store, MapView(document.id))
    assert "gap: 2" in markup
    assert "Former passages" in markup
    assert markup.count('data-pick="s') == 2


def test_a_click_leads_on():
    place = MapView(1, 2, 60)
    assert place.moved("d3") == MapView(3, 2, 0)
    assert place.moved("r0") == MapView(1, 0, 60)
    assert place.moved("p120") == MapView(1, 2, 120)


def test_a_map_of_ten_thousand_samples_is_bounded_and_quick(store):
    passages = put_passages(store, "a", [f"Passage {i}" for i in range(100)])
    journal = store.journal(store.runs.create("study", {}).id)
    questions = journal.step(
        "ask",
        lambda: [
            Question(f"What is {i}?", "study", "model", passages[i % 100].id)
            for i in range(10_000)
        ],
    )
    journal.step(
        "sample",
        lambda: [
            Sample(q.id, q.text, "right", "wrong", True, 0.9, q.passage_id)
            for q in questions
        ],
    )
    begin = time.process_time()
    markup = knowledge_map.draw(store, MapView())
    seconds = time.process_time() - begin
    assert (
        markup.count("al-pick al-cell")
        == knowledge_map.N_PASSAGES * knowledge_map.N_CELLS
    )
    assert "Passages 1 to 60 of 100" in markup
    assert seconds < 1.0  # 0.3 s on an idle computer


# --- texts stay texts -------------------------------------------


def test_hostile_texts_are_shown_as_text(store):
    passage = Passage(0, 0, 0, len(HOSTILE), HOSTILE, 5, heading=HOSTILE)
    store.library.add_document(Document(HOSTILE, "d", len(HOSTILE)), [passage])
    (passage,) = store.library.passages()
    sample = studied(store, passage, HOSTILE, HOSTILE, chosen=HOSTILE)
    skip = Skip("questions", HOSTILE, passage.id, sample.question_id)
    store.journal(store.runs.newest(1)[0].id).step("skip", lambda: [skip])
    for markup in (
        study.newest(store, only_last=True),
        study.detail(store, sample.id),
        knowledge_map.draw(store, MapView()),
    ):
        assert "&lt;img" in markup
        assert "<img" not in markup
        assert not {"{", "}", "$", "`"} & set(markup)


def test_the_end_of_a_study_says_how_much_may_be_learned_and_what_to_do(store, library):
    _, passages = library
    studied(store, passages[0])
    put_model(store, ModelSettings("/models/1B"))
    run = store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    result = {"samples": 9, "gaps": 9, "flags": {"disputed": 9, "no_evidence": 8}}
    store.runs.finish(run.id, "done", result=result | {"approvable": 1})
    markup = study.newest(store, only_last=True)
    assert "9 samples, 9 of them with a gap; the default rule would" in markup
    # The rule approves disputed samples.
    assert "Most frequent obstacles: no evidence (8)." in markup
    assert "teach it the skills first" in markup.partition("al-warning")[2]
    store.runs.save_partial_result(run.id, result | {"approvable": 6})
    assert "teach it the skills" not in study.newest(store, only_last=True)
    skipped = {"approvable": 6, "skipped": 10}
    store.runs.save_partial_result(run.id, result | skipped)
    markup = study.newest(store, only_last=True)
    assert "10 more gave no sample; see “Skipped” below." in markup
    # Not that it reads poorly: most of what it asked may be approved.
    assert f"{study.FEW_QUESTIONS}teach it the skills first" in markup


def put_model(store, model, digest=None):
    """Let the newest run, which has not begun, be one with this model."""
    (run,) = store.runs.newest(1)
    values = {"model": model.as_dict(), "model_digest": digest}
    store.runs.change_settings(run.id, values)
    return run


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("built-in", "choose an instruct model (Model)"),
        ("http://127.0.0.1:1/v1#1B", "choose a larger model."),
        ("/models/1B", "teach it the skills first"),
    ],
)
def test_a_weak_model_is_advised_to_do_what_it_can_do(store, library, name, advice):
    """The built-in one and one on a server were to be taught the skills."""
    store.runs.create("study", {})
    run = put_model(store, ModelSettings(name))
    weak = {"samples": 9, "gaps": 9, "approvable": 0}
    store.runs.finish(run.id, "done", result=weak)
    _, _, warning = study.newest(store, only_last=True).partition("al-warning")
    assert advice in warning
    store.runs.finish(run.id, "done", result={})
    assert f"To do better, {advice}" in study.newest(store, only_last=True)


def test_a_model_that_was_taught_is_not_to_be_taught_again(store, library, monkeypatch):
    """The advice led in a circle."""
    training = store.runs.create("train", {})
    taught = store.rounds.create(
        Round("meta", training.id, {}, MODEL, state="trained"), []
    )
    sentences = {
        None: f"use the adapter of round {taught.id}",
        taught.id: "To do better, choose a larger model.",
    }
    for round_id, sentence in sentences.items():
        store.runs.create("study", {})
        model = ModelSettings("/models/1B", round_id=round_id)
        run = put_model(store, model, "d1")
        store.runs.finish(run.id, "done", result={})
        assert sentence in study.newest(store, only_last=True)
    store.runs.create("study", {})
    run = put_model(store, ModelSettings("/models/1B"), "d1")
    store.runs.finish(run.id, "done", result={})
    in_use = ModelSettings("/models/1B", round_id=taught.id)
    monkeypatch.setattr(study, "chosen_model", lambda _: in_use)
    advice = f"study again with round {taught.id}, which has learned the skills"
    assert advice in study.newest(store, only_last=True)
    store.rounds.set_state(taught.id, "rolled_back")
    store.runs.create("study", {})
    run = put_model(store, ModelSettings("/models/1B"), "d1")
    store.runs.finish(run.id, "done", result={})
    assert "teach it the skills first" in study.newest(store, only_last=True)
