import json
import os

import pytest

from autolearn.core.errors import InputError
from autolearn.core.reading import Column, ReadingChoices
from autolearn.core.records import Question
from autolearn.ingest import importer, originals
from autolearn.ingest.parsing import LocalParser
from autolearn.models import files as model_files
from autolearn.models import token_counting
from tests.support.texts import put, reread

# In Windows-1251 the second paragraph is the same; the first and the third are not.
PARAGRAPHS = ("# A\n\nŻółw.\n\n", "# B\n\nPlain words.\n\n", "# C\n\nWieś.\n")


@pytest.fixture
def polish(store, tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes("".join(PARAGRAPHS).encode("cp1250"))
    assert put(store, path) == []
    return path


def texts(store):
    return [passage.text for passage in store.library.passages(with_excluded=True)]


def test_a_file_is_read_in_another_encoding_and_decisions_stay(store, polish):
    assert texts(store) == list(PARAGRAPHS)
    zolw, plain, _ = store.library.passages()
    store.library.set_excluded([plain.id], excluded=True)
    question = Question("What is it?", "study", "person", zolw.id)
    store.library.add_questions([question])
    os.unlink(polish)
    assert reread(store, "a.md", ReadingChoices("cp1251")) == []
    first, same, _ = store.library.passages(with_excluded=True)
    assert "Żółw" not in first.text
    assert (same.id, same.excluded) == (plain.id, True)
    (document,) = store.library.documents()
    assert document.reading.encoding == "cp1251"
    assert document.reading.choices.encoding == "cp1251"
    assert "cp1250" in {candidate.name for candidate in document.reading.encodings}
    assert "cp1250" not in document.note
    reread(store, "a.md")
    assert texts(store) == list(PARAGRAPHS)
    assert store.library.passages(with_excluded=True)[0].id == zolw.id
    assert store.library.documents()[0].n_characters == sum(map(len, PARAGRAPHS))


def test_a_file_that_cannot_be_read_so_stays_as_it_was(store, polish):
    before = store.library.documents()
    with pytest.raises(InputError, match=r"a\.md cannot be read as 'klingon'"):
        reread(store, "a.md", ReadingChoices("klingon"))
    assert texts(store) == list(PARAGRAPHS)
    assert store.library.documents() == before


def test_choices_about_exclusions_and_stretches_survive_another_reading(
    store, tmp_path
):
    path = tmp_path / "a.csv"
    path.write_text("id,text,year\n1,Avel is old. See page 9.,1711\n2,Orlo.,\n")
    put(store, path)
    (cells,) = store.library.exclusions(1)
    store.exclusions.take_in(cells.id)
    first, *_ = store.library.passages()
    start = first.text.index("See")
    store.exclusions.leave_out(first.id, start, start + len("See page 9."))
    columns = (Column("year", "left out"), Column("id", "left out"))
    lost_texts = reread(store, "a.csv", ReadingChoices(columns=columns))
    assert lost_texts == ["id: 1\nid: 2"], "it is another exclusion, with the year"
    assert texts(store) == ["Avel is old. ", "Orlo.\n\n"]
    reread(store, "a.csv")
    assert texts(store) == ["year: 1711\n\nAvel is old. ", "Orlo.\n\n"]


def test_the_copy_of_a_file_is_kept_once_and_its_loss_is_told(store, tmp_path):
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text("Avel is old.")
    other.write_text("Avel is old.")
    put(store, one)
    assert put(store, other) == ["other.txt is already in the library, as one.txt."]
    (copy,) = (store.folder / originals.FOLDER).iterdir()
    assert copy.read_text() == "Avel is old."
    copy.unlink()
    with pytest.raises(InputError, match=r"copy of one\.txt is no longer in .*add"):
        reread(store, "one.txt")


def test_a_file_of_chats_is_kept_with_what_it_is(store, tmp_path):
    turns = [
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "K."},
    ]
    path = tmp_path / "talks.jsonl"
    path.write_text(json.dumps({"messages": turns}))
    count = token_counting.token_counter(model_files.BUILT_IN)
    intake = importer.TextImporter(store, LocalParser(count, 320))
    (refusal,) = intake.import_files([importer.ImportFile(path, "talks.jsonl")])
    assert refusal.other is not None
    assert (refusal.other.name, refusal.other.kind) == ("talks.jsonl", "chats")
    copy = originals.path(store, refusal.other.original, "talks.jsonl")
    assert copy.read_bytes() == path.read_bytes()
    assert store.library.documents() == []


def test_a_file_that_cannot_be_kept_is_refused_and_the_others_come_in(
    store, tmp_path, monkeypatch
):
    row = {"messages": [{"role": "user", "content": "Who?"}]}
    (tmp_path / "talks.jsonl").write_text(json.dumps(row))
    (tmp_path / "a.txt").write_text("Avel is old.")
    keep = originals.keep

    def full(store, file):
        if file.name == "talks.jsonl":
            raise InputError("The disk is full; free some space.")
        return keep(store, file)

    monkeypatch.setattr(originals, "keep", full)
    refusals = put(store, tmp_path / "talks.jsonl", tmp_path / "a.txt")
    assert refusals == ["The disk is full; free some space."]
    assert [document.name for document in store.library.documents()] == ["a.txt"]
