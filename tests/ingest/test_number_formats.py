"""What the number formats of Excel add to numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolearn.ingest.readers import number_formats

EURO = '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-'


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        ('0" km"', 5, "5 km"),
        ('"EUR "0.00', 3.5, "EUR 3.5"),
        ('General" km"', 7.5, "7.5 km"),
        ("0.0\\ \\°", 5, "5 °"),
        ("0%", 0.07, "7%"),
        ("0.0%", -0.256, "-25.6%"),
        ('0"% of GDP"', 5, "5% of GDP"),
        ('0.0,,"M"', 12345678, "12.345678M"),
        ('#,##0,"K"', 5000, "5K"),
        ("0" * 13, 4006381333931, "4006381333931"),
        ("000000", 417, "000417"),
        ('"€"#,##0.00', 1234567890123.45, "€1234567890123.45"),
        ('0.00E+00" m"', 5e-7, "0.0000005 m"),
        ("# ##0.00 [$kr-41D]", 1234.5, "1234.5 kr"),
        ('# ?/?" in"', 1.5, "1.5 in"),
        ("000-00-0000", 12345678, "012345678"),
        ('0" km";', -5, "-5 km"),
    ],
)
def test_texts_and_scales_are_added_and_no_digit_is_lost(code, number, text):
    number_format = number_formats.parse(code)
    assert number_format is not None
    assert number_format.write(number) == text


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ('0" profit";0" loss"', {3: "3 profit", 0: "0 profit", -3: "3 loss"}),
        ('0" up";0" down";"even"', {3: "3 up", 0: "even", -3: "3 down"}),
        ('[>=1000000]0.0,,"M";0', {2500: "2500", 2_500_000: "2.5M"}),
        ('[<0]0" loss";0" profit"', {3: "3 profit", -3: "3 loss"}),
        ('[=1]"yes";[=0]"no"', {1: "yes", 0: "no", 2: "2"}),
        ('0 "€";[Red]0 "€"', {5: "5 €", -5: "-5 €"}),
        ('"$"0_);("$"0)', {5: "$5", -5: "($5)"}),
        (EURO, {4: "4 €", 0: "0 €", -4: "-4 €"}),
    ],
)
def test_the_section_that_applies_is_used(code, texts):
    number_format = number_formats.parse(code)
    assert number_format is not None
    assert {number: number_format.write(number) for number in texts} == texts


@pytest.mark.parametrize(
    "code",
    [
        "",
        "General",
        "#,##0.00",
        "0.00E+00",
        "#,##0_);(#,##0)",
        "yyyy-mm-dd",
        "@",
        ";;;",
    ],
)
def test_formats_that_add_nothing_are_none(code):
    assert number_formats.parse(code) is None


def test_a_format_longer_than_those_of_excel_is_ignored():
    assert number_formats.parse("0" + "%" * number_formats.LONGEST) is None


WORDS = st.text("abc €%0;#\\_*[]", max_size=6)


@given(WORDS, WORDS, st.floats(-1e12, 1e12))
def test_quoted_texts_surround_all_digits_of_a_number(before, after, number):
    number_format = number_formats.parse(f'"{before}"0.0"{after}"')
    text = f"{number:.15g}"
    if number_format is None:
        assert not (before + after).strip()
        return
    written = number_format.write(number)
    minus = "-" if number < 0 else ""
    start = minus + before.lstrip(" ")
    assert written.startswith(start)
    assert written.endswith(after.rstrip(" "))
    digits = written.removeprefix(start).removesuffix(after.rstrip(" "))
    assert float(minus + digits) == float(text)


@given(st.text('0#?.,;"\\_*[]<>=-%€ ()E+@Gx/:12', max_size=30), st.floats())
def test_any_format_writes_any_number(code, number):
    number_format = number_formats.parse(code)
    assert number_format is None or isinstance(number_format.write(number), str)
