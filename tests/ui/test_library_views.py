import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import GoldQuestion
from autolearn.core.records import Document, Exclusion, Passage
from autolearn.core.run_settings import ImportRunSettings, StudyRunSettings
from autolearn.evaluation import gold_import, quiz_sets
from autolearn.services import actions, demo_library
from autolearn.store import QuestionFilter
from autolearn.ui.session import Session
from autolearn.ui.tabs import document_choice, library
from autolearn.ui.views import document as document_views
from autolearn.ui.views import library as views
from autolearn.ui.views.document import LibraryViewState
from tests.support.texts import put_passages

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
    assert "2 passages repeat an earlier one: exact repeats are excluded" in report
    assert "b.txt is empty." in report
    ended(store, "failed", "c.txt is empty.")
    assert "c.txt is empty." in views.report(store)
    ended(store, "cancelled")
    assert "was cancelled; resume it under History." in views.report(store)
    ended(store, "interrupted", "The reader ended.")
    assert "was interrupted; resume it under History." in views.report(store)
    store.runs.create("import", {})
    assert "Queued" in views.report(store)


def test_hostile_names_and_texts_are_shown_as_text(store):
    run = ended(store, "done", refusals=[HOSTILE], repeats=0)
    document = Document(HOSTILE, "d", 9, note=HOSTILE, run_id=run.id, source=0)
    passage = Passage(0, 0, 0, 9, HOSTILE, 5, heading=HOSTILE)
    store.library.add_document(document, [passage], [Exclusion(0, 0, HOSTILE, HOSTILE)])
    markup = views.report(store) + views.documents(store)
    markup += document_views.draw(store, LibraryViewState(is_beside=True))
    markup += document_views.draw(store, LibraryViewState())
    for piece in ("<img", "${", "{{"):
        assert piece not in markup


def test_instructions_and_quizzes_come_in_on_the_page(store, tmp_path):
    session = Session(store.folder)
    quiz_file, gold = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    quiz_file.write_text('{"prompt": "Count to three."}\n')
    gold.write_text('{"question": "Who leads Avel?", "answer": "Ada does."}\n')
    assert (
        "New instructions: 1."
        in library._add_questions(session, "instructions", str(quiz_file))[0]
    )
    assert "in the quiz: 1." in library._add_questions(session, "quiz", str(gold))[0]
    assert (
        "in the control set: 1."
        in library._add_questions(session, "control", str(gold))[0]
    )
    assert [q.question.text for q in quiz_sets.questions(store, "control")] == [
        "Who leads Avel?"
    ]
    with pytest.raises(InputError, match="Choose a file"):
        library._add_questions(session, "quiz", None)
    with pytest.raises(InputError):
        library._add_questions(session, "quiz", str(quiz_file))


def test_documents_are_grouped_by_the_folder_of_their_name(store):
    names = ("notes.txt", "papers/a.pdf", "papers/2020/b.pdf", "papers/c.pdf")
    for name in names:
        put_passages(store, name, ["Orlo was founded in 1711."])
    listed = views.documents(store)
    assert "<strong>papers/ </strong>" in listed
    assert "2 documents, 10 tokens" in listed
    assert "<strong>papers/2020/ </strong>" in listed
    assert "1 document, 5 tokens" in listed
    assert listed.index("notes.txt") < listed.index("papers/2020/")
    for short in (">a.pdf<", ">b.pdf<", ">c.pdf<"):
        assert short in listed, "within a folder its name is not repeated"


def test_the_demo_library_is_removed_at_once_and_nothing_else(store):
    """Its eight documents had to be deleted one by one."""
    assert views.demo(store) == ""
    own = ["own.md", min(demo_library.LIBRARY.glob("*.md")).name]
    for name in own:
        put_passages(store, name, ["Orlo was founded in 1711."])
    assert views.demo(store) == "", "a text of the same name is another one"
    demo_library.add_texts(store, None)
    markup = views.demo(store)
    assert "Delete the 8 documents of the demo library?" in markup
    assert "rounds keep what they learned" in markup
    demo_library.remove(store)
    assert [document.name for document in store.library.documents()] == own
    assert views.demo(store) == ""


def test_only_a_study_of_one_of_its_texts_keeps_the_demo_library(store):
    """A study of other texts kept it, too."""
    (own,) = put_passages(store, "own.md", ["Orlo was founded in 1711."])
    demo_library.add_texts(store, None)
    documents = demo_library.documents(store)
    settings = StudyRunSettings(documents=(own.document_id, documents[-1].id))
    study = store.runs.create("study", settings.as_dict())
    with pytest.raises(JobError, match="A study is reading the passages"):
        demo_library.remove(store)
    assert demo_library.documents(store) == documents, "all of them or none"
    store.runs.finish(study.id, "cancelled")
    store.runs.create("study", StudyRunSettings(documents=(own.document_id,)).as_dict())
    demo_library.remove(store)
    assert demo_library.documents(store) == []


def test_a_folder_is_chosen_with_all_its_documents(store):
    for name in ("notes.txt", "papers/a.pdf", "papers/2020/b.pdf"):
        put_passages(store, name, ["Orlo was founded in 1711."])
    shelf = store.library.document_sizes()
    assert document_choice.choices(shelf) == [
        ("papers/ (1 document)", "papers"),
        ("papers/2020/ (1 document)", "papers/2020"),
        ("notes.txt", 1),
        ("papers/a.pdf", 2),
        ("papers/2020/b.pdf", 3),
    ]
    assert document_choice.document_ids(store, ["papers/2020", 1]) == [1, 3]
    assert document_choice.document_ids(store, ["gone"]) == []


def test_what_is_added_at_once_goes_to_the_folder_that_a_person_names(store, tmp_path):
    upload = tmp_path / "b.md"
    upload.write_text("Orlo has 340 inhabitants.")
    uploads = actions.Uploads([upload], ("c.txt", "Orlo is a town."), " papers/new/ ")
    run = actions.add_texts(store, [upload], "built-in", 320, uploads=uploads)
    names = [entry.name for entry in ImportRunSettings.of(run).sources]
    assert names == ["papers/new/b.md", "papers/new/b.md", "papers/new/c.txt"]


def test_a_quiz_finds_its_document_in_a_folder(store):
    (passage,) = put_passages(store, "papers/orlo.md", ["Orlo was founded in 1711."])
    question = GoldQuestion("When was Orlo founded?", "1711", document="orlo.md")
    gold_import.import_gold(store, [question], "quiz")
    (record,) = store.library.questions(QuestionFilter(split="quiz"))
    assert record.passage_id == passage.id


def test_what_was_added_since_the_last_study_is_selected_for_the_next(store):
    put_passages(store, "old.txt", ["Orlo has 340 inhabitants."])
    assert document_choice.new_documents(store) == []
    added = store.runs.create("import", {})
    new = Document("new.txt", "d", 9, run_id=added.id, source=0)
    record = store.library.add_document(new, [])
    assert document_choice.new_documents(store) == [record.id]
    store.runs.create("study", {})
    assert document_choice.new_documents(store) == []


def test_all_that_was_added_since_the_last_study_is_selected(store):
    """Of several texts only those that were added last, or none after a corpus."""
    put_passages(store, "old.txt", ["Orlo has 340 inhabitants."])
    ids = []
    for name in ("a.txt", "b.txt"):
        added = store.runs.create("import", {})
        new = Document(name, name, 9, run_id=added.id, source=0)
        ids.append(store.library.add_document(new, []).id)
    store.runs.create("import", {})  # a corpus
    assert document_choice.new_documents(store) == ids
