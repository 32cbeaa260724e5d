"""Read plain text and Markdown in any encoding."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest.readers import decoding, markdown_comments
from autolearn.ingest.readers.decoding import BLOCK, NO_TEXT, Decoding
from autolearn.ingest.readers.pieces import Piece, Source


def read(path: Path, choices: ReadingChoices) -> Source:
    """Return a text in blocks, with uniform line ends; Markdown without its comments.

    Raises:
        InputError: The file is binary, or its encoding is unknown.
    """
    file_decoding = decoding.recognise(path, choices.encoding)
    is_markdown = path.suffix.lower() in (".md", ".markdown")
    blocks = _blocks(path, file_decoding)
    source = file_decoding.source(
        markdown_comments.take_out(blocks) if is_markdown else blocks
    )
    return replace(source, headings=is_markdown)


def _blocks(path: Path, file_decoding: Decoding) -> Iterator[Piece]:
    size = path.stat().st_size
    with decoding.open_text(path, file_decoding) as (file, binary):
        while text := file.read(BLOCK) + file.readline(BLOCK):
            if "\0" in text:
                raise InputError(NO_TEXT)
            yield Piece(text, share=binary.tell() / size)
