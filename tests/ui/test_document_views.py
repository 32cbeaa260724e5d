import json
import re

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.reading import Column, EncodingCandidate, Reading, ReadingChoices
from autolearn.core.records import (
    Document,
    Exclusion,
    ItemKind,
    Passage,
    Round,
    TrainItem,
)
from autolearn.core.run_settings import ImportRunSettings
from autolearn.services import reading_actions
from autolearn.ui.session import Session
from autolearn.ui.tabs.document import press_document
from autolearn.ui.views import document as views
from autolearn.ui.views.document import LibraryViewState
from tests.support import statements
from tests.support.rounds import approve
from tests.support.texts import put, put_passages, put_text

MODEL = ModelIdentity("built-in", "abc", "nf4", "", "")
HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def test_a_long_document_is_shown_a_stretch_at_a_time(store):
    put_passages(store, "long", [f"Passage number {i}. " for i in range(100)])
    begin = views.draw(store, LibraryViewState())
    assert begin.count("<section") == views.AT_ONCE
    assert "100 passages cover 100 % of the characters" in begin
    assert "Passages 1 to 40 of 100" in begin
    assert "Earlier passages" not in begin
    middle = views.draw(store, LibraryViewState(first=40))
    assert "Passage number 40." in middle
    assert 'data-pick="from-0"' in middle
    assert 'data-pick="from-80"' in middle
    assert "Later passages" not in views.draw(store, LibraryViewState(first=80))


def test_what_is_no_part_of_the_text_is_listed_alike_ones_once(store):
    out = [Exclusion(0, 0, "Report", "running head")] * 3
    document = Document("a.pdf", "d", 5, note="was read as cp1252: “x”")
    store.library.add_document(document, [Passage(0, 0, 0, 5, "Text.", 1)], out)
    markup = views.draw(store, LibraryViewState())
    assert "Left out of the file: 3 parts" in markup
    assert "running head (3)" in markup
    assert "running head × 3: Report" in markup  # noqa: RUF001
    assert markup.count("Report") == 2, "in the list and at its place"
    assert "Was read as cp1252: “x”" in markup


def test_the_document_that_was_added_last_is_shown_first(store):
    """A new text was nowhere to be seen: the first one of the library was shown."""
    for name in ("Avel", "Boro"):
        put_text(store, f"{name}.md", f"{name} was founded in 1711.")
    assert "Boro was founded" in views.draw(store, LibraryViewState())


def test_a_repeat_says_of_what(store):
    (first,) = put_passages(store, "a", ["Avel is old."])
    same, near = put_passages(store, "b", [" Avel is old.", "Avel is new."])
    store.library.set_repeats({same.id: (first.id, True), near.id: (first.id, False)})
    markup = views.draw(store, LibraryViewState(same.document_id))
    assert "a repeat of passage 1 of a" in markup
    assert "similar to passage 1 of a" in markup
    assert markup.count("al-out") == 1


@pytest.fixture
def polish(store, tmp_path):
    text = "Młyn spłonął w 1877 roku. Żółta łódź stoi przy moście."
    (tmp_path / "kamil.txt").write_bytes(text.encode("cp1250"))
    assert put(store, tmp_path / "kamil.txt") == []
    return store.library.documents()[0]


def test_a_doubtful_encoding_is_shown_with_what_it_could_be(store, polish):
    markup = views.draw(store, LibraryViewState())
    assert "Windows-1250, Central European, chosen by likelihood" in markup
    assert f'data-pick="encoding-{polish.id}-cp1252"' in markup
    assert "M³yn sp³on" in markup
    assert "-cp1250" not in markup, "it is in use"


def test_an_encoding_is_chosen_by_a_click(store, polish):
    session, key = Session(store.folder), f"encoding-{polish.id}-cp1252"
    place = press_document(session, LibraryViewState(first=9), key)
    assert place == LibraryViewState()
    (run,) = store.runs.newest()
    settings = ImportRunSettings.of(run)
    assert settings.document_id == polish.id
    assert settings.choices == ReadingChoices("cp1252")


def test_columns_are_chosen_by_clicks_and_shown_before_they_are_read(store, tmp_path):
    (tmp_path / "a.csv").write_text("name,text,year\nAvel,It is old.,1712\n")
    put(store, tmp_path / "a.csv")
    session = Session(store.folder)
    markup = views.draw(store, LibraryViewState())
    assert "year: 1712" in markup
    assert "Read with these columns" not in markup
    place = press_document(session, LibraryViewState(), "column-1-2-left out")
    markup = views.draw(store, place)
    assert "Read with these columns" in markup
    assert "year: 1712" not in markup.partition("<h4>")[0]
    assert press_document(session, place, "columns-1") == LibraryViewState(1)
    choices = ImportRunSettings.of(store.runs.newest()[0]).choices
    uses = {"name": "title", "text": "text", "year": "left out"}
    assert choices is not None
    assert {column.name: column.use for column in choices.columns} == uses
    for key in ("column-1-2-all", "column-1-7-text"):
        with pytest.raises(InputError, match="columns have changed"):
            press_document(session, LibraryViewState(), key)


def test_exclusions_and_passages_are_turned_by_clicks(store):
    out = [Exclusion(0, 13, "Report", "running head", "page 2")]
    passages = [Passage(0, 0, 0, 13, "Avel is old. ", 4)]
    document = Document("a.pdf", "d", 13)
    store.library.add_document(document, passages, out)
    session = Session(store.folder)
    beside = views.draw(store, press_document(session, LibraryViewState(), "beside"))
    assert '<del title="running head page 2">Report</del>' in beside
    assert ">Make a passage<" in beside
    assert ">Include<" not in beside  # which is for a passage that is excluded
    press_document(session, LibraryViewState(), "take-1")
    assert "made a passage by you" in views.draw(store, LibraryViewState())
    first, second = store.library.passages()
    for _ in range(2):  # the second click is one of a page that was drawn before
        press_document(session, LibraryViewState(), f"exclude-{second.id}")
        assert store.library.passages() == [first]
    assert f'data-pick="include-{second.id}"' in views.draw(store, LibraryViewState())
    selection = json.dumps([[first.id, 5, 8]])
    press_document(session, LibraryViewState(), f"cut-{selection}")
    assert [p.text for p in store.library.passages()] == ["Avel ", "old. "]
    assert "left out by you: is" in views.draw(store, LibraryViewState())
    for key in ("cut-[]", f"cut-{selection}", "take-1", "exclude-999"):
        with pytest.raises(InputError):
            press_document(session, LibraryViewState(), key)


def test_nothing_moves_while_a_study_reads_the_passages(store, polish):
    store.runs.create("study", {})
    (passage,) = store.library.passages()
    session = Session(store.folder)
    for key in (f"encoding-{polish.id}-cp1252", f"cut-[[{passage.id}, 0, 4]]"):
        with pytest.raises(JobError, match="A study is reading the passages"):
            press_document(session, LibraryViewState(), key)


def test_a_document_that_another_window_deleted_is_missing_in_words(store):
    first, second = (
        put_text(store, f"{n}.md", f"{n} was founded in 1711.") for n in "AB"
    )
    reading_actions.remove(store, second.id)
    markup = views.draw(store, LibraryViewState(second.id))
    assert "This document was deleted" in markup
    assert "A was founded" in views.draw(store, LibraryViewState(first.id))


def test_what_an_earlier_version_added_cannot_be_read_again(store):
    reading = Reading(
        encoding="cp1252",
        encodings=(EncodingCandidate("cp1252", "x"),),
        columns=(Column("a", "text"),),
    )
    document = Document("a.txt", "d", 5, reading=reading)
    store.library.add_document(document, [Passage(0, 0, 0, 5, "Text.", 1)])
    markup = views.draw(store, LibraryViewState())
    assert "Encoding" not in markup
    assert "Columns" not in markup
    with pytest.raises(
        InputError, match="kept no copy of its file; add the file again"
    ):
        press_document(Session(store.folder), LibraryViewState(), "encoding-1-koi8-r")


def test_a_click_acts_on_the_document_that_was_shown(store, tmp_path):
    """Another window deletes the last document; then another one is the last."""
    (tmp_path / "a.csv").write_text("name,text,year\nAvel,It is old.,1712\n")
    (tmp_path / "b.csv").write_text("name,text,year\nBoro,It is new.,1987\n")
    put(store, tmp_path / "a.csv", tmp_path / "b.csv")
    other, last = store.library.documents()
    session = Session(store.folder)
    column = f"column-{last.id}-2-left out"
    chosen = press_document(session, LibraryViewState(), column)
    shown = views.draw(store, LibraryViewState()) + views.draw(store, chosen)
    keys = re.findall(
        r'data-(?:pick|key)="((?:remove|rename|encoding|column).*?)"', shown
    )
    kinds = {key.partition("-")[0] for key in keys}
    assert kinds == {"remove", "rename", "encoding", "column", "columns"}
    reading_actions.remove(store, last.id)
    for key in keys:
        value = "Towns" if key.startswith("rename") else ""
        with pytest.raises(InputError, match=f"no document {last.id}"):
            press_document(session, LibraryViewState(), key + value)
    assert store.library.documents() == [other]
    assert store.runs.newest() == []


def test_the_question_before_a_deletion_names_the_rounds_in_few_queries(store):
    """All rounds were read, and all items of each."""
    learned, other = put_passages(store, "a.md", ["Avel is old. ", "Brin is new."])
    (elsewhere,) = put_passages(store, "b.md", ["Cor is small."])
    approve(store, [learned.id, other.id, elsewhere.id])
    kinds: list[tuple[ItemKind, int]] = [("sft", 1), ("validation", 2), ("sft", 3)]
    items = [
        TrainItem(kind, (), "Ada does.", sample_id=number) for kind, number in kinds
    ]

    def question():
        return views._question(store, store.library.document(1))

    n_statements = []
    for one_by_one in items:
        run = store.runs.create("train", {})
        store.rounds.create(Round("refined_sft", run.id, {}, MODEL), [one_by_one])
        n_statements.append(len(statements.taken_by(store, question)))
    assert "2 samples were made from it" in question()
    assert "Round 1 learned from it" in question()
    assert "unless the quiz is locked" in question()
    assert len(set(n_statements)) == 1
