"""Turn files into documents, quiz questions and meta-skill examples.

Each refusal is one sentence; a file is taken whole or not at all.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolearn.dataset import MetaExample
from autolearn.errors import InputError
from autolearn.records import Document

MAX_BYTES = 20 * 2**20
"""Largest file that is read, in bytes."""
MEDIA_TYPES = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
}
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


@dataclass(frozen=True)
class GoldQuestion:
    """A quiz or control question with its gold, as imported."""

    question: str
    answer: str
    value: str = ""
    document: str = ""
    """Name of the document that tells the answer, if any does."""


def text_files(path: Path) -> list[Path]:
    """Return the file itself, or the text files in a folder, by name.

    Raises:
        InputError: There is nothing to read.
    """
    if path.is_dir():
        found = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in MEDIA_TYPES and file.is_file()
        )
        if not found:
            raise InputError(f"{path} holds no .txt or .md file.")
        return found
    if not path.exists():
        raise InputError(f"There is no file {path}.")
    return [path]


def read_document(path: Path) -> Document:
    """Read one text.

    Raises:
        InputError: Missing, unreadable, empty, too large, binary, or of another kind.
    """
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise InputError(
            f"{path.name} is not a .txt or .md file; save its text as one of these."
        )
    return document(path.name, _read_text(path), media_type)


def document(name: str, text: str, media_type: str = "text/plain") -> Document:
    """Return a document of a text that is not empty, line ends made alike.

    Raises:
        InputError: The text is empty.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise InputError(f"{name} is empty; there is nothing to learn from it.")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(name, text, digest, media_type)


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


def _read_rows(
    path: Path, wanted: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    lines = [line for line in _read_text(path).splitlines() if line.strip()]
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
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _read_text(path: Path) -> str:
    """Return the decoded text of a file that is known to be small and no binary."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"{path.name} has {size / 2**20:.0f} MB; the limit is "
                f"{MAX_BYTES / 2**20:.0f} MB, so split it into smaller files."
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
