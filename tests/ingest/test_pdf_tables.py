"""Tables of PDFs: names of columns, merged cells, and what only looks like a table."""

import pytest
from reportlab.pdfbase import pdfmetrics

from autolearn.ingest import readers
from autolearn.ingest.readers.pdf import lines as page_lines
from autolearn.ingest.readers.pdf import reading_order
from autolearn.ingest.readers.pdf.shapes import SPACE, Line, Word
from tests.support import pdfs
from tests.support.pdfs import BOLD, SENTENCES, wrapped

XS = (72, 232, 292, 352)


@pytest.fixture
def read(tmp_path, sheet):
    def read_file():
        sheet.save()
        pieces = list(readers.open_source(tmp_path / "a.pdf", "a.pdf").pieces)
        text = "".join(piece.text for piece in pieces if not piece.left_out)
        return text, [piece.note for piece in pieces if piece.note]

    return read_file


def grid(sheet, xs, ys, merged=()):
    """Draw ruling lines; ``merged`` are (y, x0, x1) of those that are shorter."""
    shorter = {y: (x0, x1) for y, x0, x1 in merged}
    for y in ys:
        x0, x1 = shorter.get(y, (xs[0], xs[-1]))
        sheet.canvas.line(x0, y, x1, y)
    for x in xs:
        sheet.canvas.line(x, ys[0], x, ys[-1])


def put(sheet, x, y, text, font=pdfs.BODY, size=10):
    sheet.canvas.setFont(font, size)
    sheet.canvas.drawString(x, y, text)


def rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_turned_names_stand_above_their_columns(sheet, read):
    ys = [700, 620, 600, 580]
    grid(sheet, XS, ys)
    put(sheet, 76, 606 + 80, "Duty", BOLD)
    for x, name in zip(XS[1:], ("Keeper", "Warden"), strict=False):
        sheet.canvas.saveState()
        sheet.canvas.translate(x + 30, 630)
        sheet.canvas.rotate(90)
        put(sheet, 0, 0, name, BOLD)
        sheet.canvas.restoreState()
    put(sheet, 76, 606, "Opens the gate")
    put(sheet, 256, 606, "X")
    put(sheet, 76, 586, "Counts the sheep")
    put(sheet, 316, 586, "X")
    text, _ = read()
    assert rows(text) == [
        "| Duty | Keeper | Warden |",
        "| --- | --- | --- |",
        "| Opens the gate | X |  |",
        "| Counts the sheep |  | X |",
    ]
    assert text.count("Keeper") == 1


def test_letters_of_one_string_that_stand_in_columns_are_divided(sheet, read):
    grid(sheet, XS, [700, 680, 660])
    for x, name in zip(XS, ("Duty", "Ann", "Bo"), strict=False):
        put(sheet, x + 4, 686, name, BOLD)
    put(sheet, 76, 666, "Opens the gate")
    sheet.canvas.setFont(pdfs.BODY, 10)
    sheet.canvas.drawString(250, 666, "XX", charSpace=54)
    assert rows(read()[0])[-1] == "| Opens the gate | X | X |"


def test_shaded_paragraphs_divide_no_cell(sheet, read):
    ys = [700, 660, 640]
    grid(sheet, XS[:3], ys)
    sheet.canvas.setFillGray(0.8)
    for y in (682, 664):
        sheet.canvas.rect(77, y, 150, 16, stroke=0, fill=1)
    sheet.canvas.setFillGray(0)
    put(sheet, 79, 686, "Who keeps the key of")
    put(sheet, 79, 668, "the upper gate?")
    put(sheet, 240, 686, "Ann")
    put(sheet, 79, 646, "Who counts the sheep?")
    put(sheet, 240, 646, "Bo")
    assert rows(read()[0])[0] == "| Who keeps the key of the upper gate? | Ann |"


def test_a_frame_around_a_page_of_text_makes_no_table(sheet, read):
    sheet.canvas.rect(30, 30, 535, 782)
    sheet.canvas.line(30, 800, 565, 800)
    left, right = wrapped(" ".join(SENTENCES), 210), wrapped(" ".join(SENTENCES), 200)
    for n, (first, second) in enumerate(zip(left, right, strict=False)):
        put(sheet, 50, 760 - 14 * n, first, size=11)
        put(sheet, 320, 760 - 14 * n, second, size=11)
    text, _ = read()
    assert "|" not in text
    assert SENTENCES[0] in text
    assert text.count(SENTENCES[1]) == 2


def test_columns_of_text_in_one_box_are_not_mixed(sheet, read):
    grid(sheet, (60, 500, 560), (760, 560, 540))
    left, right = wrapped(SENTENCES[0] + SENTENCES[1], 180), wrapped(SENTENCES[2], 150)
    for n, line in enumerate(left):
        put(sheet, 70, 740 - 13 * n, line, size=11)
    for n, line in enumerate(right):
        put(sheet, 300, 740 - 13 * n, line, size=11)
    put(sheet, 510, 740, "No. 7")
    put(sheet, 70, 546, "Tarn")
    put(sheet, 510, 546, "1931")
    text, _ = read()
    assert SENTENCES[2] in text


def test_a_title_and_two_rows_of_names(sheet, read):
    xs, ys = (72, 172, 242, 312, 382), (760, 740, 720, 700, 680, 660)
    for y in ys:
        sheet.canvas.line(172 if y == 720 else 72, y, 382, y)
    for x in xs:
        top = {72: 760, 382: 760, 242: 720, 312: 740}.get(x, 740)
        sheet.canvas.line(x, top, x, 660)
    put(sheet, 76, 746, "Stones by pit and year", BOLD)
    put(sheet, 76, 716, "Pit", BOLD)
    put(sheet, 210, 726, "Sold", BOLD)
    put(sheet, 316, 726, "Lost", BOLD)
    for x, name in zip(xs[1:], ("1931", "1932", "1931"), strict=False):
        put(sheet, x + 4, 706, name, BOLD)
    for n, row in enumerate(
        (["Upper", "410", "395", "3"], ["Lower", "120", "88", "9"])
    ):
        for x, cell in zip(xs, row, strict=False):
            put(sheet, x + 4, 686 - 20 * n, cell)
    text, _ = read()
    assert text.startswith("Stones by pit and year\n")
    assert "| Upper | 410 | 395 | 3 |" in text


def test_years_name_columns(sheet, read):
    ys = [700, 680, 660, 640]
    grid(sheet, XS, ys)
    cells = [["Pit", "1931", "1932"], ["Upper", "410", "395"], ["Lower", "120", "88"]]
    for y, row in zip(ys, cells, strict=False):
        for x, cell in zip(XS, row, strict=False):
            put(sheet, x + 4, y - 14, cell)
    assert rows(read()[0])[:2] == ["| Pit | 1931 | 1932 |", "| --- | --- | --- |"]


def test_a_table_without_names_is_named_in_a_note(sheet, read):
    for n in range(12):
        for x, cell in zip(XS, (f"{1900 + n}", f"{40 * n + 7}", f"{n}"), strict=False):
            put(sheet, x, 700 - 16 * n, cell)
    _, notes = read()
    assert len(notes) == 1
    assert "page 1 of 1 has a table without a row that names its columns" in notes[0]


def test_a_dense_form_is_named_in_a_note_and_an_article_is_not(sheet, read):
    labels = ("Name", "Born on", "Trade", "Parish", "Place", "Owner", "Gate", "Road")
    for n in range(10):
        for i, x in enumerate((40, 150 + 7 * (n % 3), 300, 430 - 9 * (n % 4))):
            put(sheet, x, 760 - 31 * n, labels[(3 * n + i) % 8], size=8)
    _, notes = read()
    assert any("a form or a table without clear columns" in note for note in notes)


def test_an_article_in_columns_gives_no_note(sheet, read):
    for x in (72, 310):
        for n, line in enumerate(wrapped(" ".join(SENTENCES * 2), 200)):
            put(sheet, x, 760 - 14 * n, line, size=11)
    assert read()[1] == []


def word(text, x, order_, space=SPACE, base=100.0):
    return Word(text, x, x + 6 * len(text), base, 10, False, False, order_, space)


def test_what_is_on_the_right_is_read_first_where_text_runs_from_the_right():
    left = [Line([word("a" * 20, 50, n, base=100 + 14 * n)]) for n in range(4)]
    right = [Line([word("b" * 20, 300, 9 + n, base=100 + 14 * n)]) for n in range(4)]
    assert reading_order.ordered([*left, *right]) == [*left, *right]
    assert reading_order.ordered([*left, *right], is_rtl=True) == [*right, *left]


def test_spaces_of_the_file_count_in_both_directions():
    for orders in ((4, 5), (5, 4)):
        spaces = [0, SPACE] if orders == (4, 5) else [SPACE, 0]
        words = [
            word(text, x, place, space)
            for text, x, place, space in zip(
                "ab", (50, 56.2), orders, spaces, strict=True
            )
        ]
        assert page_lines.spaces(words, is_rtl=True) == [False, True]
        apart = [each._replace(space=0) for each in words]
        assert page_lines.spaces(apart, is_rtl=True) == [False, False]


KOREAN = ("타른 채석장은 봄에 문을 열", "었다. 돌은 손으로 자르고 ", "배로 옮겼다.")


def test_words_of_korean_are_whole_where_the_file_has_the_spaces(sheet, read):
    font = pdfs.asian_font("HYSMyeongJo-Medium")
    for line in KOREAN:
        sheet.line(line, font=font, size=12, skip=18)
    assert read()[0] == "".join([*KOREAN, "\n\n"])


def test_a_numbered_title_does_not_join_the_indented_paragraph(sheet, read):
    for title in ("(1) On the two brothers who came from the coast", "(2) On the road"):
        body = wrapped(" ".join(SENTENCES), 440)
        sheet.line(title, skip=30)
        for n, line in enumerate(body):
            sheet.line(line, 72 if n else 88)
    text, _ = read()
    assert text.split("\n\n")[:2] == [
        "(1) On the two brothers who came from the coast",
        " ".join(SENTENCES),
    ]


def put_by_letter(sheet, x, y, text):
    """Draw each letter as an object of its own, as some programs do."""
    for letter in text:
        put(sheet, x, y, letter)
        x += pdfmetrics.stringWidth(letter, pdfs.BODY, 10)


def test_a_merged_cell_is_repeated_though_its_letters_are_drawn_apart(sheet, read):
    canvas, ys = sheet.canvas, (700, 680, 660)
    for y in ys:
        canvas.line(XS[0], y, XS[-1], y)
    for x in XS:
        is_inner = x == XS[2]  # between the last two columns, not in the second row
        canvas.line(x, 680 if is_inner else ys[-1], x, ys[0])
    for x, text in zip(XS, ("Land", "Tarn", "Oden"), strict=False):
        put_by_letter(sheet, x + 4, 686, text)
    put_by_letter(sheet, XS[0] + 4, 666, "Continent")
    put_by_letter(sheet, XS[1] + 4, 666, "Southland")
    text, _ = read()
    assert "| Continent | Southland | Southland |" in text


USES = {
    "Hinge": ("Holds the door of the", "lower boiler room", "4.20"),
    "Valve": ("Lets the steam out when", "the pressure is too high", "17.00"),
    "Gauge": ("Shows the pressure of the", "main boiler in bars", "9.75"),
    "Pump": ("Brings water from the", "well to the tank", "88.10"),
}


@pytest.mark.parametrize("drop", [0, 6, 7])
def test_a_text_of_two_lines_stays_in_its_row(sheet, read, drop):
    """Short cells stand beside its first line, or in the middle between the two."""
    for x, name in ((72, "Part"), (180, "Use"), (420, "Price")):
        put(sheet, x, 740, name, BOLD)
    for n, (part, (first, second, price)) in enumerate(USES.items()):
        y = 714 - 26 * n
        put(sheet, 180, y, first)
        put(sheet, 180, y - 12, second)
        put(sheet, 72, y - drop, part)
        put(sheet, 420, y - drop, price)
    text, _ = read()
    for part, (first, second, price) in USES.items():
        assert f"| {part} | {first} {second} | {price} |" in text


def test_notes_in_the_margin_of_a_text_are_no_cells(sheet, read):
    lines = wrapped(" ".join(SENTENCES * 3), 300)
    for n, line in enumerate(lines):
        put(sheet, 180, 740 - 12 * n, line, size=11)
    for n in (0, 4, 8):  # in the middle between two lines
        put(sheet, 72, 734 - 12 * n, f"Note {'abc'[n // 4]}", size=11)
    text, _ = read()
    assert " ".join(lines[:5]) in text
    assert rows(text) == []


def test_a_line_above_a_table_does_not_continue_below_it(sheet, read):
    """Letters without capitals do not tell whether a text begins."""
    font = pdfs.asian_font("HYSMyeongJo-Medium")
    sheet.line("배의 이름과 연도를 이 표에 적는다 모두 세 척", font=font)
    for n, row in enumerate((("Ship", "Year"), ("Ada", "1900"), ("Ben", "1907"))):
        put(sheet, 72, 740 - 14 * n, row[0])
        put(sheet, 240, 740 - 14 * n, row[1])
    sheet.y = 660
    sheet.line("항구는 북쪽에 있다.", font=font)
    read_lines = read()[0].splitlines()
    assert "배의 이름과 연도를 이 표에 적는다 모두 세 척" in read_lines
    assert "항구는 북쪽에 있다." in read_lines


def test_years_divide_a_name_over_two_columns(sheet, read):
    xs, ys = (72, 172, 272, 372), [700, 680, 660, 640]
    grid(sheet, (xs[0], xs[1], xs[3]), ys, merged=[(680, 172, 372)])
    sheet.canvas.line(xs[2], 680, xs[2], 640)
    for x, y, text in (
        *((76, 686, "Pit"), (200, 686, "Depth"), (176, 666, "1990")),
        *((276, 666, "2000"), (76, 646, "East"), (176, 646, "3.2"), (276, 646, "4.1")),
    ):
        put(sheet, x, y, text)
    text, _ = read()
    assert rows(text) == [
        "| Pit | Depth 1990 | Depth 2000 |",
        "| --- | --- | --- |",
        "| East | 3.2 | 4.1 |",
    ]


def test_narrow_columns_are_divided_where_no_row_has_words(sheet, read):
    """A single gap would be a wide space; the gaps of all rows are not."""
    cells = [
        ("Pit", "Cu", "Zn", "pH"),
        ("East", "12", "5", "6.1"),
        ("West", "7", "6", "7"),
    ]
    sheet.canvas.line(100, 720, 260, 720)
    for n, row in enumerate(cells):
        for x, text in zip((120, 180, 199, 218), row, strict=True):
            put(
                sheet,
                x - pdfmetrics.stringWidth(text, pdfs.BODY, 10) / 2,
                706 - 16 * n,
                text,
            )
    sheet.canvas.line(100, 700, 260, 700)
    sheet.canvas.line(100, 668, 260, 668)
    text, _ = read()
    assert rows(text) == [
        "| Pit | Cu | Zn | pH |",
        "| --- | --- | --- | --- |",
        "| East | 12 | 5 | 6.1 |",
        "| West | 7 | 6 | 7 |",
    ]


def test_an_invoice_is_divided_into_its_address_and_its_items(sheet, read):
    for y, left, right in (
        *((760, "Ada Quill", "Invoice no.: 117"), (746, "Pit Road 5", "Date: 3 May")),
        (732, "12345 Tarn", "Due: 17 May"),
    ):
        put(sheet, 72, y, left)
        put(sheet, 300, y, right)
    for y, *cells in (
        (708, "Pos.", "Description", "Qty", "Total"),
        (688, "1", "A lamp of copper with a long description that goes on", "2", "40"),
        (676, "", "in a second line", "", ""),
        (656, "2", "Rope", "1", "7"),
        (636, "", "", "Sum", "47"),
    ):
        for x, text in zip((72, 110, 400, 470), cells, strict=True):
            put(sheet, x, y, text)
    for y in (702, 670, 650, 630):
        sheet.canvas.line(68, y, 500, y)
    text, _ = read()
    assert rows(text)[-5:] == [
        "| Pos. | Description | Qty | Total |",
        "| --- | --- | --- | --- |",
        "| 1 | A lamp of copper with a long description that goes on in a second line "
        "| 2 | 40 |",
        "| 2 | Rope | 1 | 7 |",
        "|  |  | Sum | 47 |",
    ]
    assert "| 12345 Tarn | Due: 17 May |" in text
