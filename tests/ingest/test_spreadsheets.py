"""Cells of Excel: raised text, durations, merged cells."""

import zipfile
from types import SimpleNamespace

import pytest
from python_calamine import CalamineWorkbook

from autolearn.ingest import readers
from autolearn.ingest.readers import spreadsheet
from tests.support import files, rich_office

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RAISED = '<r><rPr><vertAlign val="superscript"/></rPr><t>{}</t></r>'.format


def written(path, cells, *, styles="", shared="", merged="", hidden=()):
    """Write a sheet of rows of cells in XML; return the lines of its tables."""
    rich_office.xlsx_of(path, [])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    marks = {i: ' spans="1:3" hidden="1"' for i in hidden}
    rows = "".join(
        f'<row r="{i}"{marks.get(i, "")}>{row}</row>' for i, row in enumerate(cells, 1)
    )
    columns = '<cols><col min="2" max="2" hidden="1"/></cols>' if hidden else ""
    ranges = f"<mergeCells>{merged}</mergeCells>" if merged else ""
    sheet = f"<worksheet {SPACE}>{columns}<sheetData>{rows}</sheetData>{ranges}"
    sheet += "</worksheet>"
    members["xl/worksheets/sheet1.xml"] = sheet.encode()
    if styles:
        members["xl/styles.xml"] = f"<styleSheet {SPACE}>{styles}</styleSheet>".encode()
    if shared:
        members["xl/sharedStrings.xml"] = f"<sst {SPACE}>{shared}</sst>".encode()
    files.zip_of(path, members)
    text = "".join(p.text for p in readers.open_source(path, path.name).pieces)
    return [line for line in text.splitlines() if line.startswith("|")]


def number(place, value, style=0):
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def inline(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def test_only_the_cells_with_raised_text_are_written_with_powers(tmp_path):
    shared = f"<si><r><t>10</t></r>{RAISED(23)}</si><si><t>1023</t></si>"
    names = inline("A1", "Count") + inline("B1", "Text")
    cells = number("A2", 1023) + '<c r="B2" t="s"><v>0</v></c>'
    more = number("A3", 7) + '<c r="B3" t="s"><v>1</v></c>'
    lines = written(tmp_path / "a.xlsx", [names, cells, more], shared=shared)
    assert lines[2:] == ["| 1023 | 10^23 |", "| 7 | 1023 |"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-90, "-0:01:30"),
        (47.53, "0:00:47.53"),
        (90000, "25:00:00"),
        (59.9999, "0:01:00"),
    ],
)
def test_durations_keep_their_sign_and_fraction(tmp_path, seconds, text):
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="46"/></cellXfs>'
    names = inline("A1", "Run") + inline("B1", "Time")
    cells = number("A2", 1) + number("B2", seconds / 86400, style=1)
    assert written(tmp_path / "a.xlsx", [names, cells], styles=styles)[2:] == [
        f"| 1 | {text} |"
    ]


def test_formulas_without_results_are_shown_and_counted(tmp_path):
    path = tmp_path / "a.xlsx"
    formula = '<c r="{}"{}><f>{}</f><v></v></c>'.format
    lines = written(
        path,
        [
            inline("A1", "Item") + inline("B1", "Sum"),
            inline("A2", "Nails") + formula("B2", "", 'IF(C2&lt;9,"no",5)'),
            inline("A3", "Lamps") + formula("B3", ' t="str"', "A9"),
        ],
    )
    assert lines[2:] == ['| Nails | =IF(C2<9,"no",5) |', "| Lamps |  |"]
    notes = [piece.note for piece in readers.open_source(path, path.name).pieces]
    assert "1 cell has a formula" in "".join(notes)


def test_a_title_over_a_whole_row_does_not_end_the_merged_cells(tmp_path):
    cells = [
        inline("A1", "Fleet"),
        inline("A2", "Port") + inline("B2", "Ship"),
        inline("A3", "Oden") + inline("B3", "Ada"),
        inline("B4", "Ben"),
    ]
    merged = '<mergeCell ref="A1:XFD1"/><mergeCell ref="A3:A4"/>'
    lines = written(tmp_path / "a.xlsx", cells, merged=merged)
    assert lines[-2:] == ["| Oden | Ada |", "| Oden | Ben |"]


def test_struck_cells_and_parts_of_cells_are_marked(tmp_path):
    fonts = "<fonts><font/><font><strike/></font></fonts>"
    styles = f'{fonts}<cellXfs><xf/><xf fontId="1"/></cellXfs>'
    struck = "<r><rPr><strike/></rPr><t>10</t></r>"
    shared = f'<si>{struck}<r><t xml:space="preserve"> 12</t></r></si>'
    cells = number("A2", 9, style=1) + '<c r="B2" t="s"><v>0</v></c>'
    names = inline("A1", "Old") + inline("B1", "New")
    path = tmp_path / "a.xlsx"
    lines = written(path, [names, cells], styles=styles, shared=shared)
    assert lines[2:] == ["| ~~9~~ | ~~10~~ 12 |"]


def test_hidden_rows_and_columns_are_listed_and_not_read(tmp_path):
    path = tmp_path / "a.xlsx"
    cells = [
        inline("A1", "Port") + inline("B1", "Ice") + inline("C1", "Ships"),
        inline("A2", "Oden") + number("B2", 5) + number("C2", 12),
        inline("A3", "Tarn") + number("B3", 6) + number("C3", 7),
        inline("A4", "Avel") + number("B4", 8) + number("C4", 9),
    ]
    lines = written(path, cells, hidden=[3])
    assert lines == [
        "| Port | Ships |",
        "| --- | --- |",
        "| Oden | 12 |",
        "| Avel | 9 |",
    ]
    pieces = list(readers.open_source(path, path.name).pieces)
    assert [(p.left_out, p.text) for p in pieces if p.left_out[:6] == "hidden"] == [
        ("hidden row", "Tarn 6 7"),
        ("hidden column", "Ice\n5\n8"),
    ]


def test_a_note_says_that_old_files_have_values_only(tmp_path, monkeypatch):
    written(tmp_path / "a.xlsx", [inline("A1", "Fleet")])
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    opener = SimpleNamespace(from_path=lambda path: book)
    monkeypatch.setattr(spreadsheet, "CalamineWorkbook", opener)
    (tmp_path / "a.xls").write_bytes(b"")
    source = readers.open_source(tmp_path / "a.xls", "a.xls")
    assert "Fleet" in "".join(piece.text for piece in source.pieces)
    assert "save it as .xlsx" in source.note
