"""Drawn boxes, receipts, schedules, lines from right to left, vertical text."""

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

from autolearn.ingest import readers
from autolearn.ingest.readers.pdf import bidi
from autolearn.ingest.readers.pdf.shapes import SPACE, Word
from tests.support import pdfs
from tests.support.pdfs import Sheet


@pytest.fixture
def sheet(tmp_path):
    return Sheet(tmp_path / "a.pdf")


def read(tmp_path, sheet):
    sheet.save()
    pieces = list(readers.open_source(tmp_path / "a.pdf", "a.pdf").pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    return text, [piece.note for piece in pieces if piece.note]


def box(sheet, mark, text, fill=None):
    """Draw a box with a mark before a text."""
    sheet.y -= 22
    canvas, y = sheet.canvas, sheet.y
    if fill:
        canvas.setFillColorRGB(*fill)
        canvas.rect(72, y - 1, 10, 10, fill=1, stroke=0)
        canvas.setFillColorRGB(0, 0, 0)
    canvas.rect(72, y - 1, 10, 10)
    if mark == "cross":
        canvas.line(72, y - 1, 82, y + 9)
        canvas.line(72, y + 9, 82, y - 1)
    elif mark:
        canvas.setFont(pdfs.BODY, 10)
        canvas.drawString(74, y, mark)
    canvas.setFont(pdfs.BODY, 11)
    canvas.drawString(88, y, text)


def test_drawn_boxes_say_whether_they_are_ticked(tmp_path, sheet):
    box(sheet, "cross", "Crossed by lines")
    box(sheet, "", "Left empty")
    box(sheet, "X", "Crossed by a letter")
    box(sheet, "", "Filled with white", fill=(1, 1, 1))
    box(sheet, "", "Filled with black", fill=(0, 0, 0))
    box(sheet, "", "Red of a chart", fill=(1, 0, 0))
    box(sheet, "7", "Place for a number")
    text, _ = read(tmp_path, sheet)
    for expected in (
        "☒ Crossed by lines",
        "☐ Left empty",
        "☒ Crossed by a letter",
        "☐ Filled with white",
        "☒ Filled with black",
    ):
        assert expected in text
    assert "☐ Red" not in text
    assert "☒ Red" not in text
    assert "7 Place for a number" in " ".join(text.split())


def test_cells_in_a_row_are_no_boxes(tmp_path, sheet):
    sheet.line("Number of the ship", skip=20)
    for n in range(6):
        sheet.canvas.rect(180 + 10 * n, sheet.y - 1, 10, 10)
    text, _ = read(tmp_path, sheet)
    assert "Number of the ship" in text
    assert "☐" not in text


def put(sheet, x, text):
    sheet.canvas.setFont(pdfs.BODY, 10)
    sheet.canvas.drawString(x, sheet.y, text)


def test_cells_of_several_lines_stay_in_their_row(tmp_path, sheet):
    xs = (72, 150, 260)
    days = ("Hour", "Monday", "Tuesday")
    lessons = (
        ("9:15", ("Drawing", "Room 7", "Ms Orr"), ("Latin", "Annex 2")),
        ("11:30", ("Botany", "Garden"), ("Drawing", "Room 7", "Ms Orr")),
        ("14:00", ("Fencing", "Hall 3", "Mr Lund"), ("Choir", "Chapel")),
    )
    for x, day in zip(xs, days, strict=True):
        put(sheet, x, day)
    sheet.y -= 20
    for hour, *cells in lessons:
        put(sheet, xs[0], hour)
        for i in range(3):
            for x, cell in zip(xs[1:], cells, strict=True):
                put(sheet, x, cell[i] if i < len(cell) else "")
            sheet.y -= 11
        sheet.y -= 9
    text, _ = read(tmp_path, sheet)
    assert "| 9:15 | Drawing Room 7 Ms Orr | Latin Annex 2 |" in text
    assert "| 14:00 | Fencing Hall 3 Mr Lund | Choir Chapel |" in text


@pytest.mark.parametrize("with_numbers", [False, True])
def test_lines_between_rules_are_rows_only_if_they_have_values(
    tmp_path, sheet, with_numbers
):
    ys, xs = (700, 680, 650, 620), (72, 172, 272)
    for y in ys:
        sheet.canvas.line(xs[0], y, 372, y)
    for x in (*xs, 372):
        sheet.canvas.line(x, ys[0], x, ys[-1])
    second = ("1,204", "988") if with_numbers else ("Attic", "Cellar")
    for y, cells in (
        (686, (("Place",), ("Kind",), ("Count",))),
        (668, (("Tarn",), ("pike", "eel"), second)),
        (
            638,
            (
                ("Oden",),
                ("trout", "perch"),
                ("31", "7") if with_numbers else ("Loft", "Shed"),
            ),
        ),
    ):
        for x, lines in zip(xs, cells, strict=True):
            for n, line in enumerate(lines):
                sheet.canvas.setFont(pdfs.BODY, 10)
                sheet.canvas.drawString(x + 4, y - 12 * n, line)
    text, _ = read(tmp_path, sheet)
    row = (
        "| Tarn | eel | 988 |" if with_numbers else "| Tarn | pike eel | Attic Cellar |"
    )
    assert row in text


def test_values_of_a_receipt_stand_beside_their_labels(tmp_path, sheet):
    for label, value, x in (
        ("Lamp oil, 2 l", "9.40", 300),
        ("Twine", "3.15", 300),
        ("Total", "12.55", 300),
        ("Date", "4/9/1987", 220),
        ("Till", "North", 220),
    ):
        put(sheet, 90, label)
        put(sheet, x, value)
        sheet.y -= 13
    text, _ = read(tmp_path, sheet)
    assert "| Total | 12.55 |" in text
    assert "| Date | 4/9/1987 |" in text


def test_an_amount_on_a_line_of_its_own_belongs_to_nothing_below(tmp_path, sheet):
    lines = (
        *("=" * 32, "Shop 42 - Harbour", "=" * 32),
        *("Lamp oil in two bottles 2 @ $4.70", "$9.40", "Twine, ten metres of it"),
        *("A long line that fills the column", "$3.15", "Bread", "TOTAL $12.55"),
    )
    for line in lines:
        sheet.canvas.setFont(pdfs.CODE, 10)
        sheet.canvas.drawString(72, sheet.y, line)
        sheet.y -= 12
    text, _ = read(tmp_path, sheet)
    paragraphs = text.split("\n\n")
    assert paragraphs[:3] == ["=" * 32, "Shop 42 - Harbour", "=" * 32]
    assert "Twine, ten metres of it" in paragraphs
    assert "Bread" in paragraphs


def test_amounts_in_two_columns_stay_in_them(tmp_path, sheet):
    amounts = ((220, "40.00"), (300, "7.50"), (220, "12.00"), (300, "88.10"))
    for n, (x, amount) in enumerate(amounts):
        put(sheet, 90, f"Entry {'abcd'[n]}")
        put(sheet, x, amount)
        sheet.y -= 13
    text, _ = read(tmp_path, sheet)
    assert "| Entry b |  | 7.50 |" in text
    assert "| Entry c | 12.00 |  |" in text


def words(*texts):
    """Return words from left to right, drawn from right to left."""
    n = len(texts)
    return [
        Word(t, 20.0 * i, 20.0 * i + 15, 0, 10, False, False, n - i, SPACE)
        for i, t in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (("512-", "ב"), "ב -512"),
        ((".77", "ב"), "ב 77."),
        (("40%", "ב"), "ב 40%"),
        (("בבב", "IBM", "ג"), "ג IBM בבב"),
    ],
)
def test_signs_at_numbers_are_read_on_their_side(seen, expected):
    items = words(*seen)
    read_words = bidi.ordered(items, [False, *[True] * (len(items) - 1)])
    assert "".join(" " * s + w.text for w, s in read_words).strip() == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("\u05e9\u05dc )\u05d0(", "\u05e9\u05dc (\u05d0)"),
        ("\u05e9\u05dc). \u05d0", "\u05e9\u05dc). \u05d0"),
        ("\u05e9\u05dc(. \u05d0", "\u05e9\u05dc). \u05d0"),
        ("\u05d0 %17", "\u05d0 17%"),
    ],
)
def test_brackets_and_percent_signs_face_the_right_way(line, expected):
    assert bidi.plain(line) == expected


def test_columns_of_vertical_text_are_read_from_right_to_left(tmp_path, sheet):
    font = UnicodeCIDFont("HeiseiMin-W3", isVertical=True)
    pdfmetrics.registerFont(font)
    columns = "水車は戦争の後に焼けた。橋には", "三つのアーチがあり、古い道が湖"
    sheet.canvas.setFont(font.fontName, 11)
    for n, column in enumerate(columns):
        sheet.canvas.drawString(300 - 18 * n, 700, column)
    assert "".join(columns) in read(tmp_path, sheet)[0]
