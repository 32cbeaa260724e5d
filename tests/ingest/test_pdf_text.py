"""How words at their places become text: order, hyphens, raised words."""

import pytest

from autolearn.ingest.readers.pdf import glyphs, line_joining, line_text
from autolearn.ingest.readers.pdf.shapes import GAP, Line, Word


def word(text, x0, x1, *, order=0, size=10, base=100, script=""):
    return Word(text, x0, x1, base, size, False, False, order, GAP, "", script)


def letters(visual, *, step=6):
    """Return words as they are taken from a page: letters one by one, from the left."""
    words, x = [], 100
    for n, text in enumerate(visual):
        words.append(word(text, x, x + step * len(text), order=2 * n))
        x += step * len(text)
    return words


@pytest.mark.parametrize(
    ("visual", "logical"),
    [
        (["ر", "ه", "ن", " ", "ت", "ي", "ب"], "بيت نهر"),  # noqa: RUF001
        (["م", "ا", "ع", " ", "1931", " ", "ي", "ف"], "في 1931 عام"),  # noqa: RUF001
        (["ה", "כ", "ר", "ב", " ", "Tarn", " ", "ר", "ה", "נ"], "נהר Tarn ברכה"),
    ],
)
def test_text_from_right_to_left_is_in_logical_order(visual, logical):
    words = [word for word in letters(visual) if word.text != " "]
    assert line_text.text(Line(words)) == logical


def test_letters_of_one_glyph_and_their_forms_are_in_logical_order():
    alef, lam, letter_seen = "\u0627", "\u0644", "\ufeb3"
    words = [
        word(letter_seen, 100, 106, order=1),
        word(alef, 106, 108, order=2),
        word(lam, 108, 111, order=3),
    ]
    assert line_text.text(Line(words)) == f"{lam}{alef}\u0633"


@pytest.mark.parametrize(
    ("before", "raised", "expected"),
    [
        ("10", "-9", "10^-9"),
        ("4 x 10", "12", "4 x 10^12"),
        ("km", "2", "km^2"),
        ("x", "n", "x^n"),
        ("bridge", "3", "bridge[3]"),
        ("1931", "12", "1931[12]"),
        ("end.", "4,5", "end.[4,5]"),
        ("3", "rd", "3rd"),
        ("word", "*", "word*"),
        ("Ca", "2+", "Ca^2+"),
        ("sin", "2", "sin^2"),
        ("60 feet", "2", "60 feet^2"),
        ("10 W/meter", "2", "10 W/meter^2"),
        ("the second", "2", "the second[2]"),
    ],
)
def test_raised_words_are_powers_or_marks(before, raised, expected):
    words = [
        word(before, 100, 150, order=1),
        word(raised, 150, 156, order=3, size=6, base=96, script="super"),
    ]
    assert line_text.text(Line(words)) == expected


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("the stone was trans-", "ported", "the stone was transported"),
        ("mother-in-", "law", "mother-in-law"),
        ("a U-", "turn", "a U-turn"),
        ("1914-", "1918", "1914-1918"),
        ("pages 14\u2013", "18", "pages 14\u201318"),
        ("the Lind-", "Otter theorem", "the Lind-Otter theorem"),
        ("a self-", "made man", "a self-made man"),
        ("a water-", "proof coat", "a waterproof coat"),
        ("its co\u00ad", "lour", "its colour"),
        ("a quar-", "ry-side path", "a quarry-side path"),
        ("QUAR-", "RIES", "QUARRIES"),
        ("the end —", "of it", "the end —of it"),
        ("the quarry", "of Tarn", "the quarry of Tarn"),
        ("水は", "青い", "水は青い"),
        ("물은 푸", "르다", "물은 푸르다"),
    ],
)
def test_lines_are_joined(before, after, joined):
    vocabulary = {"quarry", "푸르다", "stone", "waterproof"}
    is_left_out, space = line_joining.joint(before, after, vocabulary)
    assert (before[:-1] if is_left_out else before) + space + after == joined


def test_a_compound_of_the_document_keeps_its_hyphen():
    assert line_joining.joint("the lamp-", "oil", {"lamp-oil"}) == (False, "")
    assert line_joining.joint("the lamp-", "oil", {"lampoil"}) == (True, "")
    assert line_joining.joint("the lamp-", "black", {"lamp", "black"}) == (False, "")


def test_characters_of_two_halves_are_whole():
    halves = "a" + "\ud83d" + "\udca1" + "b"
    assert glyphs.whole(halves) == "a\U0001f4a1b"
    assert glyphs.whole("\ud83d") == "\ufffd"


def test_a_lowered_number_stays_apart_from_a_number():
    words = [
        word("101", 100, 115, order=1),
        word("2", 115, 118, order=2, size=7, base=103, script="sub"),
        word("CO", 130, 142, order=3),
        word("2", 142, 145, order=4, size=7, base=103, script="sub"),
    ]
    assert line_text.text(Line(words)) == "101_2 CO2"
