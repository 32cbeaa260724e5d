import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Document, Exclusion, Passage
from autolearn.evaluation import gold_questions
from autolearn.ui.session import Session
from autolearn.ui.tabs import library
from autolearn.ui.views import document as document_views
from autolearn.ui.views import library as views
from autolearn.ui.views.document import Place

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def ended(store, state, error=None, **result):
    run = store.runs.create("import", {})
    store.runs.finish(run.id, state, error, result)
    return run


def test_the_last_import_is_told_with_all_that_went_wrong(store):
    assert views.report(store) == ""
    run = ended(store, "done", refusals=["b.txt is empty."], repeats=2)
    store.library.add_document(Document("a.txt", "d", 0, run_id=run.id, source=0), [])
    report = views.report(store)
    assert "Added: a.txt." in report
    assert "2 passages repeat earlier ones" in report
    assert "b.txt is empty." in report
    ended(store, "failed", "c.txt is empty.")
    assert "c.txt is empty." in views.report(store)
    ended(store, "cancelled")
    assert "was cancelled; resume it under History." in views.report(store)
    store.runs.create("import", {})
    assert "Queued" in views.report(store)


def test_hostile_names_and_texts_are_shown_as_text(store):
    run = ended(store, "done", refusals=[HOSTILE], repeats=0)
    document = Document(HOSTILE, "d", 9, note=HOSTILE, run_id=run.id, source=0)
    passage = Passage(0, 0, 0, 9, HOSTILE, 5, heading=HOSTILE)
    store.library.add_document(document, [passage], [Exclusion(0, 0, HOSTILE, HOSTILE)])
    markup = views.report(store) + views.documents(store)
    markup += document_views.draw(store, Place(is_beside=True))
    markup += document_views.draw(store, Place())
    for piece in ("<img", "${", "{{"):
        assert piece not in markup


def test_instructions_and_quizzes_come_in_on_the_page(store, tmp_path):
    session = Session(store.folder)
    quiz_file, gold = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    quiz_file.write_text('{"prompt": "Count to three."}\n')
    gold.write_text('{"question": "Who leads Avel?", "answer": "Ada does."}\n')
    assert (
        "1 new instructions"
        in library._take(session, "instructions", str(quiz_file))[0]
    )
    assert "The quiz has 1 more" in library._take(session, "quiz", str(gold))[0]
    assert "The control has 1 more" in library._take(session, "control", str(gold))[0]
    assert [q.question.text for q in gold_questions.questions(store, "control")] == [
        "Who leads Avel?"
    ]
    with pytest.raises(InputError, match="Choose a file"):
        library._take(session, "quiz", None)
    with pytest.raises(InputError):
        library._take(session, "quiz", str(quiz_file))
