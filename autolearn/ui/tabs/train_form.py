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
LABELS = {
    "replay_weight": "Learn faster (0) … forget less (100)",
    "epochs": "Epochs",
    "max_steps": "Steps (0: from epochs)",
    "least_steps": "Steps, minimum",
    "replay_share": "Replay items per training item",
    "least_replay": "Replay items, minimum",
    "rank": "LoRA rank",
    "alpha": "LoRA alpha",
    "batch_size": "Batch size (items)",
    "warmup_steps": "Warm-up (steps)",
    "max_tokens": "Max. tokens per item",
    "max_grad_norm": "Gradient clipping (norm)",
    "stop_at": "Stop early at (validation)",
    "choose_scale": "Tune the adapter scale",
    "only_gaps": "Gaps only",
    "statements": "Statements per passage (CPT)",
    "evolution": "Evolution (SELF)",
    "dqa": "Also learn to ask and answer from the passage (AL stage 1)",
    "nll_weight": "NLL weight (AL stage 2)",
    "beta": "DPO beta (AL stage 2)",
    "meta_share": "Meta-skill items per new item (SELF)",
    "meta_examples": "Max. meta-skill items (meta, SELF)",
    "checkpoint_seconds": "Checkpoint interval (seconds)",
    "tracker": "Experiment tracker",
    "devices": "GPUs that train together",
}
LABELS |= {
    field.name: field.name.replace("_", " ").capitalize()
    for field in fields(TrainSettings)
    if field.name not in LABELS
}
"""The labels of the settings; of some, the names alone say enough."""


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
    value = getattr(TrainSettings(), name)
    common: dict[str, Any] = {
        "value": value,
        "label": LABELS[name],
        "info": TrainSettings.help()[name],
        "min_width": 190,
        "elem_id": f"train-{name}",
    }
    if name == "replay_weight":
        return gr.Slider(0, 100, step=0.5, **common)
    if choices := _choices(name):
        common["value"] = value or ""
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


def settings_of(values: Sequence[Any]) -> TrainSettings:
    """Return the settings that a form holds.

    Raises:
        InputError: A field is empty or out of its range.
    """
    settings: dict[str, Any] = {}
    for field, value in zip(fields(TrainSettings), values, strict=True):
        if value is None and field.name != "tracker":
            raise InputError(f"Enter a number for “{LABELS[field.name]}”.")
        settings[field.name] = value
    with named_by(LABELS):
        return TrainSettings(**settings)
