"""Read plain text and Markdown in any encoding."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from charset_normalizer import from_bytes

from autolearn.core.errors import InputError
from autolearn.ingest.readers.pieces import Piece, Source

BLOCK = 2**20
"""Bytes, or characters, that are read at once."""
SAMPLE = 2**18
"""Bytes from which an unknown encoding is detected."""
SHOWN = 60
"""Characters of the excerpt that is shown for a text in another encoding."""
MOST_BROKEN = 0.05
"""Highest share of non-ASCII characters that may be invalid in a UTF-8 file."""
MOST_CONTROLS = 0.01

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose BOM is its prefix
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BEYOND = re.compile(r"[^\x00-\x7f]")
_BROKEN = re.compile("[\udc80-\udcff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_NO_TEXT = "is no text, although its name says so; save its text as .txt."


@dataclass(frozen=True)
class Decoding:
    """How to decode the bytes of a file."""

    encoding: str
    errors: str = "strict"
    note: str = ""


def read(path: Path) -> Source:
    """Return a text in blocks, with uniform line ends.

    Raises:
        InputError: The file is binary, or its encoding is unknown.
    """
    decoding = recognise(path)
    is_markdown = path.suffix.lower() in (".md", ".markdown")
    return Source(_blocks(path, decoding), decoding.note, headings=is_markdown)


def _blocks(path: Path, decoding: Decoding) -> Iterator[Piece]:
    size = path.stat().st_size
    try:
        with (
            path.open("rb") as binary,
            TextIOWrapper(binary, decoding.encoding, decoding.errors) as file,
        ):
            while text := file.read(BLOCK):
                if "\0" in text:
                    raise InputError(_NO_TEXT)
                yield Piece(text, share=binary.tell() / size)
    except UnicodeError:
        raise InputError(
            f"is not in {decoding.encoding}, as its beginning says; save it as UTF-8."
        ) from None


def recognise(path: Path) -> Decoding:
    """Return the encoding of a text file.

    A byte order mark decides. Otherwise UTF-8 is used if at most a few bytes are
    invalid; these are replaced and counted. Otherwise the encoding is detected from the
    text.

    Raises:
        InputError: The file is binary, or no encoding fits.
    """
    with path.open("rb") as file:
        first_bytes = file.read(4)
    for mark, encoding in _BOMS.items():
        if first_bytes.startswith(mark):
            return Decoding(encoding)
    n_broken, n_beyond, sample = _survey(path)
    if not n_broken:
        return Decoding("utf-8")
    if n_broken <= MOST_BROKEN * n_beyond:
        signs = "byte is" if n_broken == 1 else "bytes are"
        note = f"{n_broken} {signs} no UTF-8 and stand as \ufffd"
        return Decoding("utf-8", "replace", note)
    best = from_bytes(sample).best()
    if best is None:
        raise InputError("is in no encoding that can be told; save it as UTF-8.")
    text = str(best)
    first = _BEYOND.search(text)
    start = text.rfind("\n", 0, first.start() if first else 0) + 1
    excerpt = " ".join(text[start : start + SHOWN].split())
    return Decoding(best.encoding, note=f"was read as {best.encoding}: “{excerpt}…”")


def _survey(path: Path) -> tuple[int, int, bytes]:
    """Count invalid bytes and non-ASCII characters; return them and a sample.

    The sample has the lines that are not valid UTF-8.
    """
    n_broken = n_beyond = n_controls = n = 0
    sample = bytearray()
    with path.open("rb") as binary:
        decoder = TextIOWrapper(binary, "utf-8", errors="surrogateescape", newline="\n")
        with decoder as file:
            while text := file.read(BLOCK):
                if "\0" in text:
                    raise InputError(_NO_TEXT)
                n_new = len(_BROKEN.findall(text))
                n_controls += len(_CONTROLS.findall(text))
                n_broken += n_new
                n_beyond += len(_BEYOND.findall(text))
                n += len(text)
                if n_new and len(sample) < SAMPLE:
                    sample += _strange_lines(text)[: SAMPLE - len(sample)]
    if n_controls > MOST_CONTROLS * n:
        raise InputError(_NO_TEXT)
    return n_broken, n_beyond, bytes(sample)


def _strange_lines(text: str) -> bytes:
    lines = [line for line in text.splitlines() if _BROKEN.search(line)]
    return "\n".join(lines).encode("utf-8", errors="surrogateescape")
