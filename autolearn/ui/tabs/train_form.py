"""The settings of a training: the usual ones, and the others in groups."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.core.methods import METHODS
from autolearn.core.settings import Evolution, Tracker, TrainSettings
from autolearn.ui import html
from autolearn.ui.session import html_panel
from autolearn.ui.tabs.setting_labels import named_by
from autolearn.ui.views import labels

FIRST = ("method", "replay_weight", "epochs", "max_steps")
"""The settings that are always seen; the others are folded."""
GROUPS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "What is trained on": (("only_gaps", "max_tokens"),),
    "How long": (("least_steps", "validation_share", "stop_at"),),
    "How strongly": (
        ("learning_rate", "rank", "alpha", "batch_size"),
        ("choose_scale", "warmup_steps", "max_grad_norm", "weight_decay"),
    ),
    "What is replayed": (("replay_share", "least_replay"),),
    "Of one method only": (
        ("evolution", "meta_share", "meta_examples"),
        ("dqa", "beta", "nll_weight", "statements"),
    ),
    "How the run is done": (("seed", "devices", "checkpoint_seconds", "tracker"),),
}
"""The folded settings, in rows below a heading."""


def lay_out_groups() -> dict[str, Any]:
    """Lay out the folded settings; return their components by name."""
    parts: dict[str, Any] = {}
    with gr.Accordion("More settings", open=False, elem_id="train-settings"):
        for number, (title, rows) in enumerate(GROUPS.items(), 1):
            heading = html.tag("h3", html.text(title), "al-head")
            html_panel(f"train-group-{number}", heading)
            for names in rows:
                with gr.Row():
                    parts |= {name: field_of(name) for name in names}
    return parts


def field_of(name: str) -> Any:
    """Return the component of a setting, with its default and its help."""
    value = values_of(TrainSettings())[name]
    common: dict[str, Any] = {
        "value": value,
        "label": labels.TRAIN_SETTINGS[name],
        "info": TrainSettings.help()[name],
        "min_width": 190,
        "elem_id": f"train-{name}",
    }
    if name == "replay_weight":
        return gr.Slider(0, 100, step=0.5, **common)
    if choices := _choices(name):
        return gr.Dropdown(choices, filterable=name != "method", **common)
    if isinstance(value, bool):
        return gr.Checkbox(**common)
    return gr.Number(precision=0 if isinstance(value, int) else None, **common)


def _choices(name: str) -> list[tuple[str, str]]:
    """Return the titles and values of a setting that has a few; else nothing."""
    if name == "method":
        return [
            (m.title[:1].upper() + m.title[1:], name) for name, m in METHODS.items()
        ]
    if name == "evolution":
        return [(evolution, evolution) for evolution in get_args(Evolution)]
    if name == "tracker":
        return [("none", ""), *((tracker, tracker) for tracker in get_args(Tracker))]
    return []


def values_of(settings: TrainSettings) -> dict[str, Any]:
    """Return what the fields of a form show for these settings, by name."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: "" if value is None else value for name, value in values.items()}


def settings_of(values: Sequence[Any]) -> TrainSettings:
    """Return the settings that a form holds.

    Raises:
        InputError: A field is empty or out of its range.
    """
    settings: dict[str, Any] = {}
    for field, value in zip(fields(TrainSettings), values, strict=True):
        if value is None and field.name != "tracker":
            raise InputError(
                f"Enter a number for “{labels.TRAIN_SETTINGS[field.name]}”."
            )
        settings[field.name] = value
    with named_by(labels.TRAIN_SETTINGS):
        return TrainSettings(**settings)
