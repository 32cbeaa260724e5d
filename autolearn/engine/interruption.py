"""Stop the loading of a model, and a forward pass between two parts of its layers.

What: before each weight that is loaded, and before attention and MLP of each layer in a
pass that only reads or writes texts, the run is asked whether it is to stop.

Why: rounding half a billion weights to 4 bit on a busy computer takes more than a
minute, and so does reading the prompts of a batch, which is one pass. A training step
runs to its end, where a checkpoint loses nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import Module
from torch.nn.modules.module import register_module_parameter_registration_hook
from transformers.modeling_layers import GradientCheckpointingLayer

from autolearn.containment import is_stopped
from autolearn.core.ports import Cancelled


@contextmanager
def stoppable_loading() -> Iterator[None]:
    """Let the loading of a model in this block end with ``Cancelled``."""

    def check(_module: Module, _name: str, _parameter: Any) -> None:
        if is_stopped():
            raise Cancelled

    hook = register_module_parameter_registration_hook(check)
    try:
        yield
    finally:
        hook.remove()


def let_stop(model: Module) -> None:
    """Let each inference pass of a model end with ``Cancelled``; see ``stopped_by``."""
    for layer in model.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            for part in layer.children():
                part.register_forward_pre_hook(_check)


def _check(_part: Module, _inputs: tuple[Any, ...]) -> None:
    if torch.is_inference_mode_enabled() and is_stopped():
        raise Cancelled
