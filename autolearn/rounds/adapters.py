"""The adapters of rounds in the workspace, verified before they are used."""

from math import inf
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.core.records import Round
from autolearn.models import files as model_files
from autolearn.store import Store


def folder_of(store: Store, round_: Round) -> Path:
    """Return the folder of a round's adapter, whose files are as they were trained.

    Raises:
        InputError: It has none, or its files are missing, damaged or changed.
    """
    if round_.adapter is None:
        raise InputError(
            f"Round {round_.id} was never finished; it has no adapter. Resume its run."
        )
    if not is_sound(store.folder, round_):
        raise InputError(
            f"The adapter of round {round_.id} in {store.folder / round_.adapter} is "
            "missing, damaged or changed: its digest is not the one it was trained "
            "with. Put back a copy of the folder, or train the round again."
        )
    return store.folder / round_.adapter


def is_sound(workspace: Path, round_: Round) -> bool:
    """Return whether the adapter of a round is there, complete and as it was trained.

    Rounds of early versions have no digest; of these only the files are asked for.
    """
    if round_.adapter is None:
        return False
    folder, digest = workspace / round_.adapter, round_.adapter_digest
    if not all((folder / name).is_file() for name in model_files.ADAPTER_FILES):
        return False
    # The second one is how early versions hashed large adapters.
    digests = (
        model_files.adapter_digest(folder, largest)
        for largest in (inf, model_files.WHOLE)
    )
    return digest is None or digest in digests
