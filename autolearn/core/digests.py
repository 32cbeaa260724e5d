"""SHA-256 of files and folders, by which they are known again."""

import hashlib
from pathlib import Path
from typing import IO


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
