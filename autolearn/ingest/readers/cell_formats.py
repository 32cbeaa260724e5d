"""What Excel shows of a cell beyond its value: signs of its format, superscripts.

calamine gives values only: 0.256 for 25.6 %, and 1023 for 10 with a raised 23.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from xml.etree.ElementTree import Element

from bs4 import BeautifulSoup

from autolearn.ingest.readers import number_formats, packages, superscripts
from autolearn.ingest.readers.number_formats import NumberFormat
from autolearn.ingest.readers.packages import child, tag, value

Place = tuple[int, int]
"""The row and the column of a cell, from 0."""

_CELL = re.compile(
    rb'<(?:\w+:)?c(?=\s[^>]*\br="([A-Z]{1,3})(\d{1,7})")(?=\s[^>]*\bs="(\d{1,9})")'
)
_SHARED_TEXT = re.compile(
    rb'<(?:\w+:)?c(?=\s[^>]*\br="([A-Z]{1,3})(\d{1,7})")(?=\s[^>]*\bt="s")[^>]*>\s*'
    rb"<(?:\w+:)?v>(\d{1,9})<"
)
"""A cell with the number of a text that cells share."""
_FORMULA_ALONE = re.compile(
    rb'<(?:\w+:)?c(?=\s[^>]*\br="([A-Z]{1,3})(\d{1,7})")(?![^>]*\bt="str")[^>]*>\s*'
    rb"<(?:\w+:)?f\b[^>]*>([^<]*)</(?:\w+:)?f>\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""A cell with a formula and no result, as programs other than Excel write it."""
_REFERENCE = re.compile(rb"([A-Z]{1,3})(\d{1,7})")
_PERCENT = {9: "0%", 10: "0.00%"}
"""Formats of percentages that every file has."""


@dataclass(frozen=True)
class SheetFormats:
    """What the cells of a sheet show beyond their values."""

    numbers: Mapping[Place, NumberFormat] = field(default_factory=dict)
    """Formats that add something to a number."""
    texts: Mapping[Place, str] = field(default_factory=dict)
    """Texts with superscripts or subscripts, as they are to be written."""
    formulas: Mapping[Place, str] = field(default_factory=dict)
    """Formulas whose results the file does not have."""


def of_sheets(archive: zipfile.ZipFile) -> dict[str, SheetFormats]:
    """Return what is shown beyond the values, by the names of the sheets."""
    names = archive.namelist()
    book = packages.main_part(archive, "xl/workbook.xml")
    if book not in names:
        return {}
    has_styles = "xl/styles.xml" in names
    formats = _of_styles(packages.xml(archive, "xl/styles.xml")) if has_styles else {}
    shared = _shared_texts(archive) if "xl/sharedStrings.xml" in names else {}
    parts = packages.relations(archive, book)
    sheets = child(packages.xml(archive, book), "sheets")
    return {
        value(sheet, "name"): _of_sheet(archive, part.target, formats, shared)
        for sheet in (sheets if sheets is not None else ())
        if (part := parts.get(value(sheet, "id"))) and part.target in names
    }


def _of_sheet(
    archive: zipfile.ZipFile,
    name: str,
    formats: Mapping[int, NumberFormat],
    shared: Mapping[int, str],
) -> SheetFormats:
    data = archive.read(name)
    numbers = {
        _place(letters, row): formats[int(style)]
        for letters, row, style in (_CELL.findall(data) if formats else ())
        if int(style) in formats
    }
    texts = {
        _place(letters, row): shared[int(number)]
        for letters, row, number in (_SHARED_TEXT.findall(data) if shared else ())
        if int(number) in shared
    }
    if b"vertAlign" in data:
        texts |= _inline_texts(packages.xml(archive, name))
    formulas = {
        _place(letters, row): f"={unescape(formula.decode('utf-8', 'replace'))}"
        for letters, row, formula in _FORMULA_ALONE.findall(data)
    }
    return SheetFormats(numbers, texts, formulas)


def _inline_texts(sheet: Element) -> dict[Place, str]:
    """Return the texts with superscripts or subscripts that cells do not share."""
    texts: dict[Place, str] = {}
    for cell in sheet.iter():
        text = _with_scripts(child(cell, "is")) if tag(cell) == "c" else ""
        if text and (match := _REFERENCE.fullmatch(value(cell, "r").encode())):
            texts[_place(*match.groups())] = text
    return texts


def _place(letters: bytes, row: bytes) -> Place:
    return int(row) - 1, _column(letters)


def _column(letters: bytes) -> int:
    n = 0
    for letter in letters:
        n = 26 * n + letter - ord("A") + 1
    return n - 1


def _of_styles(root: Element) -> dict[int, NumberFormat]:
    """Return the formats that add something, by the number of the style of a cell."""
    codes = dict(_PERCENT)
    for part in child(root, "numFmts") or ():
        codes[int(value(part, "numFmtId"))] = value(part, "formatCode")
    styles = child(root, "cellXfs")
    formats: dict[int, NumberFormat] = {}
    for n, style in enumerate(styles if styles is not None else ()):
        code = codes.get(int(value(style, "numFmtId") or 0), "")
        if number_format := number_formats.parse(code):
            formats[n] = number_format
    return formats


def _shared_texts(archive: zipfile.ZipFile) -> dict[int, str]:
    """Return the shared texts with superscripts or subscripts, by their numbers."""
    name = "xl/sharedStrings.xml"
    if b"vertAlign" not in archive.read(name):
        return {}
    items = (part for part in packages.xml(archive, name) if tag(part) == "si")
    return {n: text for n, item in enumerate(items) if (text := _with_scripts(item))}


def _with_scripts(item: Element | None) -> str:
    """Return a text with superscripts or subscripts; empty if it has none."""
    runs = [
        (_text(run), value(child(run, "rPr", "vertAlign")))
        for run in (item if item is not None else ())
    ]
    has_scripts = any(where.endswith("script") for _, where in runs)
    return _as_text(runs) if has_scripts else ""


def _text(run: Element) -> str:
    if tag(run) == "rPh":
        return ""
    return "".join(part.text or "" for part in run.iter() if tag(part) == "t")


def _as_text(runs: list[tuple[str, str]]) -> str:
    """Return texts, each with its vertical alignment, as one, written as on pages."""
    names = {"superscript": "sup", "subscript": "sub"}
    html = "".join(
        f"<{names[where]}>{escape(text)}</{names[where]}>"
        if where in names
        else escape(text)
        for text, where in runs
    )
    soup = BeautifulSoup(html, "html.parser")
    superscripts.write_out(soup)
    return soup.get_text().strip()
