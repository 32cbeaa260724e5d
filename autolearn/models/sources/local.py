"""List the models on this computer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os.path import isdir
from pathlib import Path

from huggingface_hub import constants

from autolearn.core.errors import AutolearnError, InputError
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.models.small_files import read, typed_path
from autolearn.models.sources import gguf_file

MOST_REF = 1 << 10
"""Most bytes of the file that names a commit."""
_PREFIX = "models--"


@dataclass(frozen=True)
class LocalModel:
    """A model on this computer, and whether it can be used."""

    name: str
    """How it is selected: a hub id, a folder, or a GGUF file."""
    place: str
    """Its source: ``built-in``, ``hub cache``, ``converted`` or ``folder``."""
    n_bytes: int
    problem: str | None
    """Why it cannot be used; None if it can."""


def on_this_computer(workspace: Path) -> list[LocalModel]:
    """Return the built-in model, converted GGUF models, and those in the hub cache.

    Only names, sizes and small files are read.
    """
    built_in = [_model("built-in", "built-in", model_files.BUILT_IN)]
    folders = gguf_file.conversions(workspace)
    converted_models = [_model(str(folder), "converted", folder) for folder in folders]
    return [*built_in, *converted_models, *in_hub_cache(Path(constants.HF_HUB_CACHE))]


def in_folders(names: Iterable[str]) -> list[LocalModel]:
    """Return the models in these folders, as far as they are still there."""
    folders = [(name, typed_path(name)) for name in names]
    return [_model(name, "folder", path) for name, path in folders if isdir(path)]


def in_hub_cache(cache: Path) -> list[LocalModel]:
    """Return the language models in the hub cache, sorted by name.

    This is faster than ``scan_cache_dir``, which also reads every file of every data
    set.
    """
    hub_models = [m for f in cache.glob(f"{_PREFIX}*") for m in _in_repository(f)]
    return sorted(hub_models, key=lambda model: model.name.lower())


def _in_repository(folder: Path) -> Iterator[LocalModel]:
    name = folder.name.removeprefix(_PREFIX).replace("--", "/")
    snapshot = _snapshot(folder)
    model = None
    if snapshot and (snapshot / "config.json").exists():
        model = _model(name, "hub cache", snapshot)
    is_partial = any((folder / "blobs").glob("*.incomplete"))
    if is_partial and (model is None or model.problem):
        size = hardware.size_on_disk(folder / "blobs")
        model = LocalModel(name, "hub cache", size, _unfinished(name))
    if model:
        yield model
    for file in sorted(snapshot.glob("**/*.gguf")) if snapshot else ():
        # Not resolved: in the cache the target of the link is a hash.
        if file.exists():
            yield LocalModel(str(file), "hub cache", file.stat().st_size, None)


def _snapshot(folder: Path) -> Path | None:
    """Return the snapshot folder of a repository's main branch."""
    try:
        commit = read(folder / "refs" / "main", MOST_REF).decode().strip()
    except (InputError, ValueError):
        return None
    snapshot = folder / "snapshots" / commit
    return snapshot if snapshot.is_dir() else None


def _unfinished(name: str) -> str:
    return f"The download of {name} is not finished; download it again to continue."


def _model(name: str, place: str, folder: Path) -> LocalModel:
    try:
        model_files.check(folder)
        problem = None
    except (AutolearnError, OSError) as error:
        problem = str(error)
    return LocalModel(name, place, hardware.size_on_disk(folder), problem)
