"""The thoughts of a reasoning model are told from its answer."""

import pytest

from autolearn.core.thoughts import without_thoughts


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("<think>Is it red? No.</think>\n\nIt is blue.", "It is blue."),
        ("\n<think>\nRed?\n</think>\nIt is blue.", "\nIt is blue."),
        ("<think>Is it", ""),
        ("It may be red.\n</think>\n\nIt is blue.", "It is blue."),
        ("Is it red?</think>\n\nIt is blue.", "It is blue."),
        ("It may be red.\n</think>", ""),
        ("<think>Red?</think>\n<think>Green?</think>\nIt is blue.", "It is blue."),
    ],
)
def test_thoughts_are_dropped_with_the_space_behind_them(raw, answer):
    assert without_thoughts(raw) == answer


@pytest.mark.parametrize(
    "answer",
    [
        " It is blue.",
        "The tag </think> ends a thought.",
        "It writes its thoughts between <think> and </think>, then answers.",
    ],
)
def test_an_answer_about_the_tags_stays(answer):
    assert without_thoughts(answer) == answer
    assert without_thoughts(f"<think>Which tags?</think>{answer}") == answer.lstrip()
