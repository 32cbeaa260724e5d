"""The skip of a question tells which question was dropped, and its answer."""

import pytest

from autolearn.core.records import Passage, Skip
from autolearn.study import dropped_questions
from autolearn.study.dropped_questions import DroppedQuestion
from tests.support.dropped import QUESTION, TEXT, drop, written

HEADING = "The mill of Avel"
PASSAGE = Passage(1, 0, 0, len(TEXT), TEXT, 5, HEADING, id=7)


@pytest.mark.parametrize("subject", ["", f"{HEADING}: "])
def test_a_dropped_question_is_read_as_its_reason_names_it(subject):
    generation = written("Answer: Ada Horn,\nQuestion: Who built it?")
    skip = dropped_questions.as_skip(
        f"{subject}Who built it?", TEXT, "it has a fault", PASSAGE, generation
    )
    found = dropped_questions.of_skip(skip, PASSAGE)
    assert found == DroppedQuestion(
        7, f"{subject}Who built it?", "Ada Horn", "it has a fault", TEXT, 16
    )


@pytest.mark.parametrize(
    ("question", "answer"),
    [("", "Ada Horn"), ("Who built the mill", "Ada Horn"), (QUESTION, "the")],
)
def test_what_is_cut_off_or_has_no_answer_is_not_read(question, answer):
    assert dropped_questions.of_skip(drop(PASSAGE, question, answer), PASSAGE) is None


def test_a_skip_about_no_fact_has_no_dropped_question():
    generation = written(f"Answer: Ada Horn\nQuestion: {QUESTION}")
    for skip in (
        Skip("questions", "there is no sentence to ask about", 7),
        Skip("open-book answers", "no answer could be read", 7, 3, generation),
    ):
        assert dropped_questions.of_skip(skip, PASSAGE) is None
