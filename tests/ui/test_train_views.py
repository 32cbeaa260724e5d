"""The train tab: what goes in, what stands in the way, and what is learned."""

from dataclasses import replace

import pytest

from autolearn.core.records import Question
from autolearn.core.settings import ModelSettings
from autolearn.services import actions
from autolearn.services.estimates import memory_needs
from autolearn.services.estimates.round_contents import round_contents
from autolearn.services.token_preview import PreviewRow, TokenPreview
from autolearn.training import presets
from autolearn.ui.tabs import train
from autolearn.ui.views import train as views
from tests.support.trainings import HOSTILE, ORDER, SETTINGS, count, order, samples


def test_what_goes_in_is_what_the_training_would_take(store):
    samples(store, 6, gaps=4)
    store.library.add_questions(
        [Question("Who leads town number 0?", "quiz", "gold", gold_answer="Ada does.")]
    )
    contents = round_contents(store, ORDER, count)
    assert (contents.n_approved, contents.for_method, contents.without_gap) == (6, 6, 2)
    assert contents.dataset.leaked == 1
    assert (len(contents.dataset.items), contents.samples, len(contents.tokens)) == (
        3,
        3,
        3,
    )
    markup = views.intake(contents, SETTINGS)
    assert "Excluded: no gap" in markup
    everything = replace(SETTINGS, only_gaps=False)
    assert (
        len(
            round_contents(store, replace(ORDER, train=everything), count).dataset.items
        )
        == 5
    )


def test_samples_that_ask_the_same_are_counted_as_left_out(store):
    """One sample was missing from those to train on, and no row said why."""
    samples(store, 3, gaps=3)
    samples(store, 2, gaps=1)
    contents = round_contents(store, ORDER, count)
    assert (contents.for_method, contents.repeated, contents.without_gap) == (5, 2, 0)
    assert contents.samples == 3
    row = "Excluded: the same question about the same passage"
    assert row in views.intake(contents, SETTINGS)


@pytest.mark.parametrize("method", ["meta", "pairs"])
def test_a_method_that_learns_from_no_sample_uses_none(store, method):
    """All approved samples were said to be used, and none to be trained on."""
    samples(store, 6, gaps=4)
    contents = round_contents(store, order(method=method), count)
    assert (contents.n_approved, contents.for_method, contents.samples) == (6, 0, 0)
    assert (contents.repeated, contents.without_gap) == (0, 0)


def test_what_prevents_a_training_is_shown_in_the_words_of_the_action(store):
    contents = round_contents(store, ORDER, count)
    (problem,) = train.problems(store, ORDER, contents)
    assert "No sample is approved" in problem
    samples(store, 3, gaps=0)
    contents = round_contents(store, ORDER, count)
    (problem,) = train.problems(store, ORDER, contents)
    assert "nothing to train on" in problem
    stage_2 = replace(SETTINGS, method="al2", only_gaps=False)
    (problem, *_) = train.problems(store, replace(ORDER, train=stage_2), contents)
    assert "stage-1 round" in problem


def test_a_full_disk_prevents_a_training(store, monkeypatch):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, count)
    fit = memory_needs.of_training(store, ModelSettings(), SETTINGS, contents)
    assert fit.disk > 3 * fit.need.adapter
    assert train._disk(store, fit.disk) == []
    (problem,) = train._disk(store, 1 << 60)
    assert "on the disk" in problem


def test_warnings_name_what_a_small_or_long_round_lacks(store):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, lambda text: 500)
    sentences = " ".join(
        views.warnings(
            contents, replace(SETTINGS, replay_weight=0), presets.PRESETS["tiny"]
        )
    )
    assert "Validation needs 16 samples" in sentences
    assert "3 items are longer" in sentences
    assert "may forget" in sentences
    assert "higher than usual" not in sentences
    sentences = " ".join(views.warnings(contents, SETTINGS, presets.PRESETS["gentle"]))
    assert "higher than usual" in sentences


@pytest.mark.parametrize(
    "change", [{"validation_share": 0.0}, *({"method": m} for m in ("al2", "meta"))]
)
def test_a_round_without_validation_is_not_told_how_to_get_one(store, change):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, count)
    settings = replace(SETTINGS, **change)
    sentences = views.warnings(contents, settings, presets.PRESETS["tiny"])
    assert not [s for s in sentences if "Validation needs" in s]


def test_tokens_are_text_and_what_is_learned_is_marked():
    row = PreviewRow((1, 2, 3), 2, (HOSTILE, "\n", HOSTILE))
    contents = TokenPreview(
        ((row,), (row, row)), 2, 10, 1, 0, 6, 2, HOSTILE, ((900, HOSTILE * 9),)
    )
    markup = views.preview(contents)
    assert "<img" not in markup
    assert "${" not in markup
    assert markup.count("al-token al-learned") == 3
    assert "The first 2 items of the round:" in markup
    assert "33 %" in markup
    assert "rejected answer" in markup


def test_a_start_is_queued_with_the_forms_settings(store, monkeypatch):
    samples(store, 3, gaps=3)
    run = actions.train(store, ModelSettings(), replace(SETTINGS, epochs=2))
    assert views.trainings(store) == [run]
    assert "oth papers combined" in views.title(run)
