from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics

from tests.support import pdfs
from tests.support.documents import read_pdf
from tests.support.pdfs import BOLD, CODE, PARAGRAPH, SENTENCES, Sheet


def left_out(pieces, why):
    return [piece.text for piece in pieces if piece.left_out == why]


def test_headings_are_known_by_size_and_weight_and_open_passages(sheet, read):
    sheet.line("The stone of Tarn", size=20)
    sheet.paragraph(PARAGRAPH)
    sheet.line("How it was cut", font=BOLD, skip=14)  # no gap before or after it
    for line in pdfs.wrapped(PARAGRAPH, 440):
        sheet.line(line)
    sheet.line("A larger section", size=15, skip=30)
    sheet.paragraph(PARAGRAPH)
    text, _ = read()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# The stone of Tarn",
        "### How it was cut",
        "## A larger section",
    ]
    assert text.count(PARAGRAPH) == 3


def test_powers_and_marks_of_notes_stay_apart(sheet, read):
    sheet.raised(["A drop holds 1.7 x 10", "21", " ions in 4 mm", "3", " of water;"])
    sheet.raised(["the strike of 1931", "7", " ended on the 2", "nd", " day of June."])
    text, _ = read()
    assert text == (
        "A drop holds 1.7 x 10^21 ions in 4 mm^3 of water; the strike of 1931[7] ended "
        "on the 2nd day of June.\n\n"
    )


def test_a_footnote_follows_the_paragraph_that_continues_on_the_next_page(sheet, read):
    lines = pdfs.wrapped(f"{PARAGRAPH} {PARAGRAPH}", 440)
    for line in lines[:5]:
        sheet.line(line)
    sheet.canvas.line(72, 110, 160, 110)
    sheet.y = 110
    note = "Two of the carts can still be seen in the yard of the school at Oden."
    sheet.raised(["", "3", ""])
    sheet.line(note, 78, size=8, skip=0)
    sheet.next()
    for line in lines[5:]:
        sheet.line(line)
    text, _ = read()
    assert text == f"{PARAGRAPH} {PARAGRAPH}\n\n[3] {note}\n\n"


def test_rows_that_differ_in_digits_and_numbered_titles_are_no_running_heads(
    sheet, read
):
    rows = [(1800 + n, 70 + 3 * n, n % 9) for n in range(90)]
    for page in range(3):
        sheet.line(f"Step {page + 1}", size=18)
        for row in rows[30 * page : 30 * page + 30]:
            sheet.line(str(row[0]), skip=20)
            sheet.line(str(row[1]), 200, skip=0)
            sheet.line(str(row[2]), 300, skip=0)
        sheet.next()
    text, pieces = read()
    assert all(f"| {a} | {b} | {c} |" in text for a, b, c in rows)
    assert [f"# Step {n}" in text for n in (1, 2, 3)] == [True] * 3
    assert left_out(pieces, "running head") == []


def test_running_heads_with_growing_numbers_are_left_out(sheet, read):
    for page in range(4):
        sheet.line(f"Annals of Tarn, 1931, page {page + 12}", skip=0)
        sheet.y -= 40
        for _ in range(3):
            sheet.paragraph(PARAGRAPH)
        sheet.y = 60
        sheet.line(f"{page + 12}", 290, skip=0)
        sheet.next()
    text, pieces = read()
    heads = left_out(pieces, "running head")
    assert [f"Annals of Tarn, 1931, page {n}" in heads for n in range(12, 16)] == [
        True
    ] * 4
    assert "Annals" not in text
    assert heads.count("12") == 1


def test_words_divided_at_the_end_of_a_line_are_joined_and_compounds_kept(sheet, read):
    ends = [
        "the up-",
        "to-the-",
        "minute re-",
        "port on Y-",
        "rays of 1931-",
        "1933 by Ott-",
    ]
    for line in [*ends, "Lind is a well-", "known mas-", "terpiece."]:
        sheet.line(line)
    text, pieces = read()
    assert " ".join(text.split()) == (
        "the up-to-the-minute report on Y-rays of 1931-1933 by Ott-Lind is a well-"
        "known masterpiece."
    )
    assert left_out(pieces, "hyphen at the end of a line") == ["-", "-"]


@pytest.mark.parametrize(
    ("font", "text"),
    [
        (
            "STSong-Light",
            "塔恩采石场于一九三一年春天开放。由两兄弟创办。石块用手工切割。运到渡口。",
        ),
        (
            "HeiseiMin-W3",
            "タルンの採石場は一九三一年の春に開かれた。石は手で切り出され、船で運ばれた。",
        ),
    ],
)
def test_lines_of_scripts_without_spaces_are_joined_without_one(
    sheet, read, font, text
):
    name = pdfs.asian_font(font)
    for start in range(0, len(text), 15):
        sheet.line(text[start : start + 15], font=name, size=12, skip=18)
    assert read()[0] == f"{text}\n\n"


def test_values_and_ticks_of_a_form_are_text(sheet, read):
    form = sheet.canvas.acroForm
    sheet.line("Name of the quarry:")
    form.textfield(
        name="name", value="Upper Tarn", x=250, y=sheet.y - 4, height=18, width=200
    )
    sheet.line("Opened before 1950:", skip=30)
    form.checkbox(name="old", checked=True, x=250, y=sheet.y - 2, size=14)
    sheet.line("Flooded:", skip=30)
    form.checkbox(name="wet", checked=False, x=250, y=sheet.y - 2, size=14)
    text, _ = read()
    assert "Name of the quarry: Upper Tarn" in text
    assert "Opened before 1950: ☒" in text
    assert "Flooded: ☐" in text


def test_code_keeps_its_lines_and_indentation(sheet, read):
    code = [
        "def weigh(blocks):",
        "    # in tonnes",
        "    total = 0",
        "    return total",
    ]
    sheet.paragraph(PARAGRAPH)
    sheet.y -= 10
    for line in code:
        depth = len(line) - len(line.lstrip())
        sheet.line(line.strip(), 72 + 6 * depth, font=CODE, size=10, skip=12)
    sheet.paragraph(PARAGRAPH)
    text, _ = read()
    listing = "\n".join(code)
    assert text == f"{PARAGRAPH}\n\n```\n{listing}\n```\n\n{PARAGRAPH}\n\n"


def test_ruled_tables_repeat_merged_cells(sheet, read):
    xs, ys = [72, 172, 272, 372], [700, 680, 660, 640]
    for y in ys:
        sheet.canvas.line(172 if y == 660 else 72, y, 372, y)
    for x in xs:
        sheet.canvas.line(x, ys[0], x, ys[-1])
    cells = [["Pit", "Year", "Blocks"], ["Upper", "1931", "410"], ["", "1932", "395"]]
    for row, y in zip(cells, ys, strict=False):
        for cell, x in zip(row, xs, strict=False):
            sheet.canvas.drawString(x + 4, y - 14, cell)
    assert read()[0].strip().splitlines() == [
        "| Pit | Year | Blocks |",
        "| --- | --- | --- |",
        "| Upper | 1931 | 410 |",
        "| Upper | 1932 | 395 |",
    ]


def test_aligned_columns_are_a_table_and_its_head_is_not_repeated(sheet, read):
    for page in range(2):
        for n in range(12):
            cells = (
                ["Pit", "Owner", "Blocks"] if not n else [f"P{n}", "Lind", f"{page}{n}"]
            )
            font = pdfs.BODY if n else BOLD
            for cell, x in zip(cells, (72, 200, 330), strict=True):
                sheet.line(cell, x, font=font, skip=0 if x > 72 else 16)
        sheet.next()
    text, pieces = read()
    assert text.startswith(
        "\n| Pit | Owner | Blocks |\n| --- | --- | --- |\n| P1 | Lind | 01 |"
    )
    assert text.count("Owner") == 1
    assert "| P11 | Lind | 011 |\n| P1 | Lind | 11 |" in text
    assert left_out(pieces, "repeated head of a table") == [
        "| Pit | Owner | Blocks |\n"
    ]


def test_contents_with_dot_leaders_are_left_out(sheet, read):
    sheet.line("Contents", size=16)
    titles = ["The quarry", "The road", "The ferry", "The market"]
    for n, title in enumerate(titles):
        sheet.line(f"{n + 1} {title} {'. ' * 30}{n + 3}", skip=18)
    sheet.next()
    sheet.line("The quarry", size=16)
    sheet.paragraph(PARAGRAPH)
    text, pieces = read()
    assert text == f"# The quarry\n\n{PARAGRAPH}\n\n"
    contents = " ".join(left_out(pieces, "table of contents"))
    assert all(title in contents for title in ["Contents", *titles])


def test_a_large_first_letter_belongs_to_its_word(sheet, read):
    lines = pdfs.wrapped(PARAGRAPH[1:], 400)
    sheet.line("T", size=40, skip=40)
    sheet.y += 28
    indent = 76 + pdfmetrics.stringWidth("T", pdfs.BODY, 40)
    for n, line in enumerate(lines):
        sheet.line(line, indent if n < 3 else 72, skip=0 if not n else 14)
    assert read()[0] == f"{PARAGRAPH}\n\n"


def test_pages_of_pictures_are_named_in_a_note(sheet, read):
    sheet.paragraph(PARAGRAPH)
    for page in range(5):
        sheet.next()
        if page != 2:
            sheet.canvas.rect(50, 50, 400, 600, fill=1)
    sheet.next()
    text, pieces = read()
    assert text == f"{PARAGRAPH}\n\n"
    assert [piece.note for piece in pieces if piece.note] == [
        "pages 2 to 3 and 5 to 6 of 6 have no text, only pictures; a program for text "
        "recognition (OCR) can add it to the file"
    ]


def test_a_page_in_a_font_without_unicode_is_left_out_and_named(tmp_path):
    pdfs.without_unicode(tmp_path / "a.pdf", SENTENCES[0])
    text, pieces = read_pdf(tmp_path / "a.pdf")
    assert text == f"{SENTENCES[0]}\n\n"
    assert [piece.note for piece in pieces if piece.note] == [
        "page 2 of 2 has fonts that do not say which letters they show, and is left out"
    ]
    assert len("".join(left_out(pieces, "font without Unicode"))) == 18


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_pages_are_read_as_they_are_seen(sheet, read, turn):
    sheet.canvas.setPageRotation(turn)
    sheet.canvas.translate(*{90: (842, 0), 180: (595, 842), 270: (0, 595)}[turn])
    sheet.canvas.rotate(turn)
    sheet.paragraph(PARAGRAPH)
    text, pieces = read()
    assert text == f"{PARAGRAPH}\n\n"
    assert not [piece for piece in pieces if piece.left_out]


def test_pieces_name_their_page(sheet, read):
    for _ in range(3):
        sheet.paragraph(PARAGRAPH)
        sheet.next()
    _, pieces = read()
    assert {piece.place for piece in pieces if piece.text} == {
        "page 1",
        "page 2",
        "page 3",
    }


LETTERS = "abcdefghiklmnoprstuvw"


@st.composite
def layouts(draw):
    """Return pages of different texts with places, sizes and fonts, and of rules."""
    word = st.text(LETTERS + "0123456789.-|#", min_size=1, max_size=9)
    run = st.tuples(
        st.lists(word, min_size=1, max_size=9).map(" ".join),
        st.integers(20, 560),
        st.integers(20, 820),
        st.sampled_from([6, 8, 11, 11, 11, 14, 30]),
        st.sampled_from([pdfs.BODY, BOLD, CODE]),
    )
    rule = st.tuples(*[st.integers(20, 560)] * 2, *[st.integers(20, 820)] * 2)
    runs = st.lists(run, min_size=1, max_size=25, unique_by=lambda run: run[0])
    page = st.tuples(runs, st.lists(rule, max_size=9))
    return draw(st.lists(page, min_size=1, max_size=4))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(layouts())
def test_every_character_is_read_or_left_out_wherever_it_stands(
    tmp_path_factory, layout
):
    for runs, _ in layout:
        # What is drawn twice at one place is read once, as bold type is often made.
        places = [(x, y) for _, x, y, _, _ in runs]
        assume(len(set(places)) == len(places))
    path = tmp_path_factory.mktemp("layout") / "a.pdf"
    sheet = Sheet(path)
    reference: Counter[str] = Counter()
    for runs, rules in layout:
        for x0, x1, y0, y1 in rules:
            sheet.canvas.line(x0, y0, x1, y0)
            sheet.canvas.line(x0, y0, x0, y1)
        for text, x, y, size, font in runs:
            sheet.canvas.setFont(font, size)
            sheet.canvas.drawString(x, y, text)
            reference.update(text.replace(" ", ""))
        sheet.next()
    sheet.save()
    _, pieces = read_pdf(path)
    assert not reference - Counter("".join(piece.text for piece in pieces))
