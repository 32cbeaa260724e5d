import pytest

from autolearn.cli import document_commands, main, terminal
from autolearn.core.errors import InputError
from autolearn.core.reading import Column, ReadingChoices
from autolearn.ingest import importer
from autolearn.runs.context import RunContext
from tests.support.texts import put


def finish(store, run, _title, *, quiet):
    """Do an import at once, as the reader does."""
    context = RunContext(store, run, lambda: False, lambda *_: None)
    store.runs.finish(run.id, "done", None, importer.import_(context).as_dict())
    return store.runs.get(run.id)


@pytest.fixture
def table(store, tmp_path, monkeypatch):
    monkeypatch.setattr(document_commands, "finish", finish)
    path = tmp_path / "towns.csv"
    text = "id,text,größe\n1,Avel hat 5 Brücken.,klein\n2,,\n"
    path.write_bytes(text.encode("cp1252"))
    put(store, path)
    return store


def show(store, *options):
    args = main.parser().parse_args(["documents", *options])
    return document_commands.show(store, args)


def test_documents_are_listed_with_what_was_left_out(table):
    (row,) = show(table)["documents"]
    counts = {"passages": 1, "left_out": 2, "notes": 2, "characters": 35}
    assert row == {"document": 1, "name": "towns.csv"} | counts
    assert "towns.csv" in terminal.as_lines(show(table))


def test_a_document_tells_how_it_was_read(table):
    details = show(table, "1")
    assert details["encoding"] == "cp1252"
    (first, *_) = details["it_may_be"]
    assert first["name"] == "Windows-1252, Western European"
    assert "Brücken" in first["looks_like"]
    assert {c["column"]: c["use"] for c in details["columns"]} == {
        "id": "left-out",
        "text": "text",
        "größe": "named",
    }
    assert [(e["reason"], e["place"]) for e in details["left_out"]] == [
        ("blank row", "row 3"),
        ("column left out", "row 2"),
    ]
    assert "Brücken" in terminal.as_lines(details)


def test_a_document_is_read_again_as_asked(table, capsys):
    details = show(table, "1", "--encoding", "iso8859-5", "--column", "id=title")
    assert details["encoding"] == "iso8859-5"
    (passage,) = table.library.passages()
    assert passage.text.startswith("## 1\n\n")
    assert "Brücken" not in passage.text
    show(table, "1", "--again")
    (passage,) = table.library.passages()
    assert passage.text == "größe: klein\n\nAvel hat 5 Brücken.\n\n"


def test_what_was_chosen_before_stays_when_a_document_is_read_again(table):
    """A column that was chosen gave up the encoding that had been chosen."""
    show(table, "1", "--encoding", "iso8859-5")
    assert show(table, "1", "--column", "id=title")["encoding"] == "iso8859-5"
    show(table, "1", "--encoding", "cp1252")
    (passage,) = table.library.passages()
    assert passage.text.startswith("## 1\n\n")
    assert "Brücken" in passage.text


def test_parts_are_taken_in_and_left_out(table):
    show(table, "1", "--leave-out", "Avel hat ")
    assert [p.text for p in table.library.passages()] == [
        "größe: klein\n\n",
        "5 Brücken.\n\n",
    ]
    (kind,) = [e for e in show(table, "1")["left_out"] if e["reason"].endswith("you")]
    show(table, "1", "--take-in", str(kind["exclusion"]))
    ids = [p.id for p in table.library.passages()]
    assert len(ids) == 3
    show(table, "1", "--exclude", str(ids[0]), "--exclude", str(ids[1]))
    show(table, "1", "--include", str(ids[0]))
    assert show(table, "1")["its_passages"] == [
        {"passage": ids[0], "excluded": "no", "text": "größe: klein"},
        {"passage": ids[1], "excluded": "yes", "text": "Avel hat"},
        {"passage": ids[2], "excluded": "no", "text": "5 Brücken."},
    ]
    with pytest.raises(InputError, match=r"towns\.csv has no passage with the id 99"):
        show(table, "1", "--exclude", "99")
    assert [p.id for p in table.library.passages()] == [ids[0], ids[2]]
    with pytest.raises(InputError, match=r"No passage of towns\.csv has this stretch"):
        show(table, "1", "--leave-out", "hat 7")


def test_only_the_document_that_is_named_is_changed(table, tmp_path):
    """Without one, options were ignored; an exclusion could be that of another."""
    (tmp_path / "other.txt").write_text("Orvel has a harbour.")
    put(table, tmp_path / "other.txt")
    with pytest.raises(InputError, match="Name the document that is meant"):
        show(table, "--exclude", "1")
    (kind, *_) = show(table, "1")["left_out"]
    with pytest.raises(InputError, match=r"other\.txt has no exclusion with the id"):
        show(table, "2", "--take-in", str(kind["exclusion"]))
    assert len(table.library.passages()) == 2


def test_the_use_of_a_column_is_checked():
    def choices(*options):
        args = main.parser().parse_args(["add", "a.csv", *options])
        return document_commands.choices(args)

    assert choices() == ReadingChoices()
    assert choices("--column", "a=b=left-out", "--chats-as-texts") == ReadingChoices(
        columns=(Column("a=b", "left out"),), chats_as_texts=True
    )
    for option in ("a", "a=", "=text", "a=body"):
        with pytest.raises(InputError, match=r"must be NAME=USE, where USE is one of"):
            choices("--column", option)
