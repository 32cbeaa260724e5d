"""Plain text and Markdown, in whatever encoding it was written."""

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
"""Bytes by which an unknown encoding is recognised."""
SHOWN = 60
"""Characters of the preview of a text in another encoding."""
MOST_BROKEN = 0.05
"""Share of signs beyond ASCII that may be broken in what is still called UTF-8."""
MOST_CONTROLS = 0.01

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
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
    """How the bytes of a file become text."""

    encoding: str
    errors: str = "strict"
    note: str = ""


def read(path: Path) -> Source:
    """Return a text in blocks, line ends made alike.

    Raises:
        InputError: It is binary, or its encoding cannot be told.
    """
    decoding = recognise(path)
    return Source(_blocks(path, decoding), decoding.note)


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

    UTF-8 unless it cannot be: by its mark, by its bytes, or, where these are no UTF-8,
    by what the letters would spell. A few broken bytes are replaced and counted.

    Raises:
        InputError: It is binary, or no encoding fits.
    """
    with path.open("rb") as file:
        opening = file.read(4)
    for mark, encoding in _BOMS.items():
        if opening.startswith(mark):
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
    shown = " ".join(text[start : start + SHOWN].split())
    return Decoding(best.encoding, note=f"was read as {best.encoding}: “{shown}…”")


def _survey(path: Path) -> tuple[int, int, bytes]:
    """Return how many bytes are no UTF-8, how many signs are beyond ASCII, a sample.

    The sample is of the lines that are no UTF-8.
    """
    n_broken = n_beyond = n_controls = n = 0
    sample = bytearray()
    with path.open("rb") as binary:
        wrapped = TextIOWrapper(binary, "utf-8", errors="surrogateescape", newline="\n")
        with wrapped as file:
            while text := file.read(BLOCK):
                if "\0" in text:
                    raise InputError(_NO_TEXT)
                broken = len(_BROKEN.findall(text))
                n_controls += len(_CONTROLS.findall(text))
                n_broken += broken
                n_beyond += len(_BEYOND.findall(text))
                n += len(text)
                if broken and len(sample) < SAMPLE:
                    sample += _strange_lines(text)[: SAMPLE - len(sample)]
    if n_controls > MOST_CONTROLS * n:
        raise InputError(_NO_TEXT)
    return n_broken, n_beyond, bytes(sample)


def _strange_lines(text: str) -> bytes:
    lines = [line for line in text.splitlines() if _BROKEN.search(line)]
    return "\n".join(lines).encode("utf-8", errors="surrogateescape")
