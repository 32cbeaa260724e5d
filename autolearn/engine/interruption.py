"""Stop a forward pass between two parts of its layers.

What: before attention and MLP of each layer in a pass that only reads or writes texts,
the run is asked whether it is to stop.

Why: the prompts of a batch are read in one pass, which takes up to a minute with half a
billion parameters on one core. A training step goes on to its end, where a checkpoint
loses nothing.
"""

from typing import Any

import torch
from torch.nn import Module
from transformers.modeling_layers import GradientCheckpointingLayer

from autolearn.containment import is_stopped
from autolearn.core.ports import Cancelled


def let_stop(model: Module) -> None:
    """Let each inference pass of a model end with ``Cancelled``; see ``stopped_by``."""
    for layer in model.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            for part in layer.children():
                part.register_forward_pre_hook(_check)


def _check(_part: Module, _inputs: tuple[Any, ...]) -> None:
    if torch.is_inference_mode_enabled() and is_stopped():
        raise Cancelled
