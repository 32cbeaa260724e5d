"""Convert the pages of a PDF to running text.

A first pass finds lines that are repeated at the head or foot of pages; they are left
out. Lines are joined to paragraphs, also across pages, and divided words are joined.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pypdfium2 as pdfium

from autolearn.core.errors import InputError
from autolearn.ingest.readers.pieces import Piece, Source

N_EDGE = 2
"""Lines at the head and at the foot of a page that may be repeated."""
REPEATED = 3
"""Pages on which a line, ignoring numbers, must occur to count as a running head; fewer
in shorter documents."""
FULL_LINE = 0.75
"""A line of at least this share of the usual length continues in the next line."""

_DIVIDED = "\ufffe"
"""What pdfium writes for a hyphen at the end of a line, and the line break."""
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_ITEM = re.compile(r"([-•▪◦‣*–]|\(?[0-9a-zA-Z]{1,3}[.)])\s")  # noqa: RUF001
_ENDS = re.compile(r"[.!?:。！？][\"'”’)\]]*$")  # noqa: RUF001
_INCORRECT_PASSWORD = 4

Line = tuple[str, str]
"""A line, and why it is left out; empty if it is not."""


def read(path: Path) -> Source:
    """Return the text of all pages.

    Raises:
        InputError: The file is damaged, encrypted, or has images of pages but no text.
    """
    with _opened(path) as document:
        n_pages, running_heads = len(document), _repeated(document)
    return Source(_pieces(path, running_heads, n_pages))


def _opened(path: Path) -> "closing[pdfium.PdfDocument]":
    try:
        return closing(pdfium.PdfDocument(path))
    except pdfium.PdfiumError as error:
        if error.err_code == _INCORRECT_PASSWORD:
            raise InputError("is encrypted; save it without a password.") from None
        raise InputError("is damaged or no PDF; save or download it again.") from None


def _lines(document: pdfium.PdfDocument, number: int) -> list[str]:
    with closing(document[number]) as page, closing(page.get_textpage()) as text:
        return [" ".join(line.split()) for line in text.get_text_range().splitlines()]


def _edges(lines: list[str]) -> list[int]:
    """Return the indices of the first and last lines that are not blank."""
    indices = [i for i, line in enumerate(lines) if line]
    return sorted({*indices[:N_EDGE], *indices[-N_EDGE:]})


def _repeated(document: pdfium.PdfDocument) -> set[str]:
    """Return the lines, with digits replaced, at the edges of many pages."""
    counts: Counter[str] = Counter()
    n_characters = 0
    for number in range(len(document)):
        lines = _lines(document, number)
        n_characters += sum(map(len, lines))
        counts.update({_alike(lines[i]) for i in _edges(lines)})
    if not n_characters:
        raise InputError(
            "has no text, only pictures of pages; let a program for text recognition "
            "(OCR) read it first."
        )
    least = min(REPEATED, max(2, len(document)))
    return {line for line, n in counts.items() if n >= least}


def _alike(line: str) -> str:
    return _DIGITS.sub("#", line.lower())


def _pieces(path: Path, running_heads: set[str], n_pages: int) -> Iterator[Piece]:
    with _opened(path) as document:
        previous = ""
        for number in range(n_pages):
            lines = _lines(document, number)
            heads = {i for i in _edges(lines) if _alike(lines[i]) in running_heads}
            usual = _usual_length([x for i, x in enumerate(lines) if i not in heads])
            share = (number + 1) / n_pages
            for i, line in enumerate(lines):
                if i in heads:
                    yield Piece(line, left_out="running head", share=share)
                elif line:
                    if previous:
                        yield Piece(_joint(previous, line, usual), share=share)
                    yield from _whole_words(line, share)
                    previous = line
        yield Piece("\n", share=1.0)


def _usual_length(lines: list[str]) -> int:
    lengths = sorted(len(line) for line in lines if line)
    return lengths[int(0.8 * (len(lengths) - 1))] if lengths else 0


def _joint(line: str, following: str, usual: int) -> str:
    """Return what joins two lines: a space, a line break or a paragraph break."""
    is_full = len(line) >= FULL_LINE * usual
    if _ITEM.match(following) or (_ENDS.search(line) and not is_full):
        return "\n\n" if _ENDS.search(line) else "\n"
    return " " if is_full or following[:1].islower() else "\n\n"


def _whole_words(line: str, share: float) -> Iterator[Piece]:
    """Yield a line, without the hyphens of divided words."""
    parts = line.split(_DIVIDED)
    for i, part in enumerate(parts):
        if i and part[:1].islower():
            yield Piece("-", left_out="hyphen at the end of a line", share=share)
        elif i:
            yield Piece("-", share=share)
        yield Piece(part, share=share)
