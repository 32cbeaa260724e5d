"""Keep the files that texts were read from, so that they can be read again.

A file is kept once in the folder ``originals`` of the workspace, named by its digest.
"""

import os
import shutil
from pathlib import Path
from tempfile import mkstemp

from autolearn.core import atomic
from autolearn.core.digests import of_file
from autolearn.core.errors import InputError
from autolearn.core.records import Document
from autolearn.store import Store

FOLDER = "originals"


def name_of(file: Path) -> str:
    """Return the name under which a file is kept."""
    return f"{of_file(file)}{file.suffix.lower()}"


def keep(store: Store, file: Path) -> str:
    """Keep a copy of a file and return its name in the folder.

    Raises:
        InputError: The copy cannot be written.
    """
    name = name_of(file)
    folder = store.subfolder(FOLDER)
    if not (folder / name).exists():
        try:
            _copy(file, folder / name)
        except OSError as error:
            raise InputError(
                f"{file.name} cannot be copied to {folder}: "
                f"{error.strerror or error}; free some space and add it again."
            ) from error
    return name


def _copy(file: Path, target: Path) -> None:
    """Copy a file so that another process never sees half of it."""
    handle, partial = mkstemp(dir=target.parent)
    os.close(handle)
    try:
        shutil.copyfile(file, partial)
        atomic.put_in_place(Path(partial), target)
    except BaseException:
        os.unlink(partial)
        raise


def drop(store: Store, name: str) -> None:
    """Delete a kept file unless another document was read from it."""
    if name and all(d.original != name for d in store.library.documents()):
        (store.folder / FOLDER / name).unlink(missing_ok=True)


def path_of(store: Store, document: Document) -> Path:
    """Return the file that a document was read from.

    Raises:
        InputError: It is not kept.
    """
    if not document.original:
        raise InputError(
            f"{document.name} was added by an earlier version, which kept no copy of "
            "its file; add the file again."
        )
    return path(store, document.original, document.name)


def path(store: Store, original: str, name: str) -> Path:
    """Return a kept file by its name in the folder.

    Raises:
        InputError: It is gone.
    """
    file = store.folder / FOLDER / original
    if not file.is_file():
        raise InputError(
            f"The copy of {name} is no longer in {file.parent}; add the file again."
        )
    return file
