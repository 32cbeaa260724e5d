import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Document, Exclusion, Passage
from autolearn.evaluation import gold_questions
from autolearn.ui.session import Session
from autolearn.ui.tabs import library
from autolearn.ui.views import library as views
from tests.support.texts import put_passages

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def ended(store, state, error=None, **result):
    run = store.runs.create("import", {})
    store.runs.finish(run.id, state, error, result)
    return run


def test_a_long_document_is_shown_a_stretch_at_a_time(store):
    put_passages(store, "long", [f"Passage number {i}. " for i in range(100)])
    begin = views.passages(store, 0)
    assert begin.count("<section") == views.AT_ONCE
    assert "100 passages cover 100 % of the characters; 1 to 40 are shown" in begin
    assert "Earlier passages" not in begin
    middle = views.passages(store, 0, 40)
    assert "Passage number 40." in middle
    assert 'data-pick="from-0"' in middle
    assert 'data-pick="from-80"' in middle
    assert "Later passages" not in views.passages(store, 0, 80)


def test_what_is_no_part_of_the_text_is_listed_alike_ones_once(store):
    out = [Exclusion(0, 0, "Report", "running head")] * 3
    document = Document("a.pdf", "d", 5, note="was read as cp1252: “x”")
    store.library.add_document(document, [Passage(0, 0, 0, 5, "Text.", 1)], out)
    markup = views.passages(store, 0)
    assert "Left out of the file: 3 parts" in markup
    assert markup.count("running head") == 1
    assert "was read as cp1252: “x”." in markup


def test_a_repeat_says_of_what(store):
    (first,) = put_passages(store, "a", ["Avel is old."])
    same, near = put_passages(store, "b", [" Avel is old.", "Avel is new."])
    store.library.set_repeats({same.id: (first.id, True), near.id: (first.id, False)})
    markup = views.passages(store, same.document_id)
    assert "a repeat of passage 1 of a" in markup
    assert "similar to passage 1 of a" in markup
    assert markup.count("al-out") == 1


def test_the_last_import_is_reported_with_all_that_went_wrong(store):
    assert views.report(store) == ""
    run = ended(store, "done", refused=["b.txt is empty."], repeats=2)
    store.library.add_document(Document("a.txt", "d", 0, run_id=run.id, source=0), [])
    markup = views.report(store)
    assert "Added: a.txt." in markup
    assert "2 passages repeat earlier ones" in markup
    assert "b.txt is empty." in markup
    ended(store, "failed", "c.txt is empty.")
    assert "c.txt is empty." in views.report(store)
    ended(store, "cancelled")
    assert "was cancelled; resume it under History." in views.report(store)
    store.runs.create("import", {})
    assert "Queued" in views.report(store)


def test_hostile_names_and_texts_are_shown_as_text(store):
    run = ended(store, "done", refused=[HOSTILE], repeats=0)
    document = Document(HOSTILE, "d", 9, note=HOSTILE, run_id=run.id, source=0)
    passage = Passage(0, 0, 0, 9, HOSTILE, 5, heading=HOSTILE)
    store.library.add_document(document, [passage], [Exclusion(0, 0, HOSTILE, HOSTILE)])
    markup = views.report(store) + views.documents(store) + views.passages(store, 0)
    for piece in ("<img", "${", "{{"):
        assert piece not in markup


def test_instructions_and_quizzes_come_in_on_the_page(store, tmp_path):
    session = Session(store.folder)
    prompts, gold = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    prompts.write_text('{"prompt": "Count to three."}\n')
    gold.write_text('{"question": "Who leads Avel?", "answer": "Ada does."}\n')
    assert (
        "1 new instructions" in library._take(session, "instructions", str(prompts))[0]
    )
    assert "The quiz has 1 more" in library._take(session, "quiz", str(gold))[0]
    assert "The control has 1 more" in library._take(session, "control", str(gold))[0]
    assert [q.question.text for q in gold_questions.questions(store, "control")] == [
        "Who leads Avel?"
    ]
    with pytest.raises(InputError, match="Choose a file"):
        library._take(session, "quiz", None)
    with pytest.raises(InputError):
        library._take(session, "quiz", str(prompts))
