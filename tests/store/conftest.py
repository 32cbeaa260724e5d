from dataclasses import replace

import pytest

from autolearn.core.records import Answer, Document, Feedback, Passage, Question, Sample
from tests.support.faust import TEXT, generation


@pytest.fixture
def library(store):
    document = Document("faust.txt", "sha", len(TEXT))
    passages = [
        Passage(0, 0, 0, 19, TEXT[:19], 5),
        Passage(0, 1, 20, 39, TEXT[20:], 5, heading="Life"),
    ]
    document = store.library.add_document(document, passages)
    return document, tuple(store.library.passages())


@pytest.fixture
def samples(store, library):
    """Three samples of one run, with all they rest on."""
    run = store.runs.create("study", {})
    journal = store.journal(run.id)
    _, (passage, _) = library
    (question,) = journal.step(
        "ask",
        lambda: [Question("Who wrote Faust?", "study", "model", passage.id)],
    )
    closed_book, open_book = journal.step(
        "answer",
        lambda: [
            Answer(question.id, "closed_book", "Schiller", generation=generation()),
            Answer(question.id, "open_book", "Goethe", generation=generation(seed=1)),
        ],
    )
    (critique,) = journal.step(
        "judge",
        lambda: [
            Feedback(
                closed_book.id, "critique", "By Goethe.", "incorrect", 0.1, open_book.id
            )
        ],
    )
    first = Sample(
        question.id,
        "Who wrote Faust?",
        "Goethe",
        "Schiller",
        True,
        0.9,
        passage.id,
        open_book.id,
        closed_book.id,
        critique.id,
    )
    new = [
        first,
        replace(first, chosen="Johann Wolfgang", flags=("too_long",)),
        replace(first, chosen="A poet", gap=False),
    ]
    return journal.step("sample", lambda: new)
