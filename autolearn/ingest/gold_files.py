"""Read instructions and meta-skill examples from files.

A file is imported completely or not at all. Each error is one sentence.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.gold import MetaExample
from autolearn.ingest import row_kinds

TEXT_NAMES = ("context", "passage", "text")
"""Names of the text that a question is about."""


class BadRow(Exception):
    """A row, or one of its questions, cannot be used; the message says why."""


MAX_BYTES = 20 * 2**20
"""Largest file that is read, in bytes."""
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def read_meta(file: Path | str) -> list[MetaExample]:
    """Read meta-skill examples (p, r, f, r_hat): JSON Lines.

    Raises:
        InputError: A line is not such an object; the message names it.
    """
    fields = ("prompt", "response", "feedback", "refinement")
    optional = ("passage", "reference")
    return [MetaExample(**row) for row in _read_rows(Path(file), fields, optional)]


def read_instructions(file: Path | str) -> list[tuple[str, str]]:
    """Read instructions: JSON Lines, each a string or an object with ``prompt``.

    Of a chat it is the first user turn. A ``context`` that it is about, as in Dolly,
    follows it.

    Returns:
        The prompts, each with its right answer if the file gives one as ``answer``. It
        is never trained on; it measures how well the model judges itself.

    Raises:
        InputError: A line is neither; the message names it.
    """
    rows = _read_rows(Path(file), ("prompt",), ("answer", "context"))
    return [(_with_context(row), row["answer"].strip()) for row in rows]


def _with_context(row: Mapping[str, str]) -> str:
    prompt, context = row["prompt"].strip(), row["context"].strip()
    return prompt if context in prompt else f"{prompt}\n\n{context}"


def _read_rows(
    path: Path, fields: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    entries = list(json_rows(read_text(path)))
    if not entries:
        raise InputError(f"{path.name} is empty; choose another file.")
    for place, entry in entries:
        row = {
            name: value
            for name, value in as_object(entry).items()
            if not isinstance(value, list | dict)
        }
        if absent := [name for name in fields if not str(row.get(name, "")).strip()]:
            raise InputError(
                f"{place} of {path.name} lacks {', '.join(absent)}; each line "
                f"must be a JSON object with {', '.join(fields)}."
            )
        yield {name: str(row.get(name, "")) for name in (*fields, *optional)}


def json_rows(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a JSON array or JSON Lines, each with its place in words.

    None: a line that is not JSON.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("data"), list):
        whole = whole["data"]
    if isinstance(whole, dict):
        whole = [whole]
    if isinstance(whole, list):
        yield from ((f"Entry {i}", row) for i, row in enumerate(whole, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"Line {number}", json.loads(line)
            except (ValueError, RecursionError):
                yield f"Line {number}", None


def as_object(row: Any) -> Mapping[str, Any]:
    """Return the object of a row, with its prompt and answer, without null values.

    A text counts as a prompt. Chats and instructions give their first prompt and the
    answer to it.
    """
    if isinstance(row, str):
        return {"prompt": row}
    if not isinstance(row, dict):
        return {}
    row = {name: value for name, value in row.items() if value is not None}
    prompt, answer = row_kinds.prompt_of(row), row_kinds.answer_of(row)
    if isinstance(row.get("prompt"), list):  # the turns of a chat, or none
        del row["prompt"]
    fields = {"prompt": prompt, "question": prompt, "answer": answer}
    return {**{name: text for name, text in fields.items() if text}, **row}


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Return the decoded text of a file of at most ``limit`` bytes.

    Raises:
        InputError: The file is larger, cannot be read, or is not text.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise InputError(
                f"{path.name} is not a regular file; give the file itself."
            )
        if size > limit:
            raise InputError(
                f"{path.name} has {size / 2**20:.0f} MB; the limit is "
                f"{limit / 2**20:.0f} MB, so split it into smaller files."
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; check the path.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"{path.name} cannot be read ({reason}); choose another file."
        ) from None
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
