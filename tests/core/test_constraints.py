"""Constraints are kept with what was written, and read back."""

import json

import pytest

from autolearn.core.constraints import (
    LINE,
    Excerpt,
    OneOf,
    description,
    from_values,
    to_values,
)

CONSTRAINT = (
    " ",
    OneOf(("red", "blue")),
    Excerpt("The mill opened in 1842."),
    Excerpt("Die Mühle", "none"),
    "\nAnswer: ",
    LINE,
)


@pytest.mark.parametrize("constraint", [(), CONSTRAINT, *((p,) for p in CONSTRAINT)])
def test_a_constraint_comes_back_from_its_values(constraint):
    values = json.loads(json.dumps(to_values(constraint)))
    assert from_values(values) == constraint


def test_a_reader_reports_each_part():
    assert description(CONSTRAINT).splitlines() == [
        "the text ' '",
        "one of 'red', 'blue'",
        "an excerpt of 'The mill opened in 1842.'",
        "an excerpt of 'Die Mühle', or 'none'",
        "the text '\\nAnswer: '",
        rf"a text that matches {LINE.regex}",
    ]


def test_an_excerpt_or_what_may_stand_in_its_place_is_allowed():
    excerpt = Excerpt("The mill opened in 1842.", "none")
    assert excerpt.allows("mill opened")
    assert excerpt.allows("none")
    assert not excerpt.allows("mill open")
    assert not Excerpt("The mill opened in 1842.").allows("none")


@pytest.mark.parametrize(
    ("source", "whole", "cut"),
    [
        ("दिल्ली में", "दिल्ली", "दि"),
        ("Cafe\u0301 Mu\u0308ller", "Cafe\u0301", "Cafe"),
        ("Mu\u0308ller", "Mu\u0308ller", "Mu\u0308"),
        ("கடை.", "கடை", "கட"),
        ("ร้านที่กรุงเทพ", "กรุงเทพ", "กร"),
    ],
)
def test_an_excerpt_cuts_no_mark_from_its_letter(source, whole, cut):
    """Once, a vowel sign or an accent was a word of its own."""
    assert Excerpt(source).allows(whole)
    assert not Excerpt(source).allows(cut)
    assert "".join(Excerpt(source).chunks) == source
