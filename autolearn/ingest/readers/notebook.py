"""Read Jupyter notebooks: their text as Markdown, their code with its output."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.ingest.readers import markdown, markdown_comments, markup
from autolearn.ingest.readers.pieces import Piece, Source

_REFUSAL = "is not a Jupyter notebook, or damaged; save it again."


def read(path: Path) -> Source:
    """Return the cells of a notebook.

    Error messages are left out; so is what only a page can show, such as pictures.

    Raises:
        InputError: It is too large, or no notebook.
    """
    markup.check_size(path.stat().st_size)
    try:
        book = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InputError(_REFUSAL) from None
    if not isinstance(book, dict):
        raise InputError(_REFUSAL)
    sheets = book.get("worksheets") or [book]  # up to version 3
    cells = [cell for sheet in _dicts(sheets) for cell in _dicts(sheet.get("cells"))]
    if not cells:
        raise InputError("has no cells; save it again.")
    return Source(_pieces(cells, _language(book)))


def _pieces(cells: list[dict[str, Any]], language: str) -> Iterator[Piece]:
    for n, cell in enumerate(cells, 1):
        share = n / len(cells)
        text = _text(cell.get("source", cell.get("input", "")))
        kind = cell.get("cell_type")
        if kind == "code":
            yield from _code(text, language, share)
            for output in _dicts(cell.get("outputs")):
                yield from _output(output, share)
        elif kind == "heading":
            yield Piece(f"{'#' * _level(cell)} {text}\n\n", share=share)
        elif text.strip():
            piece = Piece(f"{text.strip()}\n\n", share=share)
            yield from markdown_comments.take_out([piece])


def _code(text: str, language: str, share: float) -> Iterator[Piece]:
    if text.strip():
        yield Piece(markdown.code_block(text, language), share=share)


def _output(output: dict[str, Any], share: float) -> Iterator[Piece]:
    """Yield an output in the best form that it has: page, formula or text."""
    if output.get("output_type") in ("error", "pyerr"):
        lines = "\n".join(
            map(str, output.get("traceback") or [output.get("evalue", "")])
        )
        yield Piece(lines, left_out="error message", share=share)
        return
    data = output.get("data")
    forms = data if isinstance(data, dict) else output
    if html := _text(forms.get("text/html", forms.get("html", ""))):
        yield from markup.pieces(markup.parse(html), share=share)
        return
    for form in ("text/markdown", "text/latex", "latex"):
        if text := _text(forms.get(form, "")).strip():
            yield Piece(f"{text}\n\n", share=share)
            return
    yield from _code(_text(forms.get("text/plain", forms.get("text", ""))), "", share)


def _text(value: Any) -> str:
    """Return a text, which may be stored as a list of lines."""
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _dicts(value: Any) -> list[dict[str, Any]]:
    return (
        [item for item in value if isinstance(item, dict)]
        if isinstance(value, list)
        else []
    )


def _level(cell: dict[str, Any]) -> int:
    level = cell.get("level")
    return min(6, max(1, level)) if isinstance(level, int) else 1


def _language(book: dict[str, Any]) -> str:
    metadata = book.get("metadata")
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = info.get("name", "") if isinstance(info, dict) else ""
    return name if isinstance(name, str) and name.isalnum() else ""
