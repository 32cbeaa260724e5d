"""What the page draws again and again does not read all passages, however many."""

import re

import pytest

from autolearn.core.records import Document, Passage, Question
from autolearn.models import tokenizer_fit
from autolearn.services.tokenizer_fit import hard_documents
from autolearn.store import SampleFilter
from autolearn.ui.tabs import document_choice
from autolearn.ui.views import (
    control_offer,
    document,
    evaluation,
    guide,
    knowledge_grid,
    knowledge_map,
    library,
    review,
    start,
    status,
    study,
    whole_round,
)
from autolearn.ui.views import tokenizer_fit as fit_views
from autolearn.ui.views.knowledge_map import MapView
from tests.support import statements
from tests.support.texts import put_text

DRAWN = {
    "sidebar": status.draw,
    "steps": guide.draw,
    "whole round": whole_round.draw,
    "start": start.ways,
    "documents": library.documents,
    "document": lambda store: document.draw(store, document.LibraryViewState()),
    "samples": lambda store: study.newest(store, only_last=False),
    "map": lambda store: knowledge_grid.draw(store, MapView()),
    "map of a document": lambda store: knowledge_map.draw(store, MapView(1)),
    "hard texts": fit_views.warning,
    "histogram": lambda store: review.histogram(store, SampleFilter()),
    "quiz": evaluation.lock,
    "rounds": evaluation.rounds,
    "retention": evaluation.retained,
    "control set": control_offer.draw,
}


def whole_reads(store, taken):
    """Return the statements that go through all passages."""
    selects = [sql for sql in taken if re.match(r"\s*(SELECT|WITH)", sql)]
    return [
        sql
        for sql in selects
        for step in store.db.rows(f"EXPLAIN QUERY PLAN {sql}")
        if re.match(
            r"SCAN (passages|p)\b(?!.*(_by_exclusion|_excluded))", step["detail"]
        )
    ]


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_part_of_the_page_does_not_read_all_passages(store, draw):
    put_text(store, "avel.md", "Avel was founded in 1711.")
    question = Question("When?", "quiz", "gold", gold_answer="1711", passage_id=1)
    store.library.add_questions([question])
    taken = statements.taken_by(store, lambda: draw(store))
    assert taken
    assert whole_reads(store, taken) == []


@pytest.mark.parametrize(
    "draw", [library.report, document_choice.new_documents], ids=["report", "choice"]
)
def test_how_a_file_was_read_is_not_decoded_for_all_documents(store, draw):
    """For a file with thousands of columns that takes a tenth of a second each time."""
    run = store.runs.create("import", {})
    text = "Avel was founded in 1711."
    new = Document("avel.md", "a", len(text), note="Is it Avel?", run_id=run.id)
    store.library.add_document(new, [Passage(0, 0, 0, len(text), text, 6)])
    taken = statements.taken_by(store, lambda: draw(store))
    of_import = [sql for sql in taken if "run_id" in sql and " documents" in sql]
    assert of_import
    assert not any("*" in sql or "reading" in sql for sql in of_import)


def test_of_many_documents_the_newest_and_those_nearby_are_listed(store, monkeypatch):
    monkeypatch.setattr(library, "N_LISTED", 3)
    monkeypatch.setattr(knowledge_map, "N_BESIDE", 1)
    ids = [put_text(store, f"{i}.md", f"Town {i} is old.").id for i in range(5)]
    markup = library.documents(store)
    assert re.findall(r'data-pick="(\d+)"', markup) == [str(i) for i in ids[2:]]
    assert "The newest 3 of 5 are listed" in markup
    markup = knowledge_map.draw(store, MapView(ids[3]))
    assert re.findall(r'data-pick="d(\d+)"', markup) == ["0", *map(str, ids[2:])]
    store.library.rename(ids[0], "papers/0.md")
    assert "0.md" in library.documents(store)


def test_reading_all_passages_is_seen(store):
    taken = statements.taken_by(store, store.library.passages)
    assert whole_reads(store, taken) == taken


def test_only_new_documents_are_given_to_the_tokenizer(store, monkeypatch):
    given, whole = [], tokenizer_fit.small_piece_shares

    def shares(folder, texts):
        given.extend(texts)
        return whole(folder, texts)

    monkeypatch.setattr(tokenizer_fit, "small_piece_shares", shares)
    put_text(store, "avel.md", "Avel was founded in 1711, they say.")
    put_text(store, "orlo.md", "Орло был основан в 1711 году, говорят.")
    shares_before = hard_documents(store)
    assert 2 in shares_before
    put_text(store, "brin.md", "Brin was founded in 1712, they say.")
    assert shares_before.items() <= hard_documents(store).items()
    assert given == [
        "Avel was founded in 1711, they say.",
        "Орло был основан в 1711 году, говорят.",
        "Brin was founded in 1712, they say.",
    ]
