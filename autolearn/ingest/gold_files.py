"""Turn files into quiz questions and meta-skill examples.

Each refusal is one sentence; a file is taken whole or not at all.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.gold import GoldQuestion, MetaExample

MAX_BYTES = 20 * 2**20
"""Largest file that is read, in bytes."""
_OTHER_NAMES: dict[str, str] = {"instruction": "prompt"}
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def read_gold(path: Path) -> list[GoldQuestion]:
    """Read quiz questions: JSON lines with ``question``, ``answer`` and more.

    Raises:
        InputError: A line is no such object; it is named.
    """
    wanted, optional = ("question", "answer"), ("value", "document")
    return [GoldQuestion(**row) for row in _read_rows(path, wanted, optional)]


def read_meta(path: Path) -> list[MetaExample]:
    """Read meta-skill examples (p, r, f, r_hat): JSON lines.

    Raises:
        InputError: A line is no such object; it is named.
    """
    wanted = ("prompt", "response", "feedback", "refinement")
    optional = ("passage", "reference")
    return [MetaExample(**row) for row in _read_rows(path, wanted, optional)]


def read_instructions(path: Path) -> list[str]:
    """Read bare instructions: JSON lines, each a string or an object with ``prompt``.

    Raises:
        InputError: A line is neither; it is named.
    """
    wanted = ("prompt",)
    return [row["prompt"].strip() for row in _read_rows(path, wanted, ())]


def _read_rows(
    path: Path, wanted: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{path.name} is empty.")
    for number, line in enumerate(lines, 1):
        row = _object(line)
        if missing := [name for name in wanted if not str(row.get(name, "")).strip()]:
            raise InputError(
                f"Line {number} of {path.name} lacks {', '.join(missing)}; each line "
                f"must be a JSON object with {', '.join(wanted)}."
            )
        yield {name: str(row.get(name, "")) for name in (*wanted, *optional)}


def _object(line: str) -> Mapping[str, Any]:
    """Return the object of a line; a string is a prompt, which some call otherwise."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    if isinstance(row, str):
        return {"prompt": row}
    found: dict[str, Any] = row if isinstance(row, dict) else {}
    return {_OTHER_NAMES.get(name, name): value for name, value in found.items()}


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Return the decoded text of a file of at most ``limit`` bytes that is no binary.

    Raises:
        InputError: It is larger, cannot be read, or is no text.
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
