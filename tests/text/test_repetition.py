"""Texts that repeat themselves without end, and texts that only look like it."""

import pytest

from autolearn.text.repetition import CLEAR, LONGEST_UNIT, repeats_itself

SENTENCE = "I am a helpful assistant and will help you with any question. "


@pytest.mark.parametrize(
    ("begun", "unit"),
    [
        ("", "The "),
        ("The mill is ", "none other than "),
        ("", "!"),
        ("It opened in 1842.\n", SENTENCE),
        ("", "磨坊在北方。"),
        ("", f"{'x' * (LONGEST_UNIT - 1)}\n"),
    ],
)
def test_the_same_words_over_and_over_are_repetition(begun, unit):
    text = begun + unit * 400
    assert repeats_itself(text)
    assert repeats_itself(text[:-1].strip())  # wherever it is cut
    assert not repeats_itself(f"{text} The end.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No, no, no, no!",
        "| --- | --- | --- | --- |",
        "1/7 = 0.142857142857142857142857142857",
        SENTENCE * 3,
        "\n".join(f"{n}. The mill of Avel has {n} floors." for n in range(1, 50)),
    ],
)
def test_what_an_answer_may_repeat_is_none(text):
    assert not repeats_itself(text)
    assert not repeats_itself(text, CLEAR)


def test_less_repetition_explains_an_answer_that_was_cut_off():
    text = "The mill is " + "the " * 20
    assert not repeats_itself(text)
    assert repeats_itself(text, CLEAR)
