"""Superscripts that a font draws with glyphs of its own, at the size of the text."""

import pytest

from autolearn.ingest import readers
from autolearn.ingest.readers.pdf import raised_glyphs
from tests.support import pdfs

LOW, HIGH, MINUS, HIGH_MINUS = (0, 0.7), (0.36, 0.7), (0.25, 0.3), (0.49, 0.54)


@pytest.mark.parametrize(
    ("before", "raised", "after", "expected"),
    [
        ("About 6.02 x 10", "23", " pieces", "About 6.02 x 10^23 pieces"),
        ("an area of 25 m", "2", " of lead", "an area of 25 m^2 of lead"),
        ("The plant closed.", "4", " It rained", "The plant closed.[4] It rained"),
    ],
)
def test_digits_of_raised_glyphs_stay_apart(tmp_path, before, raised, after, expected):
    pdfs.with_raised_glyphs(tmp_path / "a.pdf", before, raised, after)
    pieces = readers.open_source(tmp_path / "a.pdf", "a.pdf").pieces
    assert "".join(piece.text for piece in pieces).strip() == expected


@pytest.mark.parametrize(
    ("characters", "extents", "parts"),
    [
        ("1023", [LOW, LOW, HIGH, HIGH], [("10", ""), ("23", "super")]),
        ("10-3", [LOW, LOW, HIGH_MINUS, HIGH], [("10", ""), ("-3", "super")]),
        ("10-3", [LOW, LOW, MINUS, LOW], [("10-3", "")]),
        ("10-3", [LOW, LOW, MINUS, HIGH], [("10-", ""), ("3", "super")]),
        ("m2s", [LOW, HIGH, LOW], [("m", ""), ("2", "super"), ("s", "")]),
        ("4,5", [HIGH, (-0.1, 0.1), HIGH], [("4", "super"), (",", ""), ("5", "super")]),
        ("1990", [(0, 0.45), (-0.2, 0.45), (-0.2, 0.45), (0, 0.45)], [("1990", "")]),
    ],
)
def test_only_the_outlines_of_glyphs_tell_what_is_raised(characters, extents, parts):
    word_parts = raised_glyphs.parts(
        characters, 0, len(characters), extents.__getitem__, is_short=False
    )
    assert [(characters[a:b], script) for a, b, script in word_parts] == parts


@pytest.mark.parametrize(("is_short", "script"), [(True, "super"), (False, "")])
def test_letters_are_raised_only_in_a_run_of_their_own(is_short, script):
    word_parts = raised_glyphs.parts("n", 0, 1, lambda _: HIGH, is_short=is_short)
    assert list(word_parts) == [(0, 1, script)]
