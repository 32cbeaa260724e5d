"""Drawn boxes, receipts, schedules, lines from right to left, vertical text."""

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

from autolearn.ingest import readers
from autolearn.ingest.readers.pdf import bidi
from autolearn.ingest.readers.pdf.shapes import SPACE, Word
from tests.support import pdfs


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


def test_a_dark_square_as_large_as_a_box_is_ticked(tmp_path, sheet):
    box(sheet, "", "Sold")
    for text in ("Not sold", "Burned"):
        sheet.y -= 22
        sheet.canvas.rect(72, sheet.y - 1, 10, 10, fill=1)
        sheet.canvas.drawString(88, sheet.y, text)
    text, _ = read(tmp_path, sheet)
    assert [line.strip() for line in text.split("\n") if line] == [
        "☐ Sold",
        "☒ Not sold",
        "☒ Burned",
    ]


def test_boxes_of_browsers_have_round_corners_and_colours(tmp_path, sheet):
    canvas = sheet.canvas
    for text, is_ticked in (("Paid", True), ("Sent", False)):
        sheet.y -= 22
        canvas.setFillColorRGB(0, 0.46, 1)
        canvas.setStrokeColorRGB(0.46, 0.46, 0.46)
        canvas.roundRect(72, sheet.y, 10, 10, 2, fill=is_ticked, stroke=not is_ticked)
        if is_ticked:
            canvas.setStrokeColorRGB(1, 1, 1)
            tick = [(74, 5), (76, 3), (76, 3), (80, 8)]
            (a, b), (c, d), (e, f), (g, h) = tick
            y = sheet.y
            canvas.lines([(a, y + b, c, y + d), (e, y + f, g, y + h)])
        canvas.setFillColorRGB(0, 0, 0)
        canvas.drawString(88, sheet.y, text)
    sheet.y -= 22
    canvas.setFillColorRGB(0, 0.46, 1)
    canvas.roundRect(72, sheet.y, 10, 10, 2, fill=1, stroke=0)
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawString(88, sheet.y, "Blue of a chart")
    sheet.y -= 22
    canvas.circle(77, sheet.y + 5, 5)
    canvas.drawString(88, sheet.y, "Ring of a chart")
    text, _ = read(tmp_path, sheet)
    assert " ".join(text.split()) == ("☒ Paid ☐ Sent Blue of a chart Ring of a chart")


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


def cells(sheet, *row, size=9, skip=12):
    """Draw texts at places on one line."""
    sheet.y -= skip
    sheet.canvas.setFont(pdfs.BODY, size)
    for x, text in row:
        sheet.canvas.drawString(x, sheet.y, text)


def table_lines(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_values_below_their_names_are_a_table(tmp_path, sheet):
    sheet.line("Order", font=pdfs.BOLD, size=14, skip=30)
    cells(sheet, (72, "First day"), (160, "Last day"), (250, "Region"), (330, "Sum"))
    cells(sheet, (72, "4 May"), (160, "9 June"), (250, "Coast"), (330, "1,250"))
    sheet.line("Agents", font=pdfs.BOLD, size=14, skip=30)
    cells(sheet, (72, "Name"), (160, "Area"), (204, "Term"), (330, "Share"))
    # The end of one value is so near to the next one that both are one line.
    cells(sheet, (72, "Ada Ott"), (160, "Northern"), (204, "5-7"), (330, "10 %"))
    sheet.line(pdfs.SENTENCES[0], skip=40)
    text, _ = read(tmp_path, sheet)
    assert table_lines(text) == [
        "| First day | Last day | Region | Sum |",
        "| --- | --- | --- | --- |",
        "| 4 May | 9 June | Coast | 1,250 |",
        "| Name | Area | Term | Share |",
        "| --- | --- | --- | --- |",
        "| Ada Ott | Northern | 5-7 | 10 % |",
    ]


@pytest.mark.parametrize(
    "row",
    [
        ((72, "Ada Ott"), (160, "Ben Ulm"), (250, "Cleo Au")),  # no number
        ((110, "4 May"), (205, "9 June"), (300, "7")),  # not below
    ],
)
def test_other_rows_below_one_another_are_no_values(tmp_path, sheet, row):
    cells(sheet, (72, "First day"), (160, "Last day"), (250, "Region"))
    cells(sheet, *row)
    sheet.line(pdfs.SENTENCES[0], skip=40)
    assert not table_lines(read(tmp_path, sheet)[0])


def test_a_title_in_larger_type_divides_two_tables(tmp_path, sheet):
    cells(sheet, (72, "Month"), (180, "Ships"), (300, "Lamps"))
    for n, month in enumerate(("May", "June", "July")):
        cells(sheet, (72, month), (180, str(n + 3)), (300, str(70 - n)))
    sheet.line("Stock", font=pdfs.BOLD, size=12, skip=18)
    cells(sheet, (72, "Item"), (140, "Kilos"), (220, "Price"), (360, "Shelf"), skip=14)
    for n, item in enumerate(("Rope", "Oil", "Tar")):
        row = ((72, item), (140, str(n + 5)), (220, f"{n}.50"), (360, str(n + 40)))
        cells(sheet, *row)
    text, _ = read(tmp_path, sheet)
    assert "| July | 5 | 68 |" in text
    assert "# Stock" in text
    assert "| Item | Kilos | Price | Shelf |\n| --- |" in text


def test_dashes_are_cells_and_no_marks_of_items(tmp_path, sheet):
    cells(sheet, (72, "Labour"), (180, "Hours"), (215, "Rate"), (250, "Cost"))
    cells(sheet, (72, "Wood"), (180, "2"), (215, "15"), (250, "30"))
    cells(sheet, (72, "Paint"), (180, "-"), (215, "-"), (250, "-"))
    cells(sheet, (72, "Glass"), (180, "3"), (215, "15"), (250, "45"))
    assert "| Paint | - | - | - |" in read(tmp_path, sheet)[0]


def test_more_lines_of_the_last_value_stay_with_its_form(tmp_path, sheet):
    """Two halves of a form stand at different heights; the left one ends later."""
    left = (("Name:", "Ada Ott"), ("Role:", "Agent"), ("Address:", "5 Quay Street"))
    right = (("Terms:", "Net 30"), ("Type:", "Freight"), ("Share:", "10 %"))
    for (a, b), (c, d) in zip(left, right, strict=True):
        cells(sheet, (72, a), (150, b), skip=6)
        cells(sheet, (330, c), (410, d), skip=6)
    cells(sheet, (150, "Harbour Oden"), skip=6)
    sheet.line("Customer", font=pdfs.BOLD, size=14, skip=30)
    sheet.line("Nobody has signed this form.", skip=30)
    text, _ = read(tmp_path, sheet)
    assert text.index("Harbour Oden") < text.index("Customer")
    assert "|  | Harbour Oden |  |  |" in text
    assert "| Name: | Ada Ott |  |  |\n| --- |" not in text
