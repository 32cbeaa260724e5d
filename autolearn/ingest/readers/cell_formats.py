"""What Excel shows of a cell beyond its value: its format, raised and struck text.

calamine gives values only: 0.256 for 25.6 %, and 1023 for 10 with a raised 23. It does
not say either which rows and columns are hidden.
"""

import re
import zipfile
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from html import escape, unescape
from xml.etree.ElementTree import Element

from bs4 import BeautifulSoup

from autolearn.ingest.readers import number_formats, packages, superscripts
from autolearn.ingest.readers.hidden_cells import Hidden
from autolearn.ingest.readers.number_formats import NumberFormat
from autolearn.ingest.readers.packages import child, children, is_on, tag, value

Place = tuple[int, int]
"""The row and the column of a cell, from 0."""

_CELL_AT = rb'<(?:\w+:)?c(?=\s[^>]*\br="([A-Z]{1,3})(\d{1,7})")'
"""The beginning of a cell, with its column and its row."""
_CELL = re.compile(_CELL_AT + rb'(?=\s[^>]*\bs="(\d{1,9})")')
"""A cell with the number of its style."""
_SHARED_TEXT = re.compile(
    _CELL_AT + rb'(?=\s[^>]*\bt="s")[^>]*>\s*<(?:\w+:)?v>(\d{1,9})<'
)
"""A cell with the number of a text that cells share."""
_FORMULA_ALONE = re.compile(
    _CELL_AT
    + rb'(?![^>]*\bt="str")[^>]*>\s*'
    + rb"<(?:\w+:)?f\b[^>]*>([^<]*)</(?:\w+:)?f>\s*"
    + rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""A cell with a formula and no result, as programs other than Excel write it."""
_HIDDEN_ROW = re.compile(
    rb'<(?:\w+:)?row(?=\s[^<>]*\bhidden="(?:1|true)")(?=\s[^<>]*\br="(\d{1,7})")'
)
_HIDDEN_COLUMNS = re.compile(
    rb'<(?:\w+:)?col(?=\s[^<>]*\bhidden="(?:1|true)")'
    rb'(?=\s[^<>]*\bmin="(\d{1,5})")(?=\s[^<>]*\bmax="(\d{1,5})")'
)
_IN_PARTS = (b"vertAlign", b"strike")
"""What a file has if a part of a text is raised, lowered or struck."""
_SCRIPTS = {"superscript": "sup", "subscript": "sub"}
_REFERENCE = re.compile(rb"([A-Z]{1,3})(\d{1,7})")
_PERCENT = {9: "0%", 10: "0.00%"}
"""Formats of percentages that every file has."""


@dataclass(frozen=True)
class SheetFormats:
    """What the cells of a sheet show beyond their values."""

    numbers: Mapping[Place, NumberFormat] = field(default_factory=dict)
    """Formats that add something to a number."""
    texts: Mapping[Place, str] = field(default_factory=dict)
    """Texts with raised, lowered or struck parts, as they are to be written."""
    struck: Set[Place] = frozenset()
    """Cells with a line through all of their text."""
    formulas: Mapping[Place, str] = field(default_factory=dict)
    """Formulas whose results the file does not have."""
    hidden: Hidden = field(default_factory=Hidden)
    """The rows and columns that are not shown."""


def of_sheets(archive: zipfile.ZipFile) -> dict[str, SheetFormats]:
    """Return what is shown beyond the values, by the names of the sheets."""
    names = archive.namelist()
    book = packages.main_part(archive, "xl/workbook.xml")
    if book not in names:
        return {}
    has_styles = "xl/styles.xml" in names
    styles = packages.xml(archive, "xl/styles.xml") if has_styles else None
    looks = _formats(styles), _struck_styles(styles)
    shared = _shared_texts(archive) if "xl/sharedStrings.xml" in names else {}
    parts = packages.relations(archive, book)
    sheets = children(child(packages.xml(archive, book), "sheets"), "sheet")
    return {
        value(sheet, "name"): _of_sheet(archive, part.target, looks, shared)
        for sheet in sheets
        if (part := parts.get(value(sheet, "id"))) and part.target in names
    }


def _of_sheet(
    archive: zipfile.ZipFile,
    name: str,
    looks: tuple[Mapping[int, NumberFormat], Set[int]],
    shared: Mapping[int, str],
) -> SheetFormats:
    data = archive.read(name)
    formats, struck_styles = looks
    styles = formats.keys() | struck_styles
    style_of = {
        _place(letters, row): int(style)
        for letters, row, style in (_CELL.findall(data) if styles else ())
        if int(style) in styles
    }
    numbers = {place: formats[n] for place, n in style_of.items() if n in formats}
    struck = {place for place, n in style_of.items() if n in struck_styles}
    texts = {
        _place(letters, row): shared[int(number)]
        for letters, row, number in (_SHARED_TEXT.findall(data) if shared else ())
        if int(number) in shared
    }
    if any(sign in data for sign in _IN_PARTS):
        texts |= _inline_texts(packages.xml(archive, name))
    formulas = {
        _place(letters, row): f"={unescape(formula.decode('utf-8', 'replace'))}"
        for letters, row, formula in _FORMULA_ALONE.findall(data)
    }
    return SheetFormats(numbers, texts, struck, formulas, _hidden(data))


def _hidden(data: bytes) -> Hidden:
    """Return what is hidden. The ranges of columns do not overlap."""
    rows = frozenset(int(row) - 1 for row in _HIDDEN_ROW.findall(data))
    columns: set[int] = set()
    end = 0
    for first, last in _HIDDEN_COLUMNS.findall(data):
        columns.update(range(max(end, int(first) - 1), int(last)))
        end = max(end, int(last))
    return Hidden(rows, columns)


def _in_parts(item: Element | None) -> str:
    """Return a text with raised, lowered or struck parts; empty if it has none."""
    runs = [_html(run) for run in (item if item is not None else ())]
    if not any(html.startswith("<") for html in runs):
        return ""
    soup = BeautifulSoup("".join(runs), "html.parser")
    superscripts.write_out(soup)
    return soup.get_text().strip()


def _html(run: Element) -> str:
    """Return a part of a text as it would be written on a page."""
    html = escape(_text(run))
    if is_on(child(run, "rPr", "strike")) and html.strip():
        html = f"<s>~~{html}~~</s>"
    name = _SCRIPTS.get(value(child(run, "rPr", "vertAlign")))
    return f"<{name}>{html}</{name}>" if name else html


def _text(run: Element) -> str:
    if tag(run) == "rPh":
        return ""
    return "".join(part.text or "" for part in run.iter() if tag(part) == "t")


def _inline_texts(sheet: Element) -> dict[Place, str]:
    """Return the texts with such parts that cells do not share."""
    texts: dict[Place, str] = {}
    for cell in sheet.iter():
        text = _in_parts(child(cell, "is")) if tag(cell) == "c" else ""
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


def _formats(styles: Element | None) -> dict[int, NumberFormat]:
    """Return the formats that add something, by the number of the style of a cell."""
    codes = dict(_PERCENT)
    for part in _parts(styles, "numFmts"):
        codes[int(value(part, "numFmtId"))] = value(part, "formatCode")
    formats: dict[int, NumberFormat] = {}
    for n, style in enumerate(_parts(styles, "cellXfs")):
        code = codes.get(int(value(style, "numFmtId") or 0), "")
        if number_format := number_formats.parse(code):
            formats[n] = number_format
    return formats


def _struck_styles(styles: Element | None) -> set[int]:
    """Return the numbers of the styles whose font has a line through it."""
    fonts = [is_on(child(font, "strike")) for font in _parts(styles, "fonts")]
    struck = {str(n) for n, is_struck in enumerate(fonts) if is_struck}
    all_styles = enumerate(_parts(styles, "cellXfs"))
    return {n for n, style in all_styles if value(style, "fontId") in struck}


def _parts(styles: Element | None, name: str) -> Iterable[Element]:
    part = child(styles, name)
    return part if part is not None else ()


def _shared_texts(archive: zipfile.ZipFile) -> dict[int, str]:
    """Return the shared texts with such parts, by their numbers."""
    name = "xl/sharedStrings.xml"
    data = archive.read(name)
    if not any(sign in data for sign in _IN_PARTS):
        return {}
    items = children(packages.xml(archive, name), "si")
    return {n: text for n, item in enumerate(items) if (text := _in_parts(item))}
