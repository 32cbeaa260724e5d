"""Write a model with the adapter of a round merged in, in 16 bit."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import PeftModel

from autolearn.core.atomic import atomic_folder
from autolearn.core.errors import BackendError, InputError
from autolearn.engine.load import memory_guard, read_model
from autolearn.models import files as model_files

_TEXTS = ("*.json", "*.jinja", "*.model", "*.txt", "LICEN[SC]E*")
"""Small files of a model that belong to it whatever its weights are."""
_OF_WEIGHTS = ("config.json", "model.safetensors.index.json")

log = logging.getLogger(__name__)


def merge(base: Path, adapter: Path, target: Path) -> None:
    """Write the base of a round in 16 bit with its adapter merged in.

    Merged onto the weights as they were published, in main memory: merged onto those
    in 4 bit, both the rounding and the round would be rounded once more.

    Raises:
        InputError: The target exists, or nothing can be written there.
        BackendError: The base is here in 4 bit only.
        OutOfMemory: The main memory does not hold the model in 16 bit.
    """
    if model_files.packing(base):
        raise BackendError(
            f"{base} is in 4 bit; a round can only be merged into the original model."
        )
    with memory_guard(), new_folder(target) as draft:
        model = read_model(base, dtype=torch.bfloat16)
        merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        merged.save_pretrained(draft)
        _copy_texts(base, draft)
    log.info("merged %s into %s", adapter, target)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write in that becomes ``target`` when all went well.

    Raises:
        InputError: The target exists, or nothing can be written there.
    """
    if target.exists():
        raise InputError(f"{target} exists already; name a new folder.")
    try:
        with atomic_folder(target) as draft:
            yield draft
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{target} cannot be written: {reason}.") from error


def _copy_texts(base: Path, target: Path) -> None:
    """Copy tokenizer, template and licence as they are."""
    for pattern in _TEXTS:
        for path in base.glob(pattern):
            if path.name not in _OF_WEIGHTS and path.is_file():
                shutil.copyfile(path, target / path.name)
