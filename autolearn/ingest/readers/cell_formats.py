"""What Excel shows of a cell beyond its value: signs of its format, superscripts.

calamine gives values only: 0.256 for 25.6 %, and 1023 for 10 with a raised 23.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from html import escape
from xml.etree.ElementTree import Element

from bs4 import BeautifulSoup

from autolearn.ingest.readers import packages, superscripts
from autolearn.ingest.readers.packages import child, tag, value

Place = tuple[int, int]
"""The row and the column of a cell, from 0."""
NumberFormat = Callable[[float], str]
"""Writes a number as a format shows it."""

_CELL = re.compile(
    rb'<(?:\w+:)?c(?=\s[^>]*\br="([A-Z]{1,3})(\d+)")(?=\s[^>]*\bs="(\d+)")'
)
_LITERAL = re.compile(
    r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|([€£¥$%])|\[[^\]]*\]|_.|\*.'
)
"""Parts of a format that are not digits: texts, currencies, conditions, gaps."""
_DIGITS = re.compile(r"[0#?][0#?,.]*")
_PERCENT = {9: "0%", 10: "0.00%"}
"""Formats of percentages that every file has."""


def of_sheets(archive: zipfile.ZipFile) -> dict[str, dict[Place, NumberFormat]]:
    """Return the cells of each sheet whose format adds something to the value."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    formats = _of_styles(packages.xml(archive, "xl/styles.xml"))
    if not formats:
        return {}
    book = packages.main_part(archive, "xl/workbook.xml")
    parts = packages.relations(archive, book)
    sheets = child(packages.xml(archive, book), "sheets")
    names = archive.namelist()
    return {
        value(sheet, "name"): _of_cells(archive.read(part.target), formats)
        for sheet in (sheets if sheets is not None else ())
        if (part := parts.get(value(sheet, "id"))) and part.target in names
    }


def _of_cells(
    data: bytes, formats: dict[int, NumberFormat]
) -> dict[Place, NumberFormat]:
    return {
        (int(row) - 1, _column(letters)): formats[int(style)]
        for letters, row, style in _CELL.findall(data)
        if int(style) in formats
    }


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
        if addition := _number_format(code.split(";")[0]):
            formats[n] = addition
    return formats


def _number_format(code: str) -> NumberFormat | None:
    """Return how a format writes numbers; None if it adds nothing to them."""
    digits = _DIGITS.search(_LITERAL.sub(lambda m: " " * len(m[0]), code))
    if not digits or re.search(r"[eE]\+|/", code):
        return None
    before = _texts(code[: digits.start()])
    after = _texts(code[digits.end() :])
    n_zeros = len(re.match(r"0*", digits[0])[0])  # type: ignore[index]
    is_padded = n_zeros > 1 and n_zeros == len(digits[0])
    if not (before.strip() or after.strip() or is_padded):
        return None
    factor = 100 if "%" in before + after else 1

    def write(number: float) -> str:
        digits = f"{number * factor:.12g}"
        text = digits.zfill(n_zeros) if is_padded else digits
        return f"{before}{text}{after}".strip()

    return write


def _texts(code: str) -> str:
    """Return the texts and currencies of a part of a format."""
    # A space next to a text or a sign is shown; escaped, it counts as a text too.
    code = re.sub(r"(?<=[\]\"]) |(?<!\\) (?=[\"\[%€])", r"\\ ", code)
    parts = (next(filter(None, m.groups()), "") for m in _LITERAL.finditer(code))
    return "".join(parts)


def texts_with_scripts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return how to write texts with superscripts or subscripts, by the plain texts."""
    texts: dict[str, str] = {}
    for item in _items(archive):
        runs = [(_text(run), value(child(run, "rPr", "vertAlign"))) for run in item]
        if any(where.endswith("script") for _, where in runs):
            plain = "".join(text for text, _ in runs)
            texts[plain.strip()] = _as_text(runs)
    return texts


def _items(archive: zipfile.ZipFile) -> Iterator[Element]:
    """Yield the texts of cells in the parts of a file that have raised text."""
    for name in archive.namelist():
        is_strings = name == "xl/sharedStrings.xml"
        if not is_strings and not name.startswith("xl/worksheets/sheet"):
            continue
        if b"vertAlign" in archive.read(name):
            root = packages.xml(archive, name)
            yield from (x for x in root.iter() if tag(x) in ("si", "is"))


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
