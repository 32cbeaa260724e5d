"""Whose samples, rounds and runs the page shows: those of the chosen model, or all.

What one model does not know says little about another, so their data are kept apart.
"""

from functools import lru_cache
from pathlib import Path

from autolearn.core.digests import Stamp, stamp_of
from autolearn.core.errors import AutolearnError, InputError
from autolearn.core.run_settings import SampleScope
from autolearn.core.server_addresses import is_server
from autolearn.models import files as model_files
from autolearn.runs import model_references
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store

CHOICE = "shows_all_models"


def chosen_digest(store: Store) -> str | None:
    """Return the digest of the chosen model; None if it cannot be used now."""
    try:
        model = chosen_model(store).model
        if is_server(model):
            return model_references.digest(store, model)
        folder = model_files.locate(model)
        return _digest(folder, tuple(map(stamp_of, sorted(folder.iterdir()))))
    except (AutolearnError, OSError):
        return None


@lru_cache(maxsize=8)
def _digest(folder: Path, _: tuple[Stamp, ...]) -> str:
    """Return the digest of a folder whose files have these stamps."""
    return model_files.digest(folder)


def chosen_samples(store: Store) -> SampleScope:
    """Return the scope of the samples that were measured with the chosen model.

    Raises:
        InputError: The files of the chosen model cannot be used.
    """
    digest = chosen_digest(store)
    if digest is None:
        raise InputError(
            "The files of the model in use are missing; choose a model first, or take "
            "the samples of all models."
        )
    return SampleScope(model_digest=digest)


def shown_digest(store: Store) -> str | None:
    """Return the model whose data are shown; None: those of all models."""
    digest = chosen_digest(store)
    if digest is None or store.choices.get(CHOICE):
        return None
    return digest if store.runs.other_models(digest) else None


def other_models(store: Store) -> list[str]:
    """Return the names of the models other than the chosen one that have data."""
    return store.runs.other_models(chosen_digest(store) or "")


def show_all_models(store: Store, *, all_models: bool) -> None:
    """Show the data of all models, or of the chosen one only."""
    store.choices.set(CHOICE, all_models)
