"""Lists of PDFs: bullets that are drawn, and marks that touch their text."""

import pytest

from autolearn.ingest import readers

ITEMS = (
    "Lamps of brass that the ferry brought from the northern harbour in",
    "copper kettles",
    "ropes for the bells of the two churches above the market, which had",
)


@pytest.fixture
def read(tmp_path, sheet):
    def read_file():
        sheet.save()
        pieces = readers.open_source(tmp_path / "a.pdf", "a.pdf").pieces
        return "".join(piece.text for piece in pieces if not piece.left_out)

    return read_file


def disc(sheet, x=80.0, *, fill=1):
    sheet.canvas.circle(x, sheet.y + 3.3, 1.9, stroke=1 - fill, fill=fill)


def square(sheet, x=80.0):
    sheet.canvas.rect(x - 1.9, sheet.y + 1.4, 3.8, 3.8, stroke=0, fill=1)


@pytest.mark.parametrize(
    "draw",
    [disc, square, lambda sheet: disc(sheet, fill=0)],
    ids=["disc", "square", "circle"],
)
def test_items_with_drawn_bullets_stay_apart(sheet, read, draw):
    for item in ITEMS:
        sheet.line(item, 92)
        draw(sheet)
    assert read().strip().splitlines() == [f"\u2022 {item}" for item in ITEMS]


def test_dots_of_a_drawing_are_no_bullets(sheet, read):
    for name in "ABC":
        sheet.line(name, 92)
        disc(sheet)
    sheet.line("A single spot before a line says nothing.", skip=40)
    disc(sheet, 64)
    assert "\u2022" not in read()


@pytest.mark.parametrize("mark", ["{}.", "{})", "\u2022", "\u27a2"])
def test_marks_that_touch_their_text_begin_an_item(sheet, read, mark):
    marks = [mark.format(n) for n in range(9, 12)]
    texts = [f"{a}{b.capitalize()}" for a, b in zip(marks, ITEMS, strict=True)]
    for text in texts:
        sheet.line(text)
    assert read().strip().splitlines() == texts


def test_a_number_before_a_small_letter_begins_no_item(sheet, read):
    sheet.line("In the spring the price of a block of marble rose from eight to")
    sheet.line("12.crowns were what a lamp cost.")
    assert "eight to 12.crowns were" in read()


def test_a_letter_outside_ascii_divides_no_typed_paragraph(sheet, read):
    sheet.line("\u00c9mile kept the lamps of Tarn burning for forty", font="Courier")
    sheet.line("winters and nobody thanked him for it before the", font="Courier")
    sheet.line("bridge was built.", font="Courier")
    assert read().strip().count("\n") == 0


def test_a_word_with_a_raised_part_is_measured_as_one(sheet, read):
    """The first line has room for "10", but not for all of the power."""
    sheet.line("the share is")
    sheet.raised(["10", "-12", " of all"])
    sheet.line("blocks of stone")
    assert read().strip() == "the share is 10^-12 of all blocks of stone"


@pytest.mark.parametrize(
    "lines",
    [
        ("She had a house by the lake and all that a person of Tarn could ask of",
         "it. Nobody knew who had paid for the stones of the two upper terraces."),
        ("The upper pit was opened in the spring of that year by one of the men of",
         "C. Lux, who had come down from the coast with a cart and seven horses."),
        ("The men repaired their lamps in the winter, and in the spring on May",
         "12. The others went to the market of Oden and sold whatever was left."),
    ],
)  # fmt: skip
def test_a_sentence_is_not_divided_where_a_line_looks_like_an_item(sheet, read, lines):
    for line in lines:
        sheet.line(line)
    assert " ".join(lines) in read()


def test_lettered_items_that_end_without_a_full_stop_stay_apart(sheet, read):
    lines = (
        "A. a block of marble that was cut by hand and carried to the ferry",
        "B. a block of slate that was cut by hand and carried to the lakes",
    )
    for line in lines:
        sheet.line(line)
    assert read().strip().split("\n") == list(lines)
