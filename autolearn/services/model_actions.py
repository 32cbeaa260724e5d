"""The user's actions on models: find on the hub, download, convert, choose.

Like ``services.actions``: checks and queues, for the page and the command line.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from autolearn.core.errors import BackendError, InputError, JobError
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_settings import ConvertRunSettings, DownloadRunSettings
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings, Quantization
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.models.sources import gguf_file, hub, hub_files, local
from autolearn.models.sources.hub import Offer
from autolearn.models.sources.local import LocalModel
from autolearn.runs import run_control
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.store import RunFilter, Store

HUB = "https://huggingface.co"


def fetch_offer(name: str) -> Offer:
    """Return what the hub has of this name, and what would be downloaded.

    Raises:
        InputError: The name is not an id of a model.
        BackendError: The hub does not have it, or it cannot be used here.
    """
    return hub.fetch_offer(parse_id(name))


def parse_id(name: str) -> str:
    """Return a hub id as ``Offer.name`` has it.

    Raises:
        InputError: It is none.
    """
    return hub_files.parse(name, os.environ.get("HF_ENDPOINT") or HUB).name


def download(store: Store, offer: Offer) -> Run:
    """Queue the download of a model that was looked up.

    Raises:
        BackendError: The disk has no room for it.
        JobError: It is being downloaded already.
    """
    if not offer.fits:
        raise BackendError(offer.no_room())
    for run in store.runs.find(RunFilter(("download",), ACTIVE_STATES)):
        if DownloadRunSettings.of(run).name == offer.found_as:
            raise JobError(
                f"{offer.found_as} is being downloaded already; wait for run {run.id}."
            )
    settings = DownloadRunSettings(
        offer.found_as, offer.n_bytes, offer.commit, offer.licence
    )
    return run_control.submit(store, settings)


def licence_on_hub(store: Store, folder: Path) -> str | None:
    """Return the licence that the hub stated when a model was downloaded here."""
    name = model_files.hub_id(folder)
    settings = map(DownloadRunSettings.of, store.runs.find(RunFilter(("download",))))
    return next((s.licence for s in settings if s.name == name and s.licence), None)


def on_this_computer(store: Store) -> list[LocalModel]:
    """Return the models to choose from, with the folders that were used here."""
    models = local.on_this_computer(store.folder)
    used = {chosen_model(store).model, *store.runs.models()}
    return models + local.in_folders(sorted(used - {model.name for model in models}))


def is_gguf(model: str) -> bool:
    """Return whether a model is named by a GGUF file."""
    return not is_server(model) and model.strip().endswith(".gguf")


def converted_folder(store: Store, model: str) -> Path | None:
    """Return the folder that was made from a GGUF file, if there is one."""
    return gguf_file.converted(store.folder, gguf_file.locate(model))


def as_folder(store: Store, model: str) -> str:
    """Return a model as it can be loaded: of a GGUF file, the folder made from it.

    Raises:
        BackendError: The file has not been converted yet.
    """
    if not is_gguf(model):
        return model_files.lasting_name(model)
    folder = converted_folder(store, model)
    if folder is None:
        raise BackendError(
            f"{model} has not been converted yet; choose it under Model, or study with "
            "it on the command line."
        )
    return str(folder)


def is_chosen(store: Store, model: str) -> bool:
    """Return whether this is the model in use, however its place is written.

    Of a GGUF file, the folder made from it may be in use.

    Raises:
        ModelNotFound: There is no such GGUF file.
    """
    folder = converted_folder(store, model) if is_gguf(model) else model
    chosen = model_files.lasting_name(chosen_model(store).model)
    return model_files.lasting_name(str(folder)) == chosen


def convert(store: Store, model: str, then_use: ModelSettings | None = None) -> Run:
    """Queue the conversion of a GGUF file; ``then_use``: choose it when it is done.

    It is not chosen if another model has been chosen by then.

    Raises:
        ModelNotFound: There is no such file.
        BackendError: It is not a model that could be converted, or there is no room.
        JobError: It is being converted already.
    """
    file = gguf_file.locate(model)
    header = gguf_file.read(file)
    gguf_file.check(file, header)
    free = shutil.disk_usage(hub.nearest_folder(store.folder)).free
    n_bytes = 2 * header.parameters + hub.SPARE
    if n_bytes > free:
        raise BackendError(
            f"Converted, {file.name} takes {n_bytes / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB are free in {store.folder}; free some space."
        )
    if n_bytes > hardware.free_memory():
        raise BackendError(
            f"Converting {file.name} needs {n_bytes / 2**30:.1f} GiB of memory and "
            f"{hardware.free_memory() / 2**30:.1f} are free; close other programs."
        )
    for run in store.runs.find(RunFilter(("convert",), ACTIVE_STATES)):
        if ConvertRunSettings.of(run).file == str(file):
            raise JobError(
                f"{file.name} is being converted already; wait for run {run.id}."
            )
    settings = ConvertRunSettings(str(file), then_use, chosen_model(store))
    return run_control.submit(store, settings)


def selected(
    store: Store, name: str, quantization: Quantization, round_id: int
) -> ModelSettings:
    """Return the model that a form names; without a name, the one in use.

    The rounds to choose from are those of the model in use, so ``round_id`` (0: the
    base model) is dropped with another one.

    Raises:
        ModelNotFound: There is no such GGUF file.
    """
    name = name.strip() or chosen_model(store).model
    is_other = not is_chosen(store, name)
    return ModelSettings(name, quantization, None if is_other else round_id or None)


def use(store: Store, model: ModelSettings) -> Run | None:
    """Work with a model from now on; of a GGUF file, once it has been converted.

    Returns:
        The conversion, if there has to be one first.

    Raises:
        BackendError: It cannot be used.
        JobError: The round is not finished, or was trained on another model.
        InputError: No model is named.
    """
    if not model.model.strip():
        raise InputError("Enter a model.")
    if is_gguf(model.model) and converted_folder(store, model.model) is None:
        return convert(store, model.model, model)
    folder = as_folder(store, model.model)
    choose_model(store, replace(model, model=folder))
    return None
