"""The preset of a training: it follows the model until a person chooses another."""

from dataclasses import fields
from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.errors import AutolearnError
from autolearn.core.methods import Method
from autolearn.core.settings import TrainSettings
from autolearn.runs.model_choice import chosen_model
from autolearn.training import presets
from autolearn.ui.session import PageContext, Session, now, redraw_on

_UNCHANGED = [gr.skip()] * len(presets.NAMES)


def wire(context: PageContext, preset: gr.Dropdown, form: list[Any]) -> gr.Textbox:
    """Fill the fields of a preset when it is chosen, or when another one fits.

    ``form``: the fields of the settings, in the order of TrainSettings.

    Returns:
        A text that changes once what belongs to another method is in the form.
    """
    places = [field.name for field in fields(TrainSettings)]
    method = form[places.index("method")]
    preset_fields = [form[places.index(name)] for name in presets.NAMES]
    advised, settled = gr.State(""), gr.Textbox("", visible="hidden")
    outputs = [advised, preset, *preset_fields]

    def follow_method(*values: Any) -> list[Any]:
        try:
            changes = follow_method_of(context.session, *values)
        except AutolearnError:  # what follows says why
            changes = [gr.skip()] * len(outputs)
        return [*changes, now()]

    redraw_on([preset.input], _values, [preset, method], preset_fields)
    redraw_on([method.input], follow_method, [preset, method], [*outputs, settled])
    follow_model = partial(follow_model_of, context.session)
    context.redraw_on_opening(follow_model, [advised, method], outputs)
    return settled


def follow_model_of(session: Session, advised: str, method: Method) -> list[Any]:
    """Return the preset that fits the chosen model, unless it was advised before.

    The first value is the preset that is advised, the second the one to choose; the
    others are those of ``presets.NAMES``.
    """
    advice = presets.preset_for(chosen_model(session.store), method)
    if advice == advised:
        return [gr.skip(), gr.skip(), *_UNCHANGED]
    return [advice, advice, *_values(advice, method)]


def follow_method_of(session: Session, preset: str, method: Method) -> list[Any]:
    """Return the learning rate of a method; all values if it needs another preset."""
    advice = presets.preset_for(chosen_model(session.store), method)
    if advice != preset and "skills" in (preset, advice):
        return [advice, advice, *_values(advice, method)]
    values = list(_UNCHANGED)
    rate = presets.NAMES.index("learning_rate")
    values[rate] = _settings(preset, method).learning_rate
    return [advice, preset, *values]


def _settings(preset: str, method: Method) -> TrainSettings:
    return presets.PRESETS[preset].apply(TrainSettings(method=method))


def _values(preset: str, method: Method) -> list[Any]:
    settings = _settings(preset, method)
    return [getattr(settings, name) for name in presets.NAMES]
