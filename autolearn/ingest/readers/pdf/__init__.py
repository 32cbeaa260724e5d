"""Read PDFs by their geometry and fonts.

A first pass takes words with their places from each page, joins them to lines and
learns what holds for the whole document: the size of its text, what pages repeat, its
words. A second pass divides the lines into columns, tables, paragraphs, headings and
notes.
"""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from tempfile import SpooledTemporaryFile

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from autolearn.core.errors import InputError
from autolearn.ingest.readers.pdf import lines, page_content, survey
from autolearn.ingest.readers.pdf.flow import Flow, PartOnPage
from autolearn.ingest.readers.pdf.shapes import TurnedLines
from autolearn.ingest.readers.pdf.survey import PageLines, Survey
from autolearn.ingest.readers.pieces import Piece, Source

IN_MEMORY = 16 * 2**20
"""Bytes of lines that stay in memory between the passes."""
FIRST_PASS = 0.7
"""Share of the time that the first pass takes."""
_INCORRECT_PASSWORD = 4


def read(path: Path) -> Source:
    """Return the text of all pages as Markdown.

    Raises:
        InputError: The file is damaged, encrypted, or has images of pages but no text.
            Also raised while the pieces are read.
    """
    with _open(path) as document:
        n_pages = len(document)
    return Source(_pieces(path, n_pages))


def _open(path: Path) -> "closing[pdfium.PdfDocument]":
    try:
        return closing(pdfium.PdfDocument(path))
    except pdfium.PdfiumError as error:
        if error.err_code == _INCORRECT_PASSWORD:
            raise InputError("is encrypted; save it without a password.") from None
        raise InputError("is damaged or no PDF; save or download it again.") from None


def _pieces(path: Path, n_pages: int) -> Iterator[Piece]:
    with SpooledTemporaryFile(IN_MEMORY) as spool:
        counts = Survey(n_pages)
        with _open(path) as document:
            if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
                document.init_forms()
            for number in range(n_pages):
                page = _page(document, number)
                counts.add(page)
                pickle.dump(page, spool, pickle.HIGHEST_PROTOCOL)
                yield Piece("", share=FIRST_PASS * (number + 1) / n_pages)
        flow = Flow(counts.facts())
        for note in survey.notes(counts):
            yield Piece("", note=note, share=FIRST_PASS)
        spool.seek(0)
        for number in range(n_pages):
            share = FIRST_PASS + (1 - FIRST_PASS) * (number + 1) / n_pages
            yield from _as_pieces(flow.page(pickle.load(spool)), share)
        yield from _as_pieces(flow.rest(), 1.0)
        for note in flow.notes():
            yield Piece("", note=note, share=1.0)


def _as_pieces(parts: Iterable[PartOnPage], share: float) -> Iterator[Piece]:
    """Yield parts as pieces; consecutive texts of one page are joined."""
    for (number, why), group in groupby(parts, key=lambda x: (x[0], x[1][1])):
        place = f"page {number}"
        texts = [text for _, (text, _) in group]
        for text in texts if why else ["".join(texts)]:
            yield Piece(text, left_out=why, share=share, place=place)


def _page(document: pdfium.PdfDocument, number: int) -> PageLines:
    """Return the lines of a page."""
    try:
        content = page_content.of_page(document, number)
    except pdfium.PdfiumError:
        return PageLines(number, 0, 0, [], [], [], [], "damaged")
    usable, left_out = survey.split_usable(content.words)
    turned_lines = []
    for direction, words in content.turned_words:
        usable_turned, left_out_turned = survey.split_usable(words)
        turned_lines.append(TurnedLines(direction, lines.joined(usable_turned)))
        left_out += left_out_turned
    return PageLines(
        number,
        content.width,
        content.height,
        lines.joined(usable),
        turned_lines,
        content.rules,
        left_out,
        survey.why_without_text(content, usable),
    )
