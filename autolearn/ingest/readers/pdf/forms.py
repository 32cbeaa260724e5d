"""Take what has been filled in: values and ticks of forms, and typed notes."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from autolearn.ingest.readers.pdf.shapes import SPACE, Bounds, Point, Word, between

TICK, EMPTY = "\u2612", "\u2610"
LARGEST, SMALLEST = 12.0, 6.0
"""Sizes of type in a field, whose own size is not known."""
MOST_FIELDS = 2000
_INVISIBLE = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW
_TICKS = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
_VALUES = (
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD,
    pdfium_c.FPDF_FORMFIELD_COMBOBOX,
    pdfium_c.FPDF_FORMFIELD_LISTBOX,
)


def words(
    document: pdfium.PdfDocument,
    page: pdfium.PdfPage,
    place: Callable[[float, float], Point],
    page_words: Sequence[Word],
) -> Iterator[Word]:
    """Yield the filled-in words of a page, each at its place.

    Args:
        document: The document, with an environment for forms if it has a form.
        page: The page.
        place: Turns a point of the file into a point of the page as seen.
        page_words: The words that are drawn on the page.
    """
    order = len(page_words) + 1
    n = min(MOST_FIELDS, pdfium_c.FPDFPage_GetAnnotCount(page.raw))
    for i in range(n):
        with _annotation(page, i) as annotation:
            text = _text(document, annotation)
            if not text:
                continue
            box = _box(annotation, place)
        for word in _placed(text, box, order):
            yield on_baseline(word, box, page_words)
            order = word.order + 1
        order += 1


@contextmanager
def _annotation(page: pdfium.PdfPage, i: int) -> Iterator[Any]:
    annotation = pdfium_c.FPDFPage_GetAnnot(page.raw, i)
    try:
        yield annotation
    finally:
        if annotation:
            pdfium_c.FPDFPage_CloseAnnot(annotation)


def _text(document: pdfium.PdfDocument, annotation: Any) -> str:
    """Return the visible text of an annotation; empty if it has none."""
    if not annotation or pdfium_c.FPDFAnnot_GetFlags(annotation) & _INVISIBLE:
        return ""
    subtype = pdfium_c.FPDFAnnot_GetSubtype(annotation)
    if subtype == pdfium_c.FPDF_ANNOT_FREETEXT:
        return _string(pdfium_c.FPDFAnnot_GetStringValue, annotation, b"Contents")
    form = document.formenv
    if subtype != pdfium_c.FPDF_ANNOT_WIDGET or form is None:
        return ""
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form.raw, annotation)
    if kind in _TICKS:
        is_ticked = pdfium_c.FPDFAnnot_IsChecked(form.raw, annotation)
        return TICK if is_ticked else EMPTY
    if kind in _VALUES:
        return _string(pdfium_c.FPDFAnnot_GetFormFieldValue, form.raw, annotation)
    return ""


def _string(function: Any, *arguments: Any) -> str:
    n = function(*arguments, None, 0)
    buffer = ctypes.create_string_buffer(n + 2)
    pointer = ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR))
    function(*arguments, pointer, n)
    return buffer.raw[:n].decode("utf-16-le", "replace").strip("\0")


def _box(annotation: Any, place: Callable[[float, float], Point]) -> Bounds:
    """Return the left, upper, right and lower edge of an annotation as seen."""
    rectangle = pdfium_c.FS_RECTF()
    pdfium_c.FPDFAnnot_GetRect(annotation, rectangle)
    left, top = rectangle.left, rectangle.top
    return between(place(left, top), place(rectangle.right, rectangle.bottom))


def _placed(text: str, box: Bounds, order: int) -> Iterator[Word]:
    """Yield the words of a field from its upper left corner on."""
    x0, top, x1, bottom = box
    lines = [line.split() for line in text.splitlines() if line.strip()]
    n = max(1, len(lines))
    height = (bottom - top) / n
    size = round(min(LARGEST, max(SMALLEST, 0.7 * height)), 1)
    longest = max((len(" ".join(line)) for line in lines), default=1)
    step = min(0.5 * size, (x1 - x0) / max(1, longest))
    for i, line in enumerate(lines):
        base, x = top + (i + 0.5) * height + 0.35 * size, x0
        for word in line:
            end = x + step * len(word)
            yield Word(word, x, end, base, size, False, False, order, SPACE)
            x, order = end + step, order + 1


def on_baseline(word: Word, box: Bounds, page_words: Sequence[Word]) -> Word:
    """Return a word of a field on the baseline of the text next to it, if any."""
    _, top, _, bottom = box
    bases = [
        other.base
        for other in page_words
        if top < other.base < bottom + 0.3 * word.size
    ]
    near = min(bases, key=lambda base: abs(base - word.base), default=word.base)
    return word._replace(base=near) if abs(near - word.base) < word.size else word
