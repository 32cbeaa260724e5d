"""Whatever a model writes is read without an error, in time that grows with it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolearn.text import model_output

READERS = [
    model_output.without_thinking,
    model_output.parse_tags,
    model_output.questions,
    model_output.statements,
    model_output.open_book,
    model_output.answer,
    model_output.verdict,
    model_output.before_verdict,
    model_output.is_not_stated,
]
PARTS = [
    "Verdict:", "verdict", "Answer:", "Short answer:", "Evidence:", "Feedback:",
    "<think>", "</think>", "not", "n't", "correct", "incorrect", "unclear", "or", "/",
    "1.", "Q2:", "- ", "**", "#", "\n", " ", "?", ":", "none", "\u200d", "\x00", "é",
]  # fmt: skip
ANSWERS = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(PARTS), max_size=60).map("".join),
    st.lists(st.sampled_from(PARTS), max_size=60).map(" ".join),
)


@given(ANSWERS)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_no_answer_of_a_model_is_an_error(raw):
    for read in READERS:
        assert read(raw) == read(raw), read.__name__


@given(ANSWERS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_what_is_read_was_written(raw):
    for text in (*model_output.questions(raw), *model_output.statements(raw)):
        assert text.strip()
        assert all(word in raw for word in text.split())


@pytest.mark.parametrize(
    "part", ["<think>", "verdict ", "verdict:", "not ", "- ", " ", "or/"]
)
def test_a_long_repetition_is_read_in_little_time(part):
    for read in READERS:
        begin = time.process_time()
        read(part * 2000)
        assert time.process_time() - begin < 2.0, read.__name__
