"""The models that are on this computer, to choose from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from autolearn.core.errors import AutolearnError
from autolearn.models import files as model_files
from autolearn.models import hardware

_PREFIX = "models--"


@dataclass(frozen=True)
class LocalModel:
    """A model on this computer, and whether it can be used."""

    name: str
    """What it is chosen by: a hub id, a folder, or a GGUF file."""
    place: str
    """Where it is from: ``built-in``, ``hub cache``, ``converted``."""
    n_bytes: int
    problem: str | None
    """Why it cannot be used; None if it can."""


def on_this_computer(converted: Path) -> list[LocalModel]:
    """Return the built-in model, those converted from GGUF, and the hub's cache.

    Looks at names, sizes and small files. ``converted``: the folder with the
    converted models of a workspace.
    """
    built_in = [_model("built-in", "built-in", model_files.BUILT_IN)]
    # A draft of a conversion that goes on, or was killed, begins with a dot.
    folders = [f for f in sorted(converted.glob("[!.]*")) if f.is_dir()]
    converted_models = [_model(str(folder), "converted", folder) for folder in folders]
    return [*built_in, *converted_models, *in_hub_cache(Path(constants.HF_HUB_CACHE))]


def in_hub_cache(cache: Path) -> list[LocalModel]:
    """Return the language models in the hub's cache, by name.

    Cheaper than ``scan_cache_dir``, which looks at every file of every data set too.
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
        # Not resolved: the name of the content in the cache says nothing to a person.
        if file.exists():
            yield LocalModel(str(file), "hub cache", file.stat().st_size, None)


def _snapshot(folder: Path) -> Path | None:
    """Return the folder of the files of a repository's main branch."""
    try:
        commit = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    snapshot = folder / "snapshots" / commit
    return snapshot if snapshot.is_dir() else None


def _unfinished(name: str) -> str:
    return f"The download of {name} is not finished; download it again to go on."


def _model(name: str, place: str, folder: Path) -> LocalModel:
    try:
        model_files.check(folder)
        problem = None
    except (AutolearnError, OSError) as error:
        problem = str(error)
    return LocalModel(name, place, hardware.size_on_disk(folder), problem)
