"""Read plain text and Markdown in any encoding."""

from collections.abc import Iterator
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest.readers import decoding
from autolearn.ingest.readers.decoding import BLOCK, NO_TEXT, Decoding
from autolearn.ingest.readers.pieces import Piece, Source


def read(path: Path, choices: ReadingChoices) -> Source:
    """Return a text in blocks, with uniform line ends.

    Raises:
        InputError: The file is binary, or its encoding is unknown.
    """
    file_decoding = decoding.recognise(path, choices.encoding)
    is_markdown = path.suffix.lower() in (".md", ".markdown")
    return Source(
        _blocks(path, file_decoding),
        file_decoding.note,
        encoding=file_decoding.encoding,
        encodings=file_decoding.candidates,
        headings=is_markdown,
    )


def _blocks(path: Path, file_decoding: Decoding) -> Iterator[Piece]:
    size = path.stat().st_size
    with decoding.open_text(path, file_decoding) as (file, binary):
        while text := file.read(BLOCK):
            if "\0" in text:
                raise InputError(NO_TEXT)
            yield Piece(text, share=binary.tell() / size)
