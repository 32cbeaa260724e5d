"""Create, attach, detach and save the LoRA adapter of a loaded model.

A model has at most one adapter. Detaching it restores the base exactly, so switching
adapters costs only the reading of one small file.

LoRA weights are always float32, whatever the dtype of the base. In 16 bit the small
steps of the optimiser would be rounded away.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
)
from safetensors import safe_open
from safetensors.torch import save_file

from autolearn.core.errors import BackendError
from autolearn.core.settings import TrainSettings
from autolearn.engine import finite
from autolearn.engine.disk import write_errors
from autolearn.engine.load import LoadedModel
from autolearn.models.files import ADAPTER_NOTE, check_adapter
from autolearn.models.small_files import read_json

_WEIGHTS = "adapter_model.safetensors"
_FIRST = re.compile("lora_(embedding_)?A")
"""Matches the name of the first matrix of a pair, whose rows are the rank."""


def attach(lm: LoadedModel, folder: Path, *, trainable: bool = False) -> None:
    """Attach the adapter in ``folder``, replacing the present one.

    Raises:
        BackendError: The adapter does not fit the loaded base.
    """
    check_adapter(folder, lm.identity.digest)
    finite.check([folder / _WEIGHTS])
    _check_settings(folder)
    detach(lm)
    try:
        model = PeftModel.from_pretrained(
            lm.model,
            str(folder),
            is_trainable=trainable,
            torch_device=str(lm.device),
        )
    except (RuntimeError, ValueError) as error:
        raise BackendError(
            f"The adapter {folder} does not fit the loaded model; load the model that "
            "it was trained on."
        ) from error
    lm.model = model


def _check_settings(folder: Path) -> None:
    """Refuse settings that say more than the weights of an adapter are.

    Room for the rank of the settings is allocated before the weights are read. A rank
    of a million in a file of a kilobyte would fill the memory.

    Raises:
        BackendError: It is not a LoRA adapter, or its rank is not that of its weights.
    """
    settings = read_json(folder / "adapter_config.json")
    by_pattern = settings.get("rank_pattern") or {}
    ranks = [settings.get("r")]
    ranks += by_pattern.values() if isinstance(by_pattern, dict) else [None]
    with safe_open(folder / _WEIGHTS, framework="pt") as weights:
        names = [name for name in weights.keys() if _FIRST.search(name)]  # noqa: SIM118
        shapes = [weights.get_slice(name).get_shape() for name in names]
    most = max((shape[0] for shape in shapes if shape), default=0)
    is_fitting = all(isinstance(rank, int) and 0 < rank <= most for rank in ranks)
    if settings.get("peft_type") != "LORA" or not is_fitting:
        raise BackendError(
            f"The settings of the adapter {folder} do not fit its weights; put back a "
            "copy of the folder, or train the round again."
        )


def detach(lm: LoadedModel) -> None:
    """Remove the adapter. Does nothing when there is none."""
    # Keys and values that were computed with the adapter are wrong without it.
    lm.prefixes.clear()
    if isinstance(lm.model, PeftModel):
        # unload() removes the LoRA layers without merging them.
        lm.model = lm.model.unload()


def attach_new(lm: LoadedModel, settings: TrainSettings) -> None:
    """Attach a new LoRA adapter to the linear layers of the text decoder.

    B starts at zero, so the output does not change until the first step. The output
    layer gets no adapter. Nor do layers for images or sound, which text never reaches.
    """
    detach(lm)
    outside = _outside_text(lm.model)
    excluded = [*_unfit_layers(lm.model), *([outside] if outside else [])]
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=_text_layers(lm.model) if outside else "all-linear",
        exclude_modules="|".join(excluded) or None,
        task_type="CAUSAL_LM",
    )
    # Initialise A from the seed of the round without disturbing the global generator.
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        lm.model = get_peft_model(lm.model, config)


def _outside_text(model: Any) -> str | None:
    """Return a regular expression for the layers outside the text decoder.

    None for a plain language model, where only the output layer is outside.
    """
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    text_modules = {*decoder.modules(), head}
    layers = (
        module for module in model.modules() if isinstance(module, torch.nn.Linear)
    )
    if text_modules.issuperset(layers):
        return None
    name = next(name for name, module in model.named_modules() if module is decoder)
    return rf"(?!{re.escape(name)}\.).*"


def _unfit_layers(model: Any) -> Iterator[str]:
    """Yield regular expressions for linear layers that can have no adapter.

    Some routers of mixtures of experts are linear layers that return several values.
    Kernels of Mamba read the weight of its output layer without its forward pass.
    """
    for name, module in model.named_modules():
        # All classes that compute what a linear layer does are named so.
        is_linear = "Linear" in type(module).__name__
        if isinstance(module, torch.nn.Linear) and not is_linear:
            yield re.escape(name)
        is_mamba = type(module).__name__.endswith(("Mixer", "MambaLayer"))
        if is_mamba and hasattr(module, "out_proj"):
            yield re.escape(f"{name}.out_proj")


def _text_layers(model: Any) -> list[str]:
    """Return the last name components of the linear layers of the text decoder."""
    head = model.get_output_embeddings()
    return sorted(
        {
            name.rpartition(".")[2]
            for name, module in model.get_decoder().named_modules()
            if isinstance(module, torch.nn.Linear) and module is not head
        }
    )


@contextmanager
def without(model: Any) -> Iterator[None]:
    """Disable the adapter inside the ``with`` block, so that the base computes."""
    # peft's own disable_adapter() inspects every module at each call, which is slow.
    model.base_model.disable_adapter_layers()
    try:
        yield
    finally:
        model.base_model.enable_adapter_layers()


def save(lm: LoadedModel, folder: Path) -> None:
    """Write the adapter as a PEFT folder, with a note that names its base.

    Raises:
        OSError: It cannot be written.
    """
    # peft's save_pretrained() would ask the hub about the base and add a model card
    # with the local path of the base.
    weights = get_peft_model_state_dict(lm.model, save_embedding_layers=False)
    file = folder / _WEIGHTS
    with write_errors(file):
        save_file(weights, file, {"format": "pt"})
    config = replace(
        lm.model.peft_config["default"],
        base_model_name_or_path=lm.identity.name,
        inference_mode=True,
    )
    # peft keeps the names as a set, whose order differs between processes. Sorting
    # keeps the file, and so its digest, the same.
    config.target_modules = sorted(config.target_modules)
    config.save_pretrained(folder)
    note = {
        "base": lm.identity.name,
        "base_digest": lm.identity.digest,
        "quantization": lm.identity.quantization,
    }
    text = json.dumps(note, indent=2) + "\n"
    (folder / ADAPTER_NOTE).write_text(text, encoding="utf-8")
