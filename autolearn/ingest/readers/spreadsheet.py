"""Read spreadsheets of Excel, each sheet as a table."""

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetVisibleEnum,
)

from autolearn.core.errors import InputError
from autolearn.ingest.readers import (
    archives,
    cell_formats,
    markup,
    packages,
    sheet_tables,
)
from autolearn.ingest.readers.cell_formats import NumberFormat, Place
from autolearn.ingest.readers.pieces import Piece, Source
from autolearn.ingest.readers.sheet_tables import Covered

_OUTSIDE = {
    "xl/comments": "comment",
    "xl/threadedComments": "comment",
    "xl/drawings/drawing": "text in a drawing",
    "xl/charts/chart": "text in a drawing",
}
"""Parts with text outside the cells, and why they are left out."""
_TEXTS = ("t", "text", "v")
MOST_CELLS = 5_000_000
"""Most cells of a sheet, which bounds the memory that it takes."""
MOST_REPEATED = 10_000
"""Most cells in which a merged one is repeated."""


def read(path: Path) -> Source:
    """Return the sheets, each below its name; hidden ones are left out.

    Raises:
        InputError: It is damaged, protected, too large, or no spreadsheet.
    """
    if path.suffix.lower() != ".xls":
        packages.refuse_protected(path)
        with archives.open_zip(path):
            pass  # checks its size
    else:
        markup.check_size(path.stat().st_size)
    try:
        book = CalamineWorkbook.from_path(str(path))
    except CalamineError as error:
        raise InputError(f"cannot be read: {error}; save it again.") from error
    return Source(_pieces(book, path))


def _pieces(book: CalamineWorkbook, path: Path) -> Iterator[Piece]:
    if path.suffix.lower() == ".xls":
        yield from _sheets(book, {}, {})
    else:
        with archives.open_zip(path) as archive:
            formats = cell_formats.of_sheets(archive)
            yield from _sheets(book, formats, cell_formats.texts_with_scripts(archive))
            for name in archive.namelist():
                reason = next(
                    (why for part, why in _OUTSIDE.items() if part in name), ""
                )
                is_text = reason and name.endswith(".xml")
                text = _text(packages.xml(archive, name)) if is_text else ""
                if text:
                    yield Piece(text, left_out=reason, share=1.0)


def _text(root: Element) -> str:
    parts = (part.text or "" for part in root.iter() if packages.tag(part) in _TEXTS)
    return " ".join(" ".join(parts).split())


def _sheets(
    book: CalamineWorkbook,
    formats: Mapping[str, Mapping[Place, NumberFormat]],
    scripts: Mapping[str, str],
) -> Iterator[Piece]:
    sheets = book.sheets_metadata
    for n, sheet in enumerate(sheets, 1):
        share = n / len(sheets)
        try:
            content = book.get_sheet_by_name(sheet.name)
        except CalamineError:
            continue  # a sheet of charts
        if content.total_height * content.total_width > MOST_CELLS:
            raise InputError(
                f"has more than {MOST_CELLS:,} cells in a sheet; save it as .csv."
            )
        rows = _rows(content, formats.get(sheet.name, {}), scripts)
        if not rows:
            continue
        if sheet.visible != SheetVisibleEnum.Visible:
            text = "\n".join(" ".join(filter(None, row)) for row in rows)
            yield Piece(text, left_out="hidden sheet", share=share)
            continue
        yield Piece(
            f"## {' '.join(sheet.name.split())}\n\n", starts_passage=True, share=share
        )
        for text in sheet_tables.written(rows):
            yield Piece(text, share=share)


def _rows(
    sheet: CalamineSheet,
    formats: Mapping[Place, NumberFormat],
    scripts: Mapping[str, str],
) -> list[list[str]]:
    """Return the texts of all cells; merged cells are repeated.

    Args:
        sheet: The sheet.
        formats: How to write the numbers of some cells.
        scripts: How to write texts with superscripts or subscripts.
    """
    values = sheet.to_python(skip_empty_area=False)
    rows = [[_value_text(value) for value in row] for row in values]
    for (i, column), number_format in formats.items():
        number = (
            values[i][column] if i < len(values) and column < len(values[i]) else ""
        )
        if isinstance(number, int | float) and not isinstance(number, bool):
            rows[i][column] = number_format(number)
    if scripts:
        rows = [[scripts.get(text, text) for text in row] for row in rows]
    n_repeated = 0
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        n_repeated += (bottom - top + 1) * (right - left + 1)
        if n_repeated > MOST_REPEATED:
            break
        if top >= len(rows) or left >= len(rows[top]):
            continue  # merged outside the cells that are used
        text, is_title = rows[top][left], right - left + 1 >= max(map(len, rows))
        for row in rows[top : bottom + 1]:
            width = 1 if is_title else right - left + 1
            row[left : left + width] = [Covered(text)] * len(row[left : left + width])
        rows[top][left] = text
    return rows if any(any(row) for row in rows) else []


def _value_text(value: Any) -> str:
    """Return the value of a cell as a person would write it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value).strip()
