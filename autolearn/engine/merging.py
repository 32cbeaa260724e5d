"""Merge the adapter of a round into its base model, in 16 bit."""

import logging
import shutil
from pathlib import Path

import torch
from peft import PeftModel

from autolearn.core.errors import BackendError
from autolearn.engine.disk import write_errors
from autolearn.engine.load import memory_guard, read_model
from autolearn.models import files as model_files
from autolearn.models.notes import note_protocol
from autolearn.models.protocols import study_protocol

_TEXTS = ("*.json", "*.jinja", "*.model", "*.txt", "LICEN[SC]E*")
"""Small files of a model that do not depend on its weights."""
_OF_WEIGHTS = ("config.json", "model.safetensors.index.json")

log = logging.getLogger(__name__)


def merge(base: Path, adapter: Path, folder: Path) -> None:
    """Write the base of a round in 16 bit with its adapter merged in, into a folder.

    The adapter is merged into the published weights, in main memory. Merging into the
    4-bit weights would add their rounding error and round the adapter as well.

    Raises:
        OSError: The folder cannot be written.
        BackendError: The base is available in 4 bit only.
        OutOfMemory: The main memory does not hold the model in 16 bit.
    """
    if model_files.packing(base):
        raise BackendError(
            f"{base} is in 4 bit; a round can only be merged into the original model."
        )
    folder.mkdir(exist_ok=True)
    with memory_guard():
        model = read_model(base, dtype=torch.bfloat16)
        model_16_bit = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        with write_errors(folder):
            model_16_bit.save_pretrained(folder)
        # save_pretrained writes weights and config only.
        _copy_texts(base, folder)
        # The note of the base may name another protocol.
        note_protocol(folder, study_protocol(base, adapter))
    log.info("merged %s into %s", adapter, folder)


def _copy_texts(base: Path, target: Path) -> None:
    """Copy tokenizer, template and licence unchanged."""
    for pattern in _TEXTS:
        for path in base.glob(pattern):
            if path.name not in _OF_WEIGHTS and path.is_file():
                shutil.copyfile(path, target / path.name)
