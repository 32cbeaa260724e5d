"""Open files that are zip archives. Their members are never written to disk."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autolearn.core.errors import InputError

LARGEST_UNPACKED = 512 * 2**20
"""Largest total size of all members in bytes."""
LARGEST_RATIO, RATIO_FROM = 200, 32 * 2**20
"""Highest ratio of unpacked to packed size, for archives above a size in bytes."""


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive after checking it for damage, encryption and size.

    Raises:
        InputError: A check failed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, path.stat().st_size)
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError, KeyError) as error:
        raise InputError(
            "is damaged or not what its name says; save it again."
        ) from error


def _check(archive: zipfile.ZipFile, n_bytes: int) -> None:
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise InputError("is encrypted; save it without a password.")
    size = sum(member.file_size for member in members)
    is_bomb = size > RATIO_FROM and size > LARGEST_RATIO * n_bytes
    if size > LARGEST_UNPACKED or is_bomb:
        raise InputError(
            f"would unpack from {n_bytes / 2**20:.1f} to {size / 2**20:.0f} MB, which "
            "is refused as a zip bomb; save its text as .txt."
        )
