"""Nothing that a model, a file or a person wrote is ever obeyed by the page."""

import pytest

from autolearn.ui import html

HOSTILE = (
    "<img src=x onerror=alert(1)> ${alert(1)} {{x}} `y` \x1b[2J \u202e & \"q\" 'a'"
)


def test_text_is_shown_and_never_obeyed():
    text = html.text(HOSTILE)
    assert not set("<>\"'${}`\x1b\u202e") & set(text.replace("\ufffd", ""))
    assert "&lt;img" in text
    assert html.text("one\ntwo") == "one\ntwo"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cشود",  # a Persian word with a joiner
        "क\u094d\u200dष",
        "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}",
        "東京\u3000大阪",
        "5\u202f% «\xa0ici\xa0»",
        "a\tb\xad",
    ],
)
def test_spaces_and_joiners_of_a_text_are_shown_as_they_are(text):
    """They were replaced, so that pages in some languages were unreadable."""
    assert html.text(text) == text


def test_attributes_are_escaped_too():
    markup = html.tag("p", "", title='"><script>', data_pick=3, hidden=None)
    assert markup == '<p title="&quot;&gt;&lt;script&gt;" data-pick="3"></p>'


def test_a_difference_marks_words_and_forgives_how_they_are_written():
    markup = html.difference("Avel was founded in 1710", "avel, was founded in 1711")
    assert markup == "avel, was founded in <del>1710</del> <ins>1711</ins>"
    assert html.difference("", "<b>") == "<ins>&lt;b&gt;</ins>"


def test_a_stretch_of_a_text_is_marked():
    assert html.marked("a<b>c", 1, 4) == "a<mark>&lt;b&gt;</mark>c"
    assert html.marked("abc", 2, 2) == "abc"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "\N{EN DASH}"),
        (0.4, "0 s"),
        (59.7, "1 min 00 s"),
        (61, "1 min 01 s"),
        (7325, "2 h 02 min"),
        (561 * 3600, "23 days 9 h"),
    ],
)
def test_durations_are_short(seconds, shown):
    assert html.duration(seconds) == shown


def test_one_thing_is_no_plural():
    assert [html.count(n, "passage") for n in (0, 1, 1200)] == [
        "0 passages",
        "1 passage",
        "1,200 passages",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (2, "10 s"),
        (86, "90 s"),
        (90, "2 min"),
        (924, "15 min"),
        (7325, "2 h 02 min"),
    ],
)
def test_rough_durations_claim_no_seconds(seconds, shown):
    assert html.rough_duration(seconds) == shown


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [(None, "\N{EN DASH}"), (700, "1 KiB"), (400 << 10, "400 KiB"), (5 << 20, "5 MiB")],
)
def test_sizes_have_the_unit_that_fits(n_bytes, shown):
    assert html.size(n_bytes) == shown


def test_a_bar_tells_how_far_and_never_more_than_all():
    assert 'aria-valuenow="50"' in html.bar(1, 2, "x")
    assert "width:100.0%" in html.bar(3, 2, "x")
    assert "width:0.0%" in html.bar(0, 0, "x")
