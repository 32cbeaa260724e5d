"""What the study tab shows of a study, and that texts in it stay texts."""

import time
from dataclasses import replace

import pytest

from autolearn.core.errors import InputError
from autolearn.core.flags import FLAGS
from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    ModelIdentity,
    Prompt,
    Request,
    Sampling,
)
from autolearn.core.records import (
    Answer,
    Decision,
    Document,
    Feedback,
    Passage,
    Question,
    QuizResult,
    Round,
    Sample,
    Skip,
    TrainItem,
)
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.runs import queues
from autolearn.services import actions
from autolearn.ui.session import Session
from autolearn.ui.tabs import review_queue
from autolearn.ui.tabs import study as tab
from autolearn.ui.views import knowledge_map, sample, study
from autolearn.ui.views.knowledge_map import MapCell
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


def studied(store, passage, text="Who wrote Faust?", closed="Schiller", **more):
    """Study one question of a passage in a run of its own."""
    journal = store.journal(store.runs.create("study", {}).id)
    (question,) = journal.step(
        "ask",
        lambda: [
            Question(text, "study", "model", passage.id, generation=generation(text))
        ],
    )
    answers = [
        Answer(question.id, "closed_book", closed, generation=generation(closed)),
        Answer(question.id, "open_book", "Goethe", "Goethe wrote Faust.", 1.0, 0, 6),
        Answer(question.id, "refined", "Goethe wrote it"),
    ]
    one, two, three = journal.step("answer", lambda: answers)
    critique, check = journal.step(
        "judge",
        lambda: [
            Feedback(one.id, "critique", "By Goethe.", "incorrect", 0.1, two.id),
            Feedback(three.id, "check", "Yes.", "correct", 0.8, two.id),
        ],
    )
    made = Sample(
        question.id,
        text,
        "Goethe wrote it",
        closed,
        True,
        0.93,
        passage.id,
        two.id,
        one.id,
        critique.id,
        three.id,
        check.id,
    )
    (kept,) = journal.step("sample", lambda: [replace(made, **more)])
    return kept


def quizzed(store, kept, right):
    """Train a round on a sample and ask its question again in other words."""
    run = store.runs.create("train", {})
    item = TrainItem("sft", (), "Goethe", sample_id=kept.id)
    trained = store.rounds.create(Round("join", run.id, {}, MODEL), [item])
    journal = store.journal(store.runs.create("quiz", {}).id)
    reworded = Question(
        "By whom is Faust?",
        "quiz",
        "paraphrase",
        kept.passage_id,
        parent_id=kept.question_id,
    )
    (asked,) = journal.step("ask", lambda: [reworded])
    result = QuizResult(asked.id, "closed_book", "G.", right, right, 1.0, trained.id)
    journal.step("quiz", lambda: [result])
    return trained


# --- the newest samples -------------------------------------------------------


def test_empty_places_say_what_to_do_next(store):
    assert "Add one under Library" in study.newest(store, only_last=True)
    assert "Add one under Library" in knowledge_map.draw(store, MapCell())
    assert "Select a question" in study.detail(store, 0)


def test_a_library_without_a_study_asks_for_one(store, library):
    assert "Press “Study”" in study.newest(store, only_last=True)
    assert "Press “Study”" in knowledge_map.draw(store, MapCell())


def test_a_running_study_says_how_far_it_is(store, library):
    store.runs.create("study", {})
    run = store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    drawn = study.newest(store, only_last=True)
    assert f"run {run.id}" in drawn
    assert "appear here" in drawn


def test_a_row_shows_both_answers_and_what_was_found(store, library):
    kept = studied(store, library[1][0])
    drawn = study.newest(store, only_last=True)
    for part in ("Who wrote Faust?", "Schiller", "Goethe", "93 %", "pending"):
        assert part in drawn
    assert f'data-pick="s{kept.id}"' in drawn


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
    drawn = study.newest(store, only_last=True)
    assert "no question could be read" in drawn
    assert "faust.txt 2" in drawn


# --- one sample ---------------------------------------------------------------


def test_a_sample_shows_all_that_it_rests_on(store, library):
    kept = studied(store, library[1][0], flags=("same_fact",))
    drawn = study.detail(store, kept.id)
    assert "<mark>Goethe</mark> wrote Faust." in drawn
    assert "<del>Schiller</del>" in drawn
    assert "<ins>Goethe wrote it</ins>" in drawn
    assert "By Goethe." in drawn
    info = FLAGS["same_fact"]
    assert info.label in drawn
    assert info.meaning in drawn
    assert "Exact prompts and raw outputs (2)" in drawn
    assert "temperature 0.7" in drawn


def test_the_evidence_is_marked_where_it_stands_in_the_document(store, library):
    kept = studied(store, library[1][1])
    opened = Answer(
        kept.question_id, "open_book", "Weimar", "in Weimar", 1.0, start=29, end=38
    )
    journal = store.journal(store.runs.create("study", {}).id)
    (better,) = journal.step("answer", lambda: [opened])
    again = replace(kept, id=0, open_answer_id=better.id)
    (other,) = journal.step("sample", lambda: [again])
    assert "<mark>in Weimar</mark>" in study.detail(store, other.id)


def test_a_person_overrules_the_gap_and_takes_it_back(store, library):
    kept = studied(store, library[1][0])
    assert 'data-pick="known"' in study.detail(store, kept.id)
    review_queue.overrule(store, kept.id, gap=False)
    drawn = study.detail(store, kept.id)
    assert "changed by you" in drawn
    assert 'data-pick="gap"' in drawn
    store.decisions.undo(store.decisions.last().id)
    assert "overruled" not in study.detail(store, kept.id)


def test_words_of_a_person_stand_in_place_of_those_of_the_model(store, library):
    kept = studied(store, library[1][0])
    after = {"feedback": "Not Schiller.", "refined": "It was Goethe"}
    actions.decide(store, [kept.id], Decision(0, "edit", "person", after=after))
    drawn = study.detail(store, kept.id)
    assert "Not Schiller." in drawn
    assert "It was Goethe" in drawn
    assert drawn.count("edited by you") == 2


# --- the map ------------------------------------------------------------------


def test_the_map_has_a_cell_for_each_question(store, library):
    kept = studied(store, library[1][0])
    actions.decide(store, [kept.id], Decision(0, "approve", "person"))
    drawn = knowledge_map.draw(store, MapCell())
    assert f'data-pick="s{kept.id}"' in drawn
    assert 'aria-label="Who wrote Faust? (gap, approved)"' in drawn
    assert "○✓" in drawn


@pytest.mark.parametrize(("right", "mark"), [(True, "right"), (False, "wrong")])
def test_after_a_round_the_map_shows_what_was_asked_again(store, library, right, mark):
    kept = studied(store, library[1][0])
    other = studied(store, library[1][1], "Where did he live?")
    trained = quizzed(store, kept, right)
    drawn = knowledge_map.draw(store, MapCell(round_id=trained.id))
    assert f"Who wrote Faust? ({knowledge_map.WORDS[mark]}" in drawn
    assert f"{other.prompt} (gap" in drawn
    assert f"After round {trained.id}" in knowledge_map.draw(store, MapCell())


def test_after_a_round_the_map_shows_what_was_trained(store, library):
    kept = studied(store, library[1][0])
    trained = quizzed(store, studied(store, library[1][1], "Where?"), True)
    second = TrainItem("sft", (), "Goethe", sample_id=kept.id)
    before = store.rounds.get(trained.id)
    run = store.runs.create("train", {})
    later = store.rounds.create(
        Round("join", run.id, {}, MODEL, parent_id=before.id), [second]
    )
    drawn = knowledge_map.draw(store, MapCell(round_id=later.id))
    assert drawn.count("al-pick al-cell al-trained") == 2


def test_a_click_leads_on():
    place = MapCell(1, 2, 60)
    assert place.moved("d3") == MapCell(3, 2, 0)
    assert place.moved("r0") == MapCell(1, 0, 60)
    assert place.moved("p120") == MapCell(1, 2, 120)


def test_a_map_of_ten_thousand_samples_is_bounded_and_quick(store):
    kept = put_passages(store, "a", [f"Passage {i}" for i in range(100)])
    journal = store.journal(store.runs.create("study", {}).id)
    questions = journal.step(
        "ask",
        lambda: [
            Question(f"What is {i}?", "study", "model", kept[i % 100].id)
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
    drawn = knowledge_map.draw(store, MapCell())
    seconds = time.process_time() - begin
    assert (
        drawn.count("al-pick al-cell")
        == knowledge_map.N_PASSAGES * knowledge_map.N_CELLS
    )
    assert "Passages 1 to 60 of 100" in drawn
    assert seconds < 1.0  # 0.3 s on an idle computer


# --- texts stay texts, and the form -------------------------------------------


def test_hostile_texts_are_shown_as_text(store):
    passage = Passage(0, 0, 0, len(HOSTILE), HOSTILE, 5, heading=HOSTILE)
    store.library.add_document(Document(HOSTILE, "d", len(HOSTILE)), [passage])
    (kept,) = store.library.passages()
    made = studied(store, kept, HOSTILE, HOSTILE, chosen=HOSTILE)
    skip = Skip("questions", HOSTILE, kept.id, made.question_id)
    store.journal(store.runs.newest(1)[0].id).step("skip", lambda: [skip])
    for drawn in (
        study.newest(store, only_last=True),
        study.detail(store, made.id),
        knowledge_map.draw(store, MapCell()),
    ):
        assert "&lt;img" in drawn
        assert "<img" not in drawn
        assert not {"{", "}", "$", "`"} & set(drawn)


def test_an_empty_field_is_told_by_its_name(workspace):
    given = [getattr(StudySettings(), name) for name in tab.LABELS]
    with pytest.raises(InputError, match="Questions per passage"):
        tab._study(Session(workspace), [], None, *given[1:])


def test_the_form_has_every_setting_of_a_study():
    assert set(tab.LABELS) | {"passage_tokens"} == set(StudySettings().as_dict())


def test_what_a_study_takes_is_told_before_and_follows_the_form(store, library):
    session, usual = Session(store.folder), StudySettings()
    # Once an import, which names its model by a word, took the estimate away.
    store.runs.create("import", {"model": "built-in"})
    given = {name: getattr(usual, name) for name in tab.LABELS}
    shown = tab._effort(session, [], *given.values())
    n = len(store.library.passages())
    assert f"{n} passages; time unknown until the first study" in shown
    assert "KV cache" in shown
    more = {**given, "answer_tokens": 4096}
    assert tab._effort(session, [], *more.values()) != shown
    empty = {**given, "temperature": None}
    assert "Enter a number" in tab._effort(session, [], *empty.values())
    wrong = {**given, "paraphrases": 99}
    assert "from 0 to 10" in tab._effort(session, [], *wrong.values())
    run = store.runs.create(
        "study", {"model": ModelSettings().as_dict(), "study": usual.as_dict()}
    )
    store.runs.claim(1, ["study"])
    time.sleep(0.02)
    store.runs.finish(run.id, "done", None, {"passages": n})
    assert "at the speed of the last study" in tab._effort(session, [], *given.values())


def test_the_end_of_a_study_says_how_much_may_be_learned_and_what_to_do(store, library):
    _, passages = library
    studied(store, passages[0])
    run = store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    result = {"samples": 9, "gaps": 9, "flags": {"no_evidence": 8, "same_fact": 3}}
    store.runs.finish(run.id, "done", result=result | {"approvable": 1})
    shown = study.newest(store, only_last=True)
    assert "The default rule would approve 1 of 9" in shown
    assert "8 no evidence." in shown
    assert "same fact" not in shown.split("8 no evidence")[1][:40]
    assert "teach it the skills first" in shown
    store.runs.tell(run.id, result | {"approvable": 6})
    assert "teach it the skills" not in study.newest(store, only_last=True)
