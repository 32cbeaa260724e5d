"""Attach, take off, make and save LoRA adapters on a loaded model.

One adapter at a time: taking it off leaves the base as it was loaded, so switching
costs reading one small file. LoRA weights are always fp32, whatever the base is: in
16 bit an optimiser's small steps would be rounded away.
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
from safetensors.torch import save_file

from autolearn.core.errors import BackendError
from autolearn.core.settings import TrainSettings
from autolearn.engine.load import Loaded
from autolearn.models.files import ADAPTER_NOTE, check_adapter


def attach(loaded: Loaded, folder: Path, *, trainable: bool = False) -> None:
    """Put the adapter in ``folder`` on the base, in the place of any other.

    Raises:
        BackendError: It does not fit this base.
    """
    check_adapter(folder, loaded.identity.digest)
    detach(loaded)
    try:
        model = PeftModel.from_pretrained(
            loaded.model,
            str(folder),
            is_trainable=trainable,
            torch_device=str(loaded.device),
        )
    except (RuntimeError, ValueError) as error:
        raise BackendError(
            f"The adapter {folder} does not fit the loaded model; load the model that "
            "it was trained on."
        ) from error
    loaded.model = model


def detach(loaded: Loaded) -> None:
    """Take the adapter off; nothing happens when there is none."""
    loaded.prefixes.clear()
    if isinstance(loaded.model, PeftModel):
        loaded.model = loaded.model.unload()


def fresh(loaded: Loaded, settings: TrainSettings) -> None:
    """Put a new adapter on the linear layers of the text; it changes nothing yet.

    The head has none, nor have layers for images or sound, which a text never reaches.
    """
    detach(loaded)
    outside = _outside_text(loaded.model)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=_text_layers(loaded.model) if outside else "all-linear",
        exclude_modules=outside,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        loaded.model = get_peft_model(loaded.model, config)


def _outside_text(model: Any) -> str | None:
    """Return a pattern for the names of all layers outside the text decoder.

    None where no linear layer but the head lies there, as in a plain language model.
    """
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    text = {*decoder.modules(), head}
    layers = (one for one in model.modules() if isinstance(one, torch.nn.Linear))
    if text.issuperset(layers):
        return None
    name = next(name for name, module in model.named_modules() if module is decoder)
    return rf"(?!{re.escape(name)}\.).*"


def _text_layers(model: Any) -> list[str]:
    """Return the last parts of the names of the linear layers of the text decoder."""
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
    """Let the base alone compute for a while."""
    # Not peft's own disable_adapter(), which inspects every module at each call.
    model.base_model.disable_adapter_layers()
    try:
        yield
    finally:
        model.base_model.enable_adapter_layers()


def save(loaded: Loaded, folder: Path) -> None:
    """Write the adapter as a PEFT folder with a note of the base it belongs to."""
    # Not peft's save_pretrained(), which asks the hub about the base, and adds a card
    # that says where the base lies on this computer.
    weights = get_peft_model_state_dict(loaded.model, save_embedding_layers=False)
    save_file(weights, folder / "adapter_model.safetensors", {"format": "pt"})
    config = replace(
        loaded.model.peft_config["default"],
        base_model_name_or_path=loaded.identity.name,
        inference_mode=True,
    )
    # peft keeps the names as a set: unsorted, the same adapter would be written, and
    # so have a digest, other in every process.
    config.target_modules = sorted(config.target_modules)
    config.save_pretrained(folder)
    note = {
        "base": loaded.identity.name,
        "base_digest": loaded.identity.digest,
        "quantization": loaded.identity.quantization,
    }
    text = json.dumps(note, indent=2) + "\n"
    (folder / ADAPTER_NOTE).write_text(text, encoding="utf-8")
