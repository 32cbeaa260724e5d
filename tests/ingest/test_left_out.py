"""Blank lines of converted texts, and the marks of what is left out."""

import pytest

from autolearn.ingest.readers.left_out import LeftOut


def texts(markdown):
    pieces = LeftOut().pieces(markdown, starts_passage=False, share=1.0)
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("\n\n a\n \n\t\n\nb\n\n", " a\n\nb\n\n"),
        ("```x\n\n\n\ny\n```\n\n\n\nz", "```x\n\n\n\ny\n```\n\nz\n\n"),
        ("````\n```\n\n\n````\n\n\nz", "````\n```\n\n\n````\n\nz\n\n"),
        ("```x\n\n\n\ny\n```x\n\n\nz", "```x\n\ny\n```x\n\nz\n\n"),  # never closed
    ],
)
def test_only_code_keeps_several_blank_lines(markdown, expected):
    assert texts(markdown) == expected


def test_an_exclusion_within_another_is_a_part_of_it():
    left_out = LeftOut()
    inner = left_out.add("inner", "form")
    mark = left_out.add(f"before {inner} after", "navigation")
    pieces = left_out.pieces(f"a {mark} b", starts_passage=False, share=1.0)
    listed = [(piece.left_out, piece.text) for piece in pieces if piece.left_out]
    assert listed == [("navigation", "before inner after")]
