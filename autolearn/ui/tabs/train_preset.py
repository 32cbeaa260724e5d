"""The values of the form of a round: a preset fills them, and a person changes them.

The preset follows the model until a person chooses another. What a person has changed
is kept, so that a reload does not lose it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr

from autolearn.core.errors import AutolearnError, InputError
from autolearn.core.methods import METHODS, Method
from autolearn.core.settings import TrainSettings
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store
from autolearn.training import presets
from autolearn.ui.session import LAST, PageContext, now, redraw_on
from autolearn.ui.tabs.train_form import values_of

CHOICE = "train_settings"
"""The choice that stores preset and method, and what differs from their values."""
SETTINGS = [field.name for field in fields(TrainSettings)]


@dataclass(frozen=True)
class Filling:
    """Values to put into the form, and what they belong to."""

    advised: str
    """The preset that fits the model and the method."""
    preset: str
    method: Method
    values: Mapping[str, Any]
    """Only of the settings that change."""

    @property
    def source(self) -> str:
        """Return what the form is filled for then, as a text of three words."""
        return f"{self.advised} {self.preset} {self.method}"


def wire(
    context: PageContext, preset: gr.Dropdown, form: list[Any]
) -> tuple[gr.Textbox, gr.Textbox]:
    """Fill the form when the tab is opened, and for another preset or method.

    ``form``: the fields of the settings, in the order of TrainSettings.

    Returns:
        What the form is filled for, empty before that; and a text that changes once the
        values of another preset or method are in the form.
    """
    session, method = context.session, form[SETTINGS.index("method")]
    # In the browser, not a state: it is sent with the values that it is about.
    filled = gr.Textbox("", visible="hidden")
    settled = gr.Textbox("", visible="hidden")
    outputs = [preset, *form, filled]

    def fill(source: str, method: Method) -> list[Any]:
        return _shown(filling_on_opening(session.store, source, method))

    def follow(source: str, preset: str, method: Method) -> list[Any]:
        try:
            filling = filling_for(session.store, source, preset, method)
        except AutolearnError:  # what follows says why
            filling = None
        return [*_shown(filling), now()]

    def reset(source: str, preset: str, method: Method) -> list[Any]:
        return [*_shown(_of_preset(source, preset, method)), now()]

    inputs, changes = [filled, preset, method], [*outputs, settled]
    gr.on([preset.input, method.input], follow, inputs, changes, **LAST)
    # Also for the preset that is chosen already: the way back to its values.
    redraw_on([preset.select], reset, inputs, changes)
    context.redraw_on_opening(fill, [filled, method], outputs)
    return filled, settled


def _shown(filling: Filling | None) -> list[Any]:
    """Return a filling as the outputs: preset, settings, and what they are for."""
    if filling is None:
        return [gr.skip()] * (len(SETTINGS) + 2)
    values = [filling.values.get(name, gr.skip()) for name in SETTINGS]
    return [filling.preset, *values, filling.source]


def filling_on_opening(store: Store, source: str, method: Method) -> Filling | None:
    """Return the values that were kept; later, those of a preset that fits better.

    ``source``: what the form is filled for, empty in a page that was just loaded.
    """
    if not source:
        return _kept(store)
    advised = presets.preset_for(chosen_model(store), method)
    if advised == source.split()[0]:
        return None
    return Filling(advised, advised, method, _values(advised, method, presets.NAMES))


def filling_for(
    store: Store, source: str, preset: str, method: Method
) -> Filling | None:
    """Return all values of another preset, or what belongs to another method.

    None if neither is another one: a field also reports an input as it loses the focus.
    """
    if not source or source.split()[1:] == [preset, method]:
        return None
    if source.split()[1] != preset:
        return _of_preset(source, preset, method)
    advised = presets.preset_for(chosen_model(store), method)
    if advised != preset and "skills" in (preset, advised):
        values = _values(advised, method, presets.NAMES)
        return Filling(advised, advised, method, values)
    return Filling(advised, preset, method, _values(preset, method, ["learning_rate"]))


def _of_preset(source: str, preset: str, method: Method) -> Filling | None:
    """Return the values of a preset, and the defaults of all other settings."""
    if not source:
        return None
    others = [name for name in SETTINGS if name != "method"]
    return Filling(source.split()[0], preset, method, _values(preset, method, others))


def _values(preset: str, method: Method, names: Sequence[str]) -> dict[str, Any]:
    values = values_of(_settings(preset, method))
    return {name: values[name] for name in names}


def _settings(preset: str, method: Method) -> TrainSettings:
    return presets.PRESETS[preset].apply(TrainSettings(method=method))


def keep(store: Store, source: str, preset: str, values: Sequence[Any]) -> None:
    """Store how the form differs from the values of its preset and method."""
    form = dict(zip(SETTINGS, values, strict=True))
    usual = values_of(_settings(preset, form["method"]))
    kept = {
        "advised": source.split()[0],
        "preset": preset,
        "method": form["method"],
        "changed": {
            name: value
            for name, value in form.items()
            if value is not None and value != usual[name]
        },
    }
    store.choices.set(CHOICE, kept)


def _kept(store: Store) -> Filling:
    """Return the form as it was kept; the default of what is no longer allowed.

    For a model that another preset fits, that preset is taken, with its values.
    """
    kept = store.choices.get(CHOICE) or {}
    default = TrainSettings()
    method = kept["method"] if kept.get("method") in METHODS else default.method
    advised = presets.preset_for(chosen_model(store), method)
    fits = kept.get("advised") == advised and kept["preset"] in presets.PRESETS
    preset = kept["preset"] if fits else advised
    settings = _settings(preset, method)
    for name, value in kept.get("changed", {}).items():
        if fits or name not in presets.NAMES:
            with suppress(InputError, TypeError):  # of another version of the app
                settings = replace(settings, **{name: value})
    # A field that keeps its default may have been typed in while this was computed.
    usual = values_of(default)
    values = {n: v for n, v in values_of(settings).items() if v != usual[n]}
    return Filling(advised, preset, method, values)
