"""The adapters of rounds in the workspace, verified before they are used.

Hashing a large adapter takes a second, and each message of a chat attaches one. A
process therefore hashes it again only if its files are not those that it has verified.
"""

from math import inf
from pathlib import Path

from autolearn.core import digests
from autolearn.core.errors import InputError
from autolearn.core.records import Round
from autolearn.models import files as model_files
from autolearn.store import Store

Stamps = tuple[digests.Stamp, ...]
_verified: dict[tuple[Path, str | None], Stamps] = {}
"""By folder and digest, the stamps of the files when they were found to be sound."""


def folder_of(store: Store, round_: Round) -> Path:
    """Return the folder of a round's adapter, whose files are as they were trained.

    Raises:
        InputError: It has none, or its files are missing, damaged or changed.
    """
    if round_.adapter is None:
        raise InputError(
            f"Round {round_.id} was never finished; it has no adapter. Resume its run."
        )
    folder = store.folder / round_.adapter
    if not _is_verified(folder, round_):
        raise InputError(
            f"The adapter of round {round_.id} in {folder} is missing, damaged or "
            "changed: its digest is not the one it was trained with. Put back a copy "
            "of the folder, or train the round again."
        )
    return folder


def start_of(store: Store, round_: Round) -> Path | None:
    """Return the folder of the adapter that a round continues; None: a new one.

    Raises:
        InputError: As ``folder_of``.
    """
    if round_.parent_id is None:
        return None
    return folder_of(store, store.rounds.get(round_.parent_id))


def _is_verified(folder: Path, round_: Round) -> bool:
    """Return whether an adapter is sound; hash it if its files are not known."""
    key = folder, round_.adapter_digest
    # Taken before hashing, so that a concurrent change is not cached as verified.
    stamps = tuple(digests.stamp_of(folder / n) for n in model_files.ADAPTER_FILES)
    if _verified.get(key) == stamps:
        return True
    if not _has_digest(folder, round_.adapter_digest):
        return False
    _verified[key] = stamps
    return True


def is_intact(workspace: Path, round_: Round) -> bool:
    """Return whether the adapter of a round is there, complete and as it was trained.

    Rounds of early versions have no digest; of these only the files are asked for.
    """
    return round_.adapter is not None and _has_digest(
        workspace / round_.adapter, round_.adapter_digest
    )


def _has_digest(folder: Path, digest: str | None) -> bool:
    if not all((folder / name).is_file() for name in model_files.ADAPTER_FILES):
        return False
    # The second one is how early versions hashed large adapters.
    digests_of_files = (
        model_files.adapter_digest(folder, largest)
        for largest in (inf, model_files.WHOLE)
    )
    return digest is None or digest in digests_of_files
