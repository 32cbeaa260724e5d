"""Read files of many formats piece by piece, as plain text or Markdown.

A reader keeps every character that a person would read. What is not part of the text,
such as a running head, is a separate piece that says why it is left out. Memory is
bounded by a page, a chapter or a block. Formats that must be parsed as a whole have a
limit on their size.

``_READERS`` names the module of each format. Most formats become HTML first, which
``markup`` converts to Markdown; ``page_*``, ``tables``, ``formulas``, ``superscripts``
and ``list_labels`` are its steps. ``packages`` reads the XML of Office files, which
``word_*``, ``slides`` and ``opendocument_*`` interpret. ``decoding`` opens text files,
and ``rows`` makes texts of the rows of CSV and JSON. The package ``pdf`` reads PDFs.
"""

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest.readers.pieces import Piece, Source
from autolearn.ingest.row_kinds import NotTexts

__all__ = ["KINDS", "Piece", "Source", "files", "open_source", "skipped_in"]

_OFFICE = "application/vnd.openxmlformats-officedocument."
_WORD = _OFFICE + "wordprocessingml.document"
_SLIDES = _OFFICE + "presentationml.presentation"
_SHEETS = _OFFICE + "spreadsheetml.sheet"
_OPEN = "application/vnd.oasis.opendocument."
_READERS = {
    ".txt": ("text/plain", "plain"),
    ".text": ("text/plain", "plain"),
    ".md": ("text/markdown", "plain"),
    ".markdown": ("text/markdown", "plain"),
    ".html": ("text/html", "markup"),
    ".htm": ("text/html", "markup"),
    ".xhtml": ("text/html", "markup"),
    ".pdf": ("application/pdf", "pdf"),
    ".docx": (_WORD, "office"),
    ".pptx": (_SLIDES, "slides"),
    ".odt": (_OPEN + "text", "opendocument"),
    ".odp": (_OPEN + "presentation", "opendocument"),
    ".ods": (_OPEN + "spreadsheet", "opendocument"),
    ".xlsx": (_SHEETS, "spreadsheet"),
    ".xls": ("application/vnd.ms-excel", "spreadsheet"),
    ".rtf": ("application/rtf", "rtf"),
    ".rst": ("text/x-rst", "source_text"),
    ".tex": ("application/x-tex", "source_text"),
    ".ipynb": ("application/x-ipynb+json", "notebook"),
    ".mhtml": ("multipart/related", "web_archive"),
    ".mht": ("multipart/related", "web_archive"),
    ".epub": ("application/epub+zip", "epub"),
    ".json": ("application/json", "jsonl"),
    ".jsonl": ("application/jsonl", "jsonl"),
    ".csv": ("text/csv", "csv_table"),
    ".tsv": ("text/csv", "csv_table"),
}
"""The media type of each file extension, and the module that reads it.

A module is imported when it is needed, so the page, which reads no files, starts
faster.
"""
KINDS = tuple(_READERS)
"""The file extensions that can be read."""
_WITH_CHOICES = ("markup", "plain", "csv_table", "jsonl", "source_text")
"""The modules whose ``read`` takes the choices of a person about the reading."""
_MOST_KINDS = 8
"""Kinds of skipped files that are named."""
_ADVICE = {
    ".doc": "save it as .docx",
    ".ppt": "save it as .pptx",
    ".mobi": "convert it to .epub",
    ".azw3": "convert it to .epub",
    ".warc": "it has many pages; save those that you need as .html",
    ".zip": "unpack it and add the folder",
}
_SURROGATES = {code: "\ufffd" for code in (0, *range(0xD800, 0xE000))}
"""Halves of surrogate pairs and zeros, which the database cannot store."""
_INVISIBLE_SIGNS = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""Soft hyphens, and signs without width that only say where a line may end."""
_DIVIDED_WORD = re.compile("\u00ad\r?\n[ \t]*(?=\\w)")
"""A soft hyphen at the end of a line, in the middle of a word."""


def files(path: Path) -> list[Path]:
    """Return the file itself, or all readable files in a folder, sorted by name.

    Raises:
        InputError: The folder has no readable file.
    """
    if path.is_dir():
        readable = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in KINDS and file.is_file()
        )
        if not readable:
            reason = f"{path} has no file that can be read ({', '.join(KINDS)})."
            raise InputError(" ".join([reason, *skipped_in(path)]))
        return readable
    return [path]


def skipped_in(folder: Path) -> list[str]:
    """Return a sentence about the files in a folder that ``files`` leaves out.

    Empty if there are none. Hidden files and folders do not count.
    """
    counts = Counter(
        file.suffix.lower() or "without an extension"
        for file in folder.rglob("*")
        if file.suffix.lower() not in KINDS and file.is_file()
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not counts:
        return []
    by_frequency = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kinds = [
        f"{kind} ({'; '.join(filter(None, [str(n), _ADVICE.get(kind)]))})"
        for kind, n in by_frequency[:_MOST_KINDS]
    ]
    n_other = len(counts) - len(kinds)
    more = [f"{n_other} more kinds"] * bool(n_other)
    sentence = f"Not read in {folder}: {', '.join([*kinds, *more])}."
    # A name need not be UTF-8, but what is stored must be.
    return [sentence.encode(errors="replace").decode()]


def open_source(path: Path, name: str, choices: ReadingChoices | None = None) -> Source:
    """Return the text of a file, piece by piece.

    Args:
        path: The file.
        name: Its name in error messages.
        choices: What a person has chosen about its reading.

    Raises:
        NotTexts: The file has rows that are chats, instructions or questions.
        InputError: The file is missing, unreadable, damaged, protected, too large, or
            of an unknown format. Also raised while the pieces are read.
    """
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        todo = _ADVICE.get(suffix, "save its text as .txt or .md")
        kind = f"a {suffix} file" if suffix else "a file without an extension"
        raise InputError(f"{name} is {kind}, which cannot be read; {todo}.")
    media_type, module = _READERS[suffix]
    with _naming_file(name):
        if path.exists() and not path.is_file():
            raise InputError("is not a regular file; give the file itself.")
        reader = importlib.import_module(f"autolearn.ingest.readers.{module}")
        more = (choices or ReadingChoices(),) if module in _WITH_CHOICES else ()
        source: Source = reader.read(path, *more)
    return replace(source, media_type=media_type, pieces=_storable_pieces(source, name))


def _storable_pieces(source: Source, name: str) -> Iterator[Piece]:
    with _naming_file(name):
        for piece in source.pieces:
            yield replace(piece, text=_storable(piece))


def _storable(piece: Piece) -> str:
    """Return the text of a piece as a person sees it, without what cannot be stored."""
    text = piece.text.translate(_SURROGATES)
    if piece.left_out or text.isascii():
        return text
    return _DIVIDED_WORD.sub("", text).translate(_INVISIBLE_SIGNS)


@contextmanager
def _naming_file(name: str) -> Iterator[None]:
    """Turn errors of reading into one sentence that begins with the file's name."""
    try:
        yield
    except NotTexts as error:
        raise NotTexts(f"{name} {error}", error.kind) from error
    except InputError as error:
        raise InputError(f"{name} {error}") from error
    except FileNotFoundError:
        raise InputError(f"There is no file {name}; check the path.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"{name} cannot be read ({reason}); choose another file."
        ) from error
