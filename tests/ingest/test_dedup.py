"""Passages that repeat others, where thousands are alike."""

import pytest

from autolearn.core.records import Document, Passage, Question
from autolearn.ingest import dedup
from tests.support.texts import put_passages

ROW = (
    "Row {} of the list: the pump was checked, found dry, and filled up by the watch, "
    "which then wrote it down and went on to the next."
)


def test_a_passage_is_compared_with_few_of_those_that_are_alike(store, monkeypatch):
    rows = [ROW.format(n) for n in range(200)]
    passages = put_passages(store, "rows", [*rows, rows[150]])
    compared = []
    similarity = dedup.similarity

    def counted(first, second):
        compared.append(1)
        return similarity(first, second)

    monkeypatch.setattr(dedup, "similarity", counted)
    reports: list[int] = []
    n = dedup.mark(store, {passages[0].document_id}, lambda: False, reports.append)
    assert n >= 190
    assert len(compared) <= len(rows) * dedup.MOST_ALIKE
    assert reports == [passages[0].id]
    last = store.library.passages_by_id([passages[-1].id])[passages[-1].id]
    assert (last.repeats_id, last.excluded) == (passages[150].id, True)


@pytest.mark.parametrize(
    ("first", "second"),
    [("-12 °C", "12 °C"), ("$5", "€5"), ("x>3", "x<3"), ("C++", "C")],
)
def test_passages_that_differ_in_a_sign_are_no_exact_repeats(store, first, second):
    text = (
        "On that day the crew of the old ship in the port of Avel wrote down {} twice."
    )
    passages = put_passages(
        store,
        "log",
        [text.format(first), text.format(second), text.format(first).upper()],
    )
    dedup.mark(store, {passages[0].document_id}, lambda: False, lambda _: None)
    stored = store.library.passages([passages[0].document_id], with_excluded=True)
    assert [(p.repeats_id, p.excluded) for p in stored] == [
        (None, False),
        (passages[0].id, False),
        (passages[0].id, True),
    ]


def test_the_same_words_below_another_heading_are_no_exact_repeat(store):
    """A row of a table was left out, although it told of something else."""
    row, headings = ROW.format(1), ("Avel", "Boro", "Boro")
    n = len(row)
    passages = [
        Passage(0, i, i * n, (i + 1) * n, row, 5, heading)
        for i, heading in enumerate(headings)
    ]
    document = Document("log", "d", len(passages) * n)
    document_id = store.library.add_document(document, passages).id
    dedup.mark(store, {document_id}, lambda: False, lambda _: None)
    first, other, again = store.library.stretch(document_id, 0, 3)
    assert (first.repeats_id, first.excluded) == (None, False)
    assert (other.repeats_id, other.excluded) == (first.id, False)
    assert (again.repeats_id, again.excluded) == (other.id, True)


def test_a_text_that_is_added_again_repeats_what_was_added_meanwhile(store):
    """Its old passages have lower ids, so both were studied."""
    row = ROW.format(1)
    (old,) = put_passages(store, "a", [row])
    question = Question("Who?", "quiz", "gold", old.id, gold_answer="Ada")
    store.library.add_questions([question])
    store.readings.remove(old.document_id)
    (other,) = put_passages(store, "b", [row])
    passage = Passage(0, 0, 0, len(row), row, 5)
    assert store.readings.bring_back(Document("a", "sha a", len(row)), [passage], [])
    dedup.mark(store, {old.document_id}, lambda: False, lambda _: None)
    by_id = store.library.passages_by_id([old.id, other.id])
    assert (by_id[old.id].repeats_id, by_id[old.id].excluded) == (other.id, True)
    assert (by_id[other.id].repeats_id, by_id[other.id].excluded) == (None, False)


def test_combining_marks_are_parts_of_words():
    assert dedup.normal_form("हिन्दी, किताब!") == "हिन्दी किताब"
    assert dedup.normal_form("हिन्दा") != dedup.normal_form("हिन्दी")
