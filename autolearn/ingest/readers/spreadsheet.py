"""Read spreadsheets of Excel, each sheet as a table."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
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
from autolearn.ingest.readers.cell_formats import Place, SheetFormats
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
_MILLISECOND = datetime.timedelta(milliseconds=1)
_Range = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last row and column of merged cells."""
MOST_CELLS = 5_000_000
"""Most cells of a sheet, which bounds the memory that it takes."""
_TOO_LARGE = f"has more than {MOST_CELLS:,} cells in a sheet; save it as .csv."
MOST_REPEATED = 10_000
"""Most cells of a sheet in which merged ones are repeated."""
_VALUES_ONLY = (
    "number formats, superscripts and hidden rows and columns of .xls files are not "
    "recognised; save it as .xlsx to have them"
)


def read(path: Path) -> Source:
    """Return the sheets, each below its name; what is hidden is left out.

    Raises:
        InputError: It is damaged, protected, too large, or no spreadsheet.
    """
    is_old = path.suffix.lower() == ".xls"
    if is_old:
        markup.check_size(path.stat().st_size)
    else:
        packages.refuse_protected(path)
        with archives.open_zip(path):
            pass  # checks its size
    try:
        book = CalamineWorkbook.from_path(str(path))
    except CalamineError as error:
        raise InputError(f"cannot be read: {error}; save it again.") from error
    if is_old:
        return Source(_sheets(book, {}), _VALUES_ONLY)
    return Source(_pieces(book, path))


def _pieces(book: CalamineWorkbook, path: Path) -> Iterator[Piece]:
    with archives.open_zip(path) as archive:
        yield from _sheets(book, cell_formats.of_sheets(archive))
        for name in archive.namelist():
            reason = next((why for part, why in _OUTSIDE.items() if part in name), "")
            is_text = reason and name.endswith(".xml")
            if is_text and (text := _text(packages.xml(archive, name))):
                yield Piece(text, left_out=reason, share=1.0)


def _text(root: Element) -> str:
    parts = (part.text or "" for part in root.iter() if packages.tag(part) in _TEXTS)
    return " ".join(" ".join(parts).split())


def _note(n_formulas: int) -> str:
    """Return a note on formulas without results; empty if there are none."""
    if not n_formulas:
        return ""
    cells = "1 cell has" if n_formulas == 1 else f"{n_formulas} cells have"
    return (
        f"{cells} a formula whose result the file does not have; open the file in a "
        "spreadsheet program and save it again"
    )


def _sheets(
    book: CalamineWorkbook, formats: Mapping[str, SheetFormats]
) -> Iterator[Piece]:
    sheets = book.sheets_metadata
    n_formulas = 0
    for n, sheet in enumerate(sheets, 1):
        share = n / len(sheets)
        try:
            content = book.get_sheet_by_name(sheet.name)
        except CalamineError:
            continue  # a sheet of charts
        if content.total_height * content.total_width > MOST_CELLS:
            raise InputError(_TOO_LARGE)
        own = formats.get(sheet.name, SheetFormats())
        rows = _rows(content, own)
        if not rows:
            continue
        if sheet.visible != SheetVisibleEnum.Visible:
            text = "\n".join(" ".join(filter(None, row)) for row in rows)
            yield Piece(text, left_out="hidden sheet", share=share)
            continue
        yield Piece(
            f"## {' '.join(sheet.name.split())}\n\n", starts_passage=True, share=share
        )
        for text in sheet_tables.written(own.hidden.shown(rows)):
            yield Piece(text, share=share)
        for text, reason in own.hidden.texts(rows):
            yield Piece(text, left_out=reason, share=share)
        n_formulas += len(own.formulas)
    yield Piece("", share=1.0, note=_note(n_formulas))


def _rows(sheet: CalamineSheet, formats: SheetFormats) -> list[list[str]]:
    """Return the texts of all cells; merged cells are repeated."""
    rows = [
        [_cell_text(value, formats, (i, n)) for n, value in enumerate(row)]
        for i, row in enumerate(sheet.to_python(skip_empty_area=False))
    ]
    for (i, n), formula in formats.formulas.items():
        if (i + 1) * (n + 1) > MOST_CELLS:
            raise InputError(_TOO_LARGE)
        rows.extend([] for _ in range(len(rows), i + 1))
        rows[i].extend([""] * (n + 1 - len(rows[i])))
        rows[i][n] = formula
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    _repeat_merged(rows, sheet.merged_cell_ranges or [])
    return rows if any(any(row) for row in rows) else []


def _cell_text(value: Any, formats: SheetFormats, place: Place) -> str:
    """Return what a cell shows."""
    if isinstance(value, str) and place in formats.texts:
        return formats.texts[place]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and place in formats.numbers:
        text = formats.numbers[place].write(value)
    else:
        text = _value_text(value)
    return f"~~{text}~~" if text and place in formats.struck else text


def _repeat_merged(rows: list[list[str]], ranges: Iterable[_Range]) -> None:
    """Repeat merged cells in each cell that they cover, a title only in its column."""
    width = max(map(len, rows), default=0)
    n_repeated = 0
    for (top, left), (bottom, right) in ranges:
        if top >= len(rows) or left >= len(rows[top]):
            continue  # merged outside the cells that are used
        is_title = right - left + 1 >= width
        end = left + 1 if is_title else min(right + 1, width)
        covered = rows[top : bottom + 1]
        n_cells = len(covered) * (end - left)
        if n_repeated + n_cells > MOST_REPEATED:
            continue
        n_repeated += n_cells
        text = rows[top][left]
        for row in covered:
            row[left:end] = [Covered(text)] * len(row[left:end])
        rows[top][left] = text


def _value_text(value: Any) -> str:
    """Return the value of a cell as a person would write it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.timedelta):
        return _duration(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value).strip()


def _duration(value: datetime.timedelta) -> str:
    """Return hours, minutes and seconds, to a millisecond as in Excel."""
    seconds, milliseconds = divmod(round(abs(value) / _MILLISECOND), 1000)
    minutes, seconds = divmod(seconds, 60)
    sign = "-" if value < datetime.timedelta() else ""
    fraction = f".{milliseconds:03}".rstrip("0").rstrip(".")
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{seconds:02}{fraction}"
