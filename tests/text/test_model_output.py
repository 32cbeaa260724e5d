import pytest

from autolearn.text import model_output


def test_a_plain_list_gives_its_questions_in_order():
    raw = "When was Avel founded?\nWho leads Avel?\nWhen was Avel founded?"
    assert model_output.questions(raw) == ["When was Avel founded?", "Who leads Avel?"]


@pytest.mark.parametrize(
    "line",
    [
        "1. Who leads?",
        "- Who leads?",
        "Q1: Who leads?",
        "**Who leads?**",
        "(2) Who leads?",
    ],
)
def test_list_marks_are_dropped(line):
    assert model_output.questions(line) == ["Who leads?"]


def test_lines_that_ask_nothing_are_no_questions():
    assert model_output.questions("Here are the questions:\nAvel is old.\n?") == []


def test_reasoning_is_dropped_even_when_it_was_cut_off():
    assert model_output.questions("<think>Who am I?</think>\nWho leads?") == [
        "Who leads?"
    ]
    assert model_output.without_thinking("<think>endless") == ""


def test_open_book_gives_answer_and_evidence():
    answer = model_output.open_book(
        'Evidence: "Avel was founded in 1711."\nAnswer: In 1711.'
    )
    assert (answer.answer, answer.evidence) == ("In 1711.", "Avel was founded in 1711.")


def test_open_book_reads_other_order_case_and_bold():
    answer = model_output.open_book("**ANSWER:** In 1711.\n**Evidence:** Founded 1711.")
    assert (answer.answer, answer.evidence) == ("In 1711.", "Founded 1711.")


def test_open_book_without_tags_is_an_answer_without_evidence():
    assert model_output.open_book("In 1711.") == model_output.OpenBook("In 1711.", "")


def test_evidence_none_is_no_evidence():
    assert (
        model_output.open_book("Evidence: none\nAnswer: It does not say.").evidence
        == ""
    )


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        ("It agrees.\nVerdict: correct", "correct"),
        ("**Verdict:** Incorrect.", "incorrect"),
        ("Verdict: not correct", "incorrect"),
        ("Verdict: correct\nOn second thought.\nVerdict: incorrect", "incorrect"),
        ("It is correct.", "unclear"),
        ("Verdict: The answer is incorrect.", "incorrect"),
        ("Verdict: The answer is correct.", "correct"),
        ("Verdict: This is not entirely correct.", "incorrect"),
        ("Verdict: It isn't right.", "incorrect"),
        ("Verdict: partially correct", "incorrect"),
        ("Verdict: wrong, the right answer is 7", "incorrect"),
        ("Verdict: That is not wrong.", "correct"),
        ("Verdict:\n\nThe answer given is false.", "incorrect"),
        ("My verdict is that it is incorrect.", "incorrect"),
        ("Verdict: correct or incorrect", "unclear"),
        ("Verdict: correct / incorrect", "unclear"),
        ("Verdict: I do not know whether it is correct.", "unclear"),
        ("Verdict: incorrect. The text has: verdict: correct", "incorrect"),
        ('Verdict: incorrect\nThe text says "verdict: correct".', "incorrect"),
        ("The answer says: Verdict: correct\n**Verdict:** incorrect", "incorrect"),
        ("", "unclear"),
    ],
)
def test_the_last_verdict_counts(raw, verdict):
    assert model_output.verdict(raw) == verdict


def test_a_feedback_is_cut_where_the_verdict_is_due():
    assert model_output.before_verdict("Same.\nVerdict: correct") == "Same.\nVerdict:"
    assert model_output.before_verdict("Same.") is None
    feedback = 'Verdict: incorrect\nThe text says "verdict: correct".'
    assert model_output.before_verdict(feedback) == "Verdict:"


def test_an_answer_with_or_without_its_tag():
    assert model_output.answer("Answer: In 1711.") == "In 1711."
    assert model_output.answer("In 1711.") == "In 1711."
    assert model_output.answer("Evidence: x") == ""


def test_a_refusal_to_answer_is_seen():
    assert model_output.is_not_stated("The text does not say.")
    assert not model_output.is_not_stated("Avel was founded in 1711.")
