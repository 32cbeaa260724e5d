"""Read instructions and meta-skill examples from files.

A file is imported completely or not at all. Each error is one sentence.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.gold import MetaExample

MAX_BYTES = 20 * 2**20
"""Largest file that is read, in bytes."""
_OTHER_NAMES: dict[str, str] = {"instruction": "prompt"}
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def read_meta(path: Path) -> list[MetaExample]:
    """Read meta-skill examples (p, r, f, r_hat): JSON Lines.

    Raises:
        InputError: A line is not such an object; the message names it.
    """
    fields = ("prompt", "response", "feedback", "refinement")
    optional = ("passage", "reference")
    return [MetaExample(**row) for row in _read_rows(path, fields, optional)]


def read_instructions(path: Path) -> list[tuple[str, str]]:
    """Read instructions: JSON Lines, each a string or an object with ``prompt``.

    Returns:
        The prompts, each with its right answer if the file gives one as ``answer``. It
        is never trained; it measures how well the model judges itself.

    Raises:
        InputError: A line is neither; the message names it.
    """
    rows = _read_rows(path, ("prompt",), ("answer",))
    return [(row["prompt"].strip(), row["answer"].strip()) for row in rows]


def _read_rows(
    path: Path, fields: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{path.name} is empty.")
    for number, line in enumerate(lines, 1):
        row = _object(line)
        if absent := [name for name in fields if not str(row.get(name, "")).strip()]:
            raise InputError(
                f"Line {number} of {path.name} lacks {', '.join(absent)}; each line "
                f"must be a JSON object with {', '.join(fields)}."
            )
        yield {name: str(row.get(name, "")) for name in (*fields, *optional)}


def _object(line: str) -> Mapping[str, Any]:
    """Return the object of a line. A string counts as a prompt."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    if isinstance(row, str):
        return {"prompt": row}
    values: dict[str, Any] = row if isinstance(row, dict) else {}
    return {_OTHER_NAMES.get(name, name): value for name, value in values.items()}


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Return the decoded text of a file of at most ``limit`` bytes.

    Raises:
        InputError: The file is larger, cannot be read, or is not text.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise InputError(
                f"{path.name} has {size / 2**20:.0f} MB; the limit is "
                f"{limit / 2**20:.0f} MB, so split it into smaller files."
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path.name} cannot be read: {reason}.") from None
    encoding = next((e for bom, e in _BOMS.items() if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(
            f"{path.name} is not text in UTF-8; if it is text, save it as UTF-8."
        )
    return text
