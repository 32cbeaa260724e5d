"""Read the small files of a model folder, which may hold anything.

A file is read only if it is a regular one of a reasonable size. Values are checked
where they are read, so each fault is one sentence.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError

LARGEST = 64 << 20
"""Most bytes of a JSON file. The indices of the largest models have a few MiB."""
_AGAIN = "copy the model's files again"
_NAME = re.compile(r"[^/\\:\0]+")


def typed_path(text: str) -> Path:
    """Return the path that a person has typed, which may begin with a home folder.

    ``os.path.isdir`` and ``os.path.isfile`` tell what is there. Unlike the methods of a
    path, they raise no error for names that are too long.
    """
    return Path(os.path.expanduser(text.strip()))


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file; an empty dictionary if there is no file.

    Raises:
        InputError: The file is not a JSON object.
    """
    if not path.exists():
        return {}
    try:
        values = json.loads(read(path, LARGEST))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON; {_AGAIN}.") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no JSON object; {_AGAIN}.")
    return values


def read(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        InputError: It is a pipe, a device or a folder, too large, or unreadable.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path} cannot be read: {reason}; {_AGAIN}.") from error
    if len(data) > most:
        raise InputError(f"{path} has more than {most >> 20} MiB; {_AGAIN}.")
    return data


def check_regular(path: Path) -> None:
    """Check that a path is a regular file: a pipe or a device could block forever.

    Raises:
        InputError: It is something else.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a regular file; {_AGAIN}.")


def object_in(values: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    """Return the object at a key of a JSON file; empty if there is none.

    Raises:
        InputError: The value has another type.
    """
    value = values.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{path} has {name} that is not a JSON object; {_AGAIN}.")
    return value


def names_in(values: dict[str, Any], name: str, path: Path) -> list[str]:
    """Return the texts in the list at a key of a JSON file; empty if there is none.

    Raises:
        InputError: The value has another type.
    """
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise InputError(f"{path} has {name} that is not a list of names; {_AGAIN}.")
    return value


def file_name(value: Any, path: Path) -> str:
    """Return the name of a file in the same folder, as a JSON file gives it.

    Subfolders are refused too: what is in them is in no digest.

    Raises:
        InputError: It is not text, or leads out of the folder.
    """
    is_name = isinstance(value, str) and _NAME.fullmatch(value)
    if is_name and value not in (".", ".."):
        return str(value)
    raise InputError(f"{path} names {value!r:.60} as a file of weights; {_AGAIN}.")
