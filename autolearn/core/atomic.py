"""Files and folders that appear whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, its folder too, in place of the one before.

    Raises:
        OSError: It cannot be written; the one before stays as it was.
    """
    draft = path.with_name(f"{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder to a place where there is none yet.

    Raises:
        OSError: It cannot be copied; there is nothing at ``target`` then.
    """
    draft = target.with_name(f"{target.name}.partial")
    shutil.copytree(source, draft, dirs_exist_ok=True)
    draft.replace(target)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write in, which takes its place only when all went well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
