"""Several tables on one sheet, titles, and lines of text."""

import zipfile

import pytest

from autolearn.ingest import readers
from autolearn.ingest.readers import sheet_tables
from autolearn.ingest.readers.sheet_tables import Covered
from tests.support import files, rich_office

SHIPS = [["Ship", "Year"], ["Ada", "1900"], ["Ben", "1907"]]
PORTS = [["Port", "Depth", "Cranes"], ["Oden", "7", "2"], ["Tarn", "9", "4"]]
SHIPS_TABLE = "| Ship | Year |\n| --- | --- |\n| Ada | 1900 |\n| Ben | 1907 |\n\n"
PORTS_TABLE = (
    "| Port | Depth | Cranes |\n| --- | --- | --- |\n"
    "| Oden | 7 | 2 |\n| Tarn | 9 | 4 |\n\n"
)


def sheet(*parts, width=8, height=12):
    """Return the rows of a sheet; each part is a row, a column and a table."""
    rows = [[""] * width for _ in range(height)]
    for top, left, table in parts:
        for i, row in enumerate(table):
            rows[top + i][left : left + len(row)] = row
    return rows


def written(*parts):
    return list(sheet_tables.written(sheet(*parts)))


@pytest.mark.parametrize("top", [0, 1, 2])
@pytest.mark.parametrize("left", [3, 5])
def test_tables_side_by_side_have_their_own_names(top, left):
    right = [*PORTS, ["Ulm", "3", "1"]]
    expected = PORTS_TABLE[:-1] + "| Ulm | 3 | 1 |\n\n"
    assert written((0, 0, SHIPS), (top, left, right)) == [SHIPS_TABLE, expected]


def test_tables_of_one_form_are_divided_though_their_rows_agree():
    other = [["Ship", "Year"], ["Cleo", "1911"], ["Dora", "1912"]]
    second = "| Ship | Year |\n| --- | --- |\n| Cleo | 1911 |\n| Dora | 1912 |\n\n"
    assert written((0, 0, SHIPS), (0, 3, other)) == [SHIPS_TABLE, second]


def test_tables_below_and_beside_others_are_found():
    parts = (0, 0, SHIPS), (4, 0, PORTS), (1, 4, PORTS)
    assert written(*parts) == [SHIPS_TABLE, PORTS_TABLE, PORTS_TABLE]


@pytest.mark.parametrize(
    "right",
    [
        [["Sum"], ["7"], ["9"]],  # a single column belongs to the rows
        [["Sum", "Share"], ["7", "1"], ["9", "2"]],  # without labels
        [["", "Note"], ["late", ""], ["", ""]],  # without names
    ],
)
def test_an_empty_column_within_a_table_divides_nothing(right):
    (text,) = written((0, 0, SHIPS), (0, 3, right))
    assert text.startswith("| Ship | Year | ")


def test_a_title_across_a_table_is_no_row():
    table = [["Fleet", Covered("Fleet")], *SHIPS]
    assert written((0, 2, table)) == ["Fleet\n\n" + SHIPS_TABLE]


def test_equal_values_are_a_row():
    (text,) = written((0, 0, [["yes", "yes"], ["yes", "yes"], ["no", "yes"]]))
    assert text.count("yes") == 5


@pytest.mark.parametrize(
    ("table", "header"),
    [
        ([["", "2021"], ["Oden", "7"]], "|  | 2021 |"),
        ([["Port", "2021"], ["Oden", "7"]], "| Port | 2021 |"),
        ([["Ada", "1900"], ["Ben", "1907"]], "|  |  |"),
        ([["1900", "7"]], "|  |  |"),
    ],
)
def test_years_and_single_rows_are_names_or_values_by_what_is_below(table, header):
    (text,) = written((0, 0, table))
    assert text.splitlines()[0] == header
    assert text.endswith(f"| {' | '.join(table[-1])} |\n\n")


def test_a_merged_title_of_excel_is_written_once(tmp_path):
    path = tmp_path / "a.xlsx"
    rows: list[list[object]] = [["Fleet of Tarn", "", ""]]
    rich_office.xlsx_of(path, rows + [[*row] for row in SHIPS])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"].decode()
    # The second one lies outside the cells that are used.
    merged = '<mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="C8:D9"/></mergeCells>'
    sheet = sheet.replace("</worksheet>", f"{merged}</worksheet>")
    files.zip_of(path, {**members, "xl/worksheets/sheet1.xml": sheet.encode()})
    pieces = list(readers.open_source(path, "a.xlsx").pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    assert text.endswith("\n\nFleet of Tarn\n\n" + SHIPS_TABLE)


def test_a_text_in_one_cell_is_no_table():
    assert written((0, 0, [["Python"]]), (1, 1, [["Libraries"]]), (3, 0, SHIPS)) == [
        "Python\n\nLibraries\n\n",
        SHIPS_TABLE,
    ]


def test_sheets_of_opendocument_are_divided_too(tmp_path):
    def cell(text, spans=""):
        return f"<table:table-cell{spans}><text:p>{text}</text:p></table:table-cell>"

    def row(*cells):
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    gap = '<table:table-cell table:number-columns-repeated="2"/>'
    covered = "<table:covered-table-cell/>"
    wide = ' table:number-columns-spanned="2"'
    rest = '<table:table-cell table:number-columns-repeated="1020"/>'
    sheet = (
        row(cell("Ship"), cell("Year"), rest)
        + row(cell("Ada"), cell("1900"), gap, cell("Port"), cell("Depth"), rest)
        + row(cell("Ben"), cell("1907"), gap, cell("Oden"), cell("7"), rest)
        + row(cell("lost at sea", wide), covered, gap, cell("Tarn"), cell("9"), rest)
    )
    table = f'<table:table table:name="Fleet">{sheet}</table:table>'
    body = f"<office:spreadsheet>{table}</office:spreadsheet>"
    rich_office.odf_of(tmp_path / "a.ods", body)
    pieces = readers.open_source(tmp_path / "a.ods", "a.ods").pieces
    lines = [x for x in "".join(piece.text for piece in pieces).splitlines() if x]
    assert lines == [
        "## Fleet",
        "| Ship | Year |",
        "| --- | --- |",
        "| Ada | 1900 |",
        "| Ben | 1907 |",
        "| lost at sea |  |",
        "| Port | Depth |",
        "| --- | --- |",
        "| Oden | 7 |",
        "| Tarn | 9 |",
    ]
