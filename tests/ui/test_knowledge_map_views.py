"""The knowledge map and its grid: a cell for each question, changed by rounds."""

import time
from dataclasses import replace
from typing import Any

import pytest

from autolearn.core.flags import DOUBTFUL, FLAGS
from autolearn.core.records import Decision, Question, Round, Sample, TrainItem
from autolearn.services import actions
from autolearn.store import SampleFilter
from autolearn.ui import html
from autolearn.ui.views import knowledge_grid, knowledge_map
from autolearn.ui.views.knowledge_map import MapView
from tests.support.faust import MODEL
from tests.support.faust_samples import quizzed, studied
from tests.support.texts import put_passages


def test_the_map_has_a_cell_for_each_question(store, library):
    sample = studied(store, library[1][0])
    actions.decide(store, [sample.id], Decision(0, "approve", "person"))
    markup = knowledge_map.draw(store, MapView())
    assert f'data-pick="s{sample.id}"' in markup
    assert 'aria-label="Who wrote Faust? (gap, approved)"' in markup
    assert "○✓" in markup


@pytest.mark.parametrize(("right", "mark"), [(True, "right"), (False, "wrong")])
def test_after_a_round_the_map_shows_what_was_asked_again(store, library, right, mark):
    sample = studied(store, library[1][0])
    other = studied(store, library[1][1], "Where did he live?")
    round_ = quizzed(store, sample, right)
    markup = knowledge_map.draw(store, MapView(round_id=round_.id))
    assert f"Who wrote Faust? ({knowledge_map.WORDS[mark]}" in markup
    assert f"{other.prompt} (gap" in markup
    assert f"After round {round_.id}" in knowledge_map.draw(store, MapView())


def test_after_a_round_the_map_shows_what_was_trained(store, library):
    sample = studied(store, library[1][0])
    round_ = quizzed(store, studied(store, library[1][1], "Where?"), True)
    second = TrainItem("sft", (), "Goethe", sample_id=sample.id)
    before = store.rounds.get(round_.id)
    run = store.runs.create("train", {})
    later = store.rounds.create(
        Round("refined_sft", run.id, {}, MODEL, parent_id=before.id), [second]
    )
    markup = knowledge_map.draw(store, MapView(round_id=later.id))
    assert markup.count("al-pick al-cell al-trained") == 2


STUDIED = {"known": 1, "learned": 0, "gap": 2, "flagged": 1}


def test_the_grid_counts_what_the_maps_of_its_documents_show(store, library):
    put_passages(store, "another document", ["Of something else."])
    first = studied(store, library[1][0])
    doubt, note = (min(flags) for flags in (DOUBTFUL, FLAGS.keys() - DOUBTFUL))
    changes: list[dict[str, Any]] = [
        {"gap": False},
        {"flags": (doubt,)},
        {"flags": (note,)},
    ]
    run = store.runs.create("study", {})
    journal = store.journal(run.id)
    journal.step("more", lambda: [replace(first, id=0, **change) for change in changes])
    markup = knowledge_grid.draw(store, MapView())
    assert [f"{name} {n}" in markup for name, n in STUDIED.items()] == [True] * 4
    round_ = quizzed(store, first, True)
    markup = knowledge_grid.draw(store, MapView(round_id=round_.id))
    # All four are the same question, which was asked again.
    for words in ("known 1 → 0", "learned 0 → 4", "gap 2 → 0", "flagged 1 → 0"):
        assert words in markup
    assert "passage 1: 4 learned" in markup


def test_the_map_counts_the_samples_that_the_review_finds(store, library, monkeypatch):
    """Deleted documents were counted too, passages without a cell were not."""
    document, (first, second) = library
    put_passages(store, "not studied", ["Of something else."])
    (gone,) = put_passages(store, "gone", ["Of nothing."])
    for passage in (first, second, gone):
        studied(store, passage)
    store.readings.remove(gone.document_id)
    store.library.set_excluded([first.id], excluded=True)
    monkeypatch.setattr(knowledge_grid, "N_PASSAGES", 1)
    assert store.samples.count(SampleFilter(document_id=document.id)) == 2
    markup = knowledge_grid.draw(store, MapView())
    assert "gap 2" in markup
    assert html.number(2) in markup
    assert "and 1 more" in markup
    store.exclusions.leave_out(first.id, 0, 6)
    markup = knowledge_map.draw(store, MapView(document.id))
    assert "gap: 2" in markup
    assert "Former passages" in markup
    assert markup.count('data-pick="s') == 2


def test_a_click_leads_on():
    place = MapView(1, 2, 60)
    assert place.moved("d3") == MapView(3, 2, 0)
    assert place.moved("r0") == MapView(1, 0, 60)
    assert place.moved("p120") == MapView(1, 2, 120)


def test_a_map_of_ten_thousand_samples_is_bounded_and_quick(store):
    passages = put_passages(store, "a", [f"Passage {i}" for i in range(100)])
    journal = store.journal(store.runs.create("study", {}).id)
    questions = journal.step(
        "ask",
        lambda: [
            Question(f"What is {i}?", "study", "model", passages[i % 100].id)
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
    markup = knowledge_map.draw(store, MapView())
    seconds = time.process_time() - begin
    assert (
        markup.count("al-pick al-cell")
        == knowledge_map.N_PASSAGES * knowledge_map.N_CELLS
    )
    assert "Passages 1 to 60 of 100" in markup
    assert seconds < 1.0  # 0.3 s on an idle computer
