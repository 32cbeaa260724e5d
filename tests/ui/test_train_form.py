"""The form of the train tab: its settings, the preset, and what a reload keeps."""

from dataclasses import fields
from itertools import chain

import gradio as gr
import pytest

from autolearn.core.errors import InputError
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.training import presets
from autolearn.ui.tabs import train, train_form, train_preset
from tests.support.layouts import events, laid_out
from tests.support.trainings import SETTINGS


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
    assert other.values["learning_rate"] == 2e-4


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
        _, event = events()
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
        (event,) = events()
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


def test_a_method_settles_even_if_the_model_is_gone(context):
    """Otherwise the plan of the former method would stay."""
    context.session.store.choices.set("model", ModelSettings("/gone").as_dict())

    def lay_out():
        form = [train_form.field_of(field.name) for field in fields(TrainSettings)]
        train_preset.wire(context, gr.Dropdown(), form)
        return events()[0]

    event = laid_out(lay_out)
    *unchanged, settled_at = event.fn("tiny tiny refined_sft", "tiny", "meta")
    assert all(value == gr.skip() for value in unchanged)
    assert settled_at
