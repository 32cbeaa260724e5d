"""Files and folders that appear completely or not at all, even after a power loss.

They disappear in the same way, for a process that is reading them.

What is written is flushed to the disk before it gets its name, and the folder that
holds the name afterwards. Without the first flush, a power failure can leave a file
with the right name and no content.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autolearn.core.errors import InputError


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, its folder too, in place of the one before.

    Raises:
        OSError: It cannot be written; the one before stays as it was.
    """
    draft = path.with_name(f"{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft.write_text(text, encoding="utf-8")
        put_in_place(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def input_errors(path: Path) -> Iterator[None]:
    """Refuse a path at which nothing can be written, in one sentence.

    Raises:
        InputError: Instead of an ``OSError`` within the block.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"{path} cannot be written ({reason}); choose another place."
        ) from error


def put_in_place(draft: Path, path: Path) -> None:
    """Give a complete file or folder its name, in place of a file of that name.

    Raises:
        OSError: It cannot be flushed or renamed.
    """
    sync(draft)
    draft.replace(path)
    _sync_entry(path.parent)


def sync(path: Path) -> None:
    """Flush a file, or a folder with all that it holds, to the disk."""
    for entry in path.rglob("*") if path.is_dir() else ():
        if not entry.is_symlink():
            _sync_entry(entry)
    _sync_entry(path)


def _sync_entry(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to write in, which gets its name only if nothing failed."""
    with scratch_folder(folder) as draft:
        yield draft
        _swap(draft, folder)


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Yield an empty hidden folder next to a path; it is removed at the end.

    What a killed process left there is removed when the next one begins.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(beside)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def draft_of(path: Path) -> Path:
    """Return the folder in which a file or folder is prepared."""
    return path.with_name(f".{path.name}.draft")


def remove_folder(folder: Path) -> None:
    """Delete a folder, if it is there, with all that it holds.

    Raises:
        OSError: It cannot be renamed.
    """
    shutil.rmtree(_set_aside(folder), ignore_errors=True)


def _swap(draft: Path, folder: Path) -> None:
    """Put a new folder in the place of the one before."""
    old = _set_aside(folder)
    put_in_place(draft, folder)
    shutil.rmtree(old, ignore_errors=True)


def _set_aside(folder: Path) -> Path:
    """Give a folder, if it is there, a hidden name until it is deleted; return it."""
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    return old
