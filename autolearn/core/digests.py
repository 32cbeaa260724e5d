"""SHA-256 digests that identify files and folders."""

import hashlib
import os
import stat
from pathlib import Path
from typing import IO, NamedTuple

CHECKPOINT_STATE, CHECKPOINT_DIGEST = "state.pt", "state.sha256"
"""The file of a checkpoint of a round, and the file with its digest."""


class Stamp(NamedTuple):
    """Metadata that shows whether a file was changed or replaced."""

    path: str
    mode: int = 0
    n_bytes: int = 0
    """0 for what is not a regular file."""
    inode: int = 0
    modified_ns: int = 0
    changed_ns: int = 0
    """Unlike ``modified_ns``, no program can set it back."""


def stamp_of(path: str | Path) -> Stamp:
    """Return the stamp of a file; that of a missing one has its path alone."""
    try:
        status = os.stat(path)
    except OSError:  # a broken link, or it is gone
        return Stamp(str(path))
    return Stamp(
        str(path),
        status.st_mode,
        status.st_size if stat.S_ISREG(status.st_mode) else 0,
        status.st_ino,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def of_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def while_copying(stream: IO[bytes], copy: IO[bytes]) -> str:
    """Copy a stream to another; return the SHA-256 of what was copied."""
    checksum = hashlib.sha256()
    while block := stream.read(1 << 20):
        checksum.update(block)
        copy.write(block)
    return checksum.hexdigest()


def of_folder(folder: Path) -> str:
    """Return a SHA-256 of all files in a folder and of their names."""
    checksum = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        checksum.update(f"{of_file(path)} {name}\n".encode())
    return checksum.hexdigest()
