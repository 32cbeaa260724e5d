"""The train tab: what goes in, what stands in the way, and what is chosen."""

from dataclasses import fields, replace
from itertools import chain

import gradio as gr
import pytest
from gradio.context import get_blocks_context

from autolearn.core.errors import InputError
from autolearn.core.records import Question
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.runs.model_choice import choose_model
from autolearn.services import actions
from autolearn.services.estimates import memory_needs
from autolearn.services.estimates.round_contents import round_contents
from autolearn.services.token_preview import PreviewRow, TokenPreview
from autolearn.study import prompts
from autolearn.training import presets
from autolearn.ui.html import Html
from autolearn.ui.session import Session
from autolearn.ui.tabs import train, train_form, train_preset, training_progress
from autolearn.ui.views import train as views
from tests.support.layouts import laid_out
from tests.support.rounds import one_round
from tests.support.texts import put_passages
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


def test_the_preset_follows_the_model_until_a_person_changes_it(store, monkeypatch):
    first = train_preset.filling_on_opening(store, "", "refined_sft")
    assert first
    assert first.source == "tiny tiny refined_sft"
    again = train_preset.filling_on_opening(store, first.source, "refined_sft")
    assert again is None
    monkeypatch.setattr(presets, "preset_for", lambda *_: "facts")
    other = train_preset.filling_on_opening(store, first.source, "refined_sft")
    assert other
    assert other.source == "facts facts refined_sft"
    assert set(other.values) == set(presets.NAMES)
    assert other.values["learning_rate"] == 5e-4


def test_another_method_changes_all_values_only_if_it_needs_another_preset(
    store, monkeypatch
):
    source = "tiny gentle refined_sft"
    filling = train_preset.filling_for(store, source, "gentle", "al1")
    assert filling
    assert filling.source == "tiny gentle al1"
    assert [*filling.values] == ["learning_rate"]
    monkeypatch.setattr(presets, "preset_for", lambda *_: "skills")
    filling = train_preset.filling_for(store, "tiny tiny al1", "tiny", "meta")
    assert filling
    assert filling.source == "skills skills meta"
    assert set(filling.values) == set(presets.NAMES)


def test_a_field_that_only_loses_the_focus_changes_nothing(store):
    """It set the values of the preset again, so that changes of a person were lost."""
    assert train_preset.filling_for(store, "tiny tiny al1", "tiny", "al1") is None


def test_a_preset_that_is_chosen_again_sets_all_settings_but_the_method(context):
    def lay_out():
        form = [train_form.field_of(name) for name in train_preset.SETTINGS]
        train_preset.wire(context, gr.Dropdown(), form)
        blocks = get_blocks_context()
        assert blocks
        _, event = blocks.fns.values()
        assert {name for _, name in event.targets} == {"select"}
        return event

    preset, *shown, source, _ = laid_out(lay_out).fn("tiny small al1", "small", "al1")
    assert (preset, source) == ("small", "tiny small al1")
    values = dict(zip(train_preset.SETTINGS, shown, strict=True))
    assert values.pop("method") == gr.skip()
    settings = presets.PRESETS["small"].apply(TrainSettings(method="al1"))
    assert values.items() <= train_form.values_of(settings).items()


def test_the_form_is_as_a_person_left_it_after_a_reload(context, store, monkeypatch):
    """The number of steps, the preset and the method were those of the first visit."""

    def lay_out():
        form = [train_form.field_of(name) for name in train_preset.SETTINGS]
        others = [gr.Textbox(), gr.Dropdown(), gr.Dropdown()]
        train.keep_on_input(context.session, [*others, *form], gr.Textbox())
        blocks = get_blocks_context()
        assert blocks
        (event,) = blocks.fns.values()
        return event.fn

    keep = laid_out(lay_out)
    gentle = presets.PRESETS["gentle"].apply(TrainSettings(method="al1"))
    changed = {"max_steps": 12, "rank": 8, "seed": None, "weight_decay": 5.0}
    values = [*(train_form.values_of(gentle) | changed).values()]
    keep("", "gentle", 0, *values)  # before the form was filled
    assert store.choices.get(train_preset.CHOICE) is None
    keep("tiny gentle al1", "gentle", 0, *values)
    form = train_preset.filling_on_opening(store, "", "refined_sft")
    assert form
    assert form.source == "tiny gentle al1"
    own = {"method": "al1", "max_steps": 12, "rank": 8, "batch_size": 16}
    assert own.items() <= form.values.items()
    # One was empty, the other out of its range.
    assert not {"seed", "weight_decay"} & set(form.values)
    monkeypatch.setattr(presets, "preset_for", lambda *_: "facts")
    form = train_preset.filling_on_opening(store, "", "refined_sft")
    assert form
    assert form.source == "facts facts al1"
    of_other_model = {"method": "al1", "max_steps": 12, "rank": 16, "batch_size": 4}
    assert of_other_model.items() <= form.values.items()


def test_the_replay_weight_decides_only_whether_texts_are_read_again(store):
    (passage,) = put_passages(store, "a.txt", ["Ada leads all of them."])
    samples(store, 20, gaps=20, passage_id=passage.id)
    memo = train.PlanCache()
    contents = memo.intake(store, ORDER)
    n_read, n_checked = 1, round(20 / 16)
    assert len(contents.other_replay) == 5 * n_read + 2 * n_checked
    assert memo.intake(store, order(replay_weight=9.0)) is contents
    assert memo.intake(store, order(replay_weight=0.0)).other_replay == ()


def test_a_look_is_made_anew_only_when_something_changed(store):
    samples(store, 3, gaps=3)
    memo = train.PlanCache()
    first = memo.intake(store, ORDER)
    assert memo.intake(store, order(epochs=3)) is first
    store.decisions.undo_batch(store.decisions.last().id)
    assert memo.intake(store, ORDER).n_approved == 0


def test_fewer_steps_shorten_what_is_written_before_them(store):
    """The estimate kept the replay of the number of steps that was looked at first."""
    samples(store, 20, gaps=20)
    memo = train.PlanCache()
    assert memo.intake(store, ORDER).n_instructions == 20
    assert memo.intake(store, order(max_steps=1)).n_instructions == 8
    assert memo.intake(store, ORDER).n_instructions == 20


def test_a_look_is_made_anew_when_a_passage_or_a_prompt_has_changed(store):
    """It showed what a round would have learned before."""
    kept, other = put_passages(store, "a.txt", ["Ada leads all.", "Bo heads Cova."])
    samples(store, 3, gaps=3, passage_id=kept.id)
    memo, on_texts = train.PlanCache(), order(method="cpt")
    assert len(memo.intake(store, on_texts).dataset.items) == 2
    store.library.set_excluded([other.id], excluded=True)
    (item,) = memo.intake(store, on_texts).dataset.items
    assert item.chosen == kept.text
    text = prompts.default_text("closed_book").replace("full", "short")
    before = memo.intake(store, ORDER).dataset.items[0]
    with prompts.fixed({"closed_book": text}):
        after = memo.intake(store, ORDER).dataset.items[0]
    assert "one full sentence" in before.chat[0].content
    assert "one short sentence" in after.chat[0].content


def test_a_plan_is_that_of_its_own_window_while_another_plans_a_round(store):
    """Each got what had been planned last, be it by the other."""
    samples(store, 3, gaps=3)

    class SharedCache(train.PlanCache):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "_cached":
                self.__dict__[name] = ("the round of the other window", None)

    assert SharedCache().intake(store, ORDER).n_approved == 3


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


def test_a_round_says_that_it_will_lack_the_skills_of_the_one_in_use(store):
    taught = one_round(store, "meta")
    choose_model(store, ModelSettings(round_id=taught.id))
    (note,) = train._skills_left_behind(store, ORDER)
    assert f"Round {taught.id}, which is in use, has learned meta-skills" in note
    for other in (replace(ORDER, parent=taught.id), order(method="meta")):
        assert train._skills_left_behind(store, other) == []
    choose_model(store, ModelSettings())
    assert train._skills_left_behind(store, ORDER) == []


def test_a_round_starts_from_the_one_in_use_if_that_has_learned_skills(
    store, monkeypatch
):
    """It started from the base model again after each reload, and lost the skills."""
    session = Session(store.folder)

    def offer(choices, chosen, default):
        """Return what stays chosen, and what takes its place if that is nothing."""
        return chosen, default

    monkeypatch.setattr(training_progress, "offer", offer)
    facts, taught = one_round(store, "al1"), one_round(store, "meta")
    choose_model(store, ModelSettings(round_id=facts.id))
    parent, _, known = training_progress._lists(session, (), 0, 0)
    assert parent == (0, 0)
    choose_model(store, ModelSettings(round_id=taught.id))
    for old in ((), known):  # after a reload, and in an open page
        parent, _, new = training_progress._lists(session, old, 0, 0)
        assert parent == (None, taught.id)
    another = one_round(store, "al1")
    for chosen in (0, another.id):  # by a person
        parent, *_ = training_progress._lists(session, new, chosen, 0)
        assert parent == (chosen, taught.id)
    choose_model(store, ModelSettings())
    parent, *_ = training_progress._lists(session, new, taught.id, 0)
    assert parent == (None, 0)


def test_the_parent_that_was_chosen_is_kept_for_its_model(store, monkeypatch):
    """Each reload chose the default again."""
    session = Session(store.folder)
    monkeypatch.setattr(
        training_progress, "offer", lambda _, chosen, default: (chosen, default)
    )
    facts, taught = one_round(store, "al1"), one_round(store, "meta")
    choose_model(store, ModelSettings(round_id=taught.id))

    def after_reload():
        parent, *_ = training_progress._lists(session, (), 0, 0)
        return parent

    usual = None, taught.id
    for chosen, shown in (
        (facts.id, (None, facts.id)),
        (0, (0, 0)),
        (taught.id, usual),
        (taught.id + 1, usual),  # no longer there
    ):
        training_progress.keep_parent(store, chosen)
        assert after_reload() == shown
    of_another_model = {"model": "another", "round": facts.id}
    store.choices.set(training_progress.PARENT, of_another_model)
    assert after_reload() == usual


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


def test_the_form_has_every_setting_once_in_rows_of_two_to_four():
    """All stood in one column."""
    rows = [*chain.from_iterable(train_form.GROUPS.values())]
    names = [*train_form.FIRST, *chain.from_iterable(rows)]
    assert sorted(names) == sorted(field.name for field in fields(TrainSettings))
    assert {len(row) for row in rows} <= {2, 3, 4}


def test_a_form_gives_settings_or_says_what_is_wrong():
    values = [getattr(SETTINGS, field.name) for field in fields(TrainSettings)]
    assert train_form.settings_of(values) == SETTINGS
    empty = [None if v == SETTINGS.epochs else v for v in values]
    with pytest.raises(InputError, match="Enter a number"):
        train_form.settings_of(empty)


@pytest.mark.parametrize(
    ("choice", "tracker"), [("", None), (None, None), ("trackio", "trackio")]
)
def test_a_form_chooses_a_tracker_or_none(choice, tracker):
    names = [field.name for field in fields(TrainSettings)]
    values = [getattr(SETTINGS, name) for name in names]
    values[names.index("tracker")] = choice
    assert train_form.settings_of(values).tracker == tracker


def test_a_start_is_queued_with_the_forms_settings(store, monkeypatch):
    samples(store, 3, gaps=3)
    run = actions.train(store, ModelSettings(), replace(SETTINGS, epochs=2))
    assert views.trainings(store) == [run]
    assert "oth papers combined" in views.title(run)


def test_another_method_is_planned_once_and_with_the_values_of_its_preset():
    """Each field that a preset sets began a drawing, and the first lacked the others.

    Until the last of them was done, the page showed the numbers of the former method.
    """

    def lay_out():
        method, epochs = gr.Dropdown(elem_id=train.METHOD), gr.Number()
        filled, plan = gr.Textbox(), gr.HTML()
        train.wire_plan(lambda *_: Html(""), [method, epochs], [filled], plan)
        blocks = get_blocks_context()
        assert blocks
        (event,) = blocks.fns.values()
        assert {place for place, _ in event.targets} == {filled._id, epochs._id}
        return event

    event = laid_out(lay_out)
    assert event.trigger_mode == "always_last"
    assert event.show_progress == "minimal"


def test_the_plan_of_the_former_method_goes_at_once():
    """It stood for seconds beside the new method, and without a sign."""

    def lay_out():
        method, plan = gr.Dropdown(), gr.HTML()
        train.announce_plan(method, plan)
        blocks = get_blocks_context()
        assert blocks
        (event,) = blocks.fns.values()
        assert event.targets == [(method._id, "input")]
        assert event.outputs == [plan]
        return event

    event = laid_out(lay_out)
    assert event.fn is None, "the server is not asked"
    assert "Computing the plan" in event.js


def test_the_plan_is_drawn_after_the_parent_and_the_settings_of_the_form(context):
    """As the tab was opened, the plan was that of the parent shown before."""

    def lay_out():
        parts = replace(context, last_action_at=gr.Textbox(), notice=gr.HTML())
        train.build(parts)
        return [one.outputs for one in parts.redrawn_on_change]

    outputs = laid_out(lay_out)
    ids = {getattr(part, "elem_id", None) for group in outputs for part in group}
    assert "train-parent" in ids
    assert "train-plan" not in ids


def test_a_method_settles_even_if_the_model_is_gone(context):
    """Otherwise the plan of the former method would stay."""
    context.session.store.choices.set("model", ModelSettings("/gone").as_dict())

    def lay_out():
        form = [train_form.field_of(field.name) for field in fields(TrainSettings)]
        train_preset.wire(context, gr.Dropdown(), form)
        blocks = get_blocks_context()
        assert blocks
        return next(iter(blocks.fns.values()))

    event = laid_out(lay_out)
    *unchanged, settled_at = event.fn("tiny tiny refined_sft", "tiny", "meta")
    assert all(value == gr.skip() for value in unchanged)
    assert settled_at
