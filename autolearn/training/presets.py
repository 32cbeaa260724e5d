"""Starting values for the settings of a round, by model size."""

from dataclasses import dataclass, field, replace
from typing import Any

from autolearn.core.methods import METHODS, Method
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.models.protocols import study_protocol
from autolearn.study.protocol import PROTOCOLS


@dataclass(frozen=True)
class Preset:
    """Settings that differ from the defaults, and what they are for."""

    title: str
    max_parameters: float
    """Number of parameters of the largest model that it fits."""
    overrides: dict[str, Any] = field(default_factory=dict)

    def apply(self, settings: TrainSettings) -> TrainSettings:
        """Return the settings with the values of this preset.

        Its learning rate is for supervised training. Preference training keeps its own,
        which is far lower.
        """
        defaults = {name: getattr(TrainSettings(), name) for name in NAMES}
        changes = dict(self.overrides)
        if settings.traits.trains_preferences:
            changes.pop("learning_rate", None)
        return replace(settings, **defaults | changes)


LEAST_REPLAY = 128
"""Fewest generated instructions of a round that teaches facts. With fewer, a small
round forgets more (docs/lab-notes.md)."""

_FACTS = {
    "rank": 16,
    "alpha": 32,
    "learning_rate": 1e-3,
    "epochs": 8.0,
    "least_steps": 48,
    "batch_size": 4,
    "warmup_steps": 4,
    "replay_share": 0.5,
    "least_replay": LEAST_REPLAY,
}

PRESETS = {
    # Measured on the built-in model; see docs/lab-notes.md.
    "tiny": Preset(
        "Tiny models (up to 50 million parameters)",
        5e7,
        {"least_replay": LEAST_REPLAY},
    ),
    # Measured on SmolLM2-135M: with fewer instructions, far more is forgotten, at any
    # rate; see docs/lab-notes.md.
    "small": Preset(
        "Small models (50 to 300 million parameters)",
        3e8,
        _FACTS | {"replay_share": 1.5, "least_replay": 400},
    ),
    # Measured on Qwen2.5-Coder-0.5B: at 5e-4 and more, as much is learned and far more
    # forgotten.
    "facts": Preset(
        "Facts (300 million to 13 billion parameters)",
        13.5e9,
        _FACTS | {"learning_rate": 2e-4},
    ),
    # The values with which QLoRA (arXiv 2305.14314) trains 33B and 65B models.
    "gentle": Preset(
        "Gentle, as in QLoRA (above 13 billion parameters)",
        float("inf"),
        {
            "rank": 64,
            "alpha": 16,
            "learning_rate": 1e-4,
            "epochs": 10.0,
            "batch_size": 16,
            "least_replay": LEAST_REPLAY,
        },
    ),
}

PRESETS["skills"] = Preset(
    # SmolLM2-135M: 150 steps of six items; after 30 steps the skills were still weak.
    "Meta-skills (instruct models)",
    0.0,
    {
        "rank": 16,
        "alpha": 32,
        "learning_rate": 1e-3,
        "epochs": 1.0,
        "least_steps": 70,
        "batch_size": 6,
        # The base model writes each replay item before the first step.
        "replay_share": 0.2,
        "meta_examples": 900,
    },
)
"""Fits no size: it is for the method ``meta`` on models with the guided protocol."""

NAMES = (
    "rank",
    "alpha",
    "learning_rate",
    "epochs",
    "least_steps",
    "batch_size",
    "warmup_steps",
    "replay_share",
    "least_replay",
    "meta_examples",
)
"""The settings that a preset changes."""


def preset_settings(model: ModelSettings, settings: TrainSettings) -> TrainSettings:
    """Return settings with what the preset for the model and their method changes.

    Raises:
        AutolearnError: The model is not on this computer.
    """
    return PRESETS[preset_for(model, settings.method)].apply(settings)


def preset_for(model: ModelSettings, method: Method = "refined_sft") -> str:
    """Return the name of the preset for a model and a method.

    Raises:
        AutolearnError: The model is not on this computer.
    """
    folder = model_files.locate(model.model)
    if not METHODS[method].teaches_facts and PROTOCOLS[study_protocol(folder)].guided:
        return "skills"
    size = model_shape.of(folder).parameters
    return next(
        name for name, preset in PRESETS.items() if size <= preset.max_parameters
    )
