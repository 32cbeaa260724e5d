"""Trainers of other projects: the files that they get and what they do differently."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from autolearn.export.handover import rows
from autolearn.export.handover.contents import Handover

DATA = "data"
"""The folder of the data, next to the configuration."""
START = "start"
"""The folder of the adapter that is continued."""
OUTPUT = "output"
"""The folder into which the trainer writes the adapter."""

Settings = dict[str, Any]


@dataclass(frozen=True)
class HandoverTool:
    """A trainer of another project, and what it needs of a round."""

    title: str
    version: str
    """The version whose settings are written."""
    files: Callable[[Handover], Mapping[str, str]]
    """Returns configuration and data as texts, by their names."""
    command: Callable[[Handover], str]
    """Returns the command that trains, to be run in the folder."""
    differences: Callable[[Handover], Sequence[str]]
    """Returns the differences of this tool; see also ``readme``."""
    reads_tokens: bool = True
    """Whether answers (SFT) are given as tokens; pairs are texts for every tool."""


def as_yaml(handover: Handover, tool: str, settings: Settings) -> str:
    """Return settings as YAML, with a title above them; ``tool``: its title."""
    body = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)
    return f"# {handover.title} of autolearn for {tool}; see README.md.\n{body}"


def call(name: str, settings: Settings) -> str:
    """Return the Python text of a call, an argument a line."""
    arguments = "".join(f"    {key}={value!r},\n" for key, value in settings.items())
    return f"{name}(\n{arguments})"


def data_files(handover: Handover) -> dict[str, str]:
    """Return the data for trainers that take tokens, or pairs of texts."""
    row = rows.pair if handover.is_preference else rows.tokens
    files = {f"{DATA}/train.jsonl": rows.lines(handover.training, row)}
    if handover.validation:
        files[f"{DATA}/test.jsonl"] = rows.lines(handover.validation, row)
    return files


def layers(handover: Handover) -> list[str]:
    """Return the layers with LoRA weights as TRL, peft and Unsloth name them."""
    return list(handover.target_modules) or ["all-linear"]


def training_arguments(handover: Handover) -> Settings:
    """Return the settings of transformers' ``TrainingArguments`` and its subclasses."""
    settings = handover.settings
    return {
        "output_dir": OUTPUT,
        "max_steps": handover.n_steps,
        "per_device_train_batch_size": handover.part_size,
        "gradient_accumulation_steps": handover.n_parts,
        "learning_rate": settings.peak_rate,
        "lr_scheduler_type": "linear",
        "warmup_steps": settings.warmup_steps,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "optim": handover.optimiser,
        "seed": settings.seed,
        "bf16": handover.uses_bf16,
        "logging_steps": 1,
        "save_strategy": "no",
        "eval_strategy": "epoch" if handover.validation else "no",
        "report_to": "none",
    }
