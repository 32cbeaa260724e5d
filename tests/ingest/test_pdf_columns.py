"""Columns of PDFs: what is read first, and what belongs together."""

from itertools import zip_longest

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support import pdfs
from tests.support.documents import read_pdf
from tests.support.pdfs import PARAGRAPH, SENTENCES, Sheet


def test_columns_are_read_one_after_the_other_also_if_drawn_row_by_row(sheet, read):
    left, right = PARAGRAPH, " ".join(reversed(SENTENCES))
    sheet.line("Two quarries", size=18)
    sheet.y -= 20
    rows = zip(pdfs.wrapped(left, 210), pdfs.wrapped(right, 210), strict=True)
    for first, second in rows:
        sheet.line(first)
        sheet.line(second, 310, skip=0)
    text, _ = read()
    assert text == f"# Two quarries\n\n{left}\n\n{right}\n\n"


def test_three_columns_below_a_wide_paragraph(sheet, read):
    sheet.paragraph(PARAGRAPH)
    sheet.y -= 20
    columns = [pdfs.wrapped(f"{SENTENCES[n]} {SENTENCES[3]}", 130) for n in range(3)]
    for row in zip(*columns, strict=True):
        for n, line in enumerate(row):
            sheet.line(line, 72 + 150 * n, skip=0 if n else 14)
    text, _ = read()
    reference = [f"{SENTENCES[n]} {SENTENCES[3]}" for n in range(3)]
    assert text == "\n\n".join([PARAGRAPH, *reference, ""])


def test_a_paragraph_directly_below_two_columns_is_read_after_both(sheet, read):
    """The right column is shorter, so only a line of the left one is directly above."""
    begin, end = "It began in 1877.", "It ended in 1931."
    lines = pdfs.wrapped(" ".join([begin, *SENTENCES[:3] * 2, end]), 210)
    half = len(lines) // 2 + 1
    for left, right in zip_longest(lines[:half], lines[half:], fillvalue=""):
        sheet.line(left)
        sheet.line(right, 310, skip=0)
    for line in pdfs.wrapped(f"{SENTENCES[3]} {PARAGRAPH}", 440):
        sheet.line(line)
    text, _ = read()
    places = [text.index(part) for part in (begin, end, SENTENCES[3])]
    assert places == sorted(places)


def test_text_that_flows_around_other_text_is_one_paragraph(sheet, read):
    """Its lines become wider below that text, as they do below two columns."""
    narrow = pdfs.wrapped(PARAGRAPH, 210)[:6]
    rest = " ".join([PARAGRAPH[len(" ".join(narrow)) :], PARAGRAPH])
    box = pdfs.wrapped(f"{SENTENCES[1]} {SENTENCES[2]}", 150)
    assert rest.lstrip()[0].islower()
    for left, right in zip_longest(narrow, box, fillvalue=""):
        sheet.line(left)
        sheet.line(right, 340, skip=0)
    for line in pdfs.wrapped(rest, 440):
        sheet.line(line)
    text, _ = read()
    assert f"{PARAGRAPH} {PARAGRAPH}" in text


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(SENTENCES), min_size=4, max_size=30), st.data())
def test_any_paragraphs_in_columns_are_read_word_for_word(
    tmp_path_factory, sentences, data
):
    # Equal lines side by side are a table to whoever sees only their places.
    assume(len(set(sentences)) > 1)
    n_columns = data.draw(st.integers(1, 3))
    size = data.draw(st.sampled_from([9, 11, 13]))
    by_rows = data.draw(st.booleans())
    path = tmp_path_factory.mktemp("columns") / "a.pdf"
    sheet, width = Sheet(path), 450 / n_columns - 24
    lines = pdfs.wrapped(" ".join(sentences), width, size=size)
    height = -(-len(lines) // n_columns)
    places = [
        (72 + n // height * 450 / n_columns, 780 - n % height * 1.25 * size, line)
        for n, line in enumerate(lines)
    ]
    if by_rows:
        places.sort(key=lambda place: (-place[1], place[0]))
    for x, y, line in places:
        sheet.canvas.setFont(pdfs.BODY, size)
        sheet.canvas.drawString(x, y, line)
    sheet.save()
    text, pieces = read_pdf(path)
    assert text.split() == " ".join(sentences).split()
    assert not [piece for piece in pieces if piece.left_out]


def test_a_heading_below_a_wide_abstract_belongs_to_its_column(sheet, read):
    """The heading alone hardly reaches below the abstract, but its column does."""
    abstract = "Copper was found at last in the pit."
    sheet.line("The copper of Tarn", 200, size=18)
    sheet.line(abstract, 190, skip=24)
    sheet.line("Introduction", size=15, skip=40)
    rows = zip(pdfs.wrapped(PARAGRAPH, 210), pdfs.wrapped(PARAGRAPH, 210), strict=True)
    for first, second in rows:
        sheet.line(first)
        sheet.line(second, 310, skip=0)
    text, _ = read()
    assert text.index(abstract) < text.index("Introduction")


def test_lines_beside_nothing_are_as_long_as_those_beside_a_column(sheet, read):
    """A wide title does not make a column wider whose lines have nothing beside."""
    sheet.line(SENTENCES[0][:-1], size=14)
    sheet.line("")
    for n, line in enumerate(pdfs.wrapped(PARAGRAPH, 210)):
        sheet.line(line)
        if n > 4:
            sheet.line(f"Map {n}", 310, skip=0)
    text, _ = read()
    assert PARAGRAPH in text
