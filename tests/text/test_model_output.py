import pytest

from autolearn.core.gold import GoldExample
from autolearn.metaskills import examples
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


def test_reasoning_is_dropped():
    assert model_output.questions("<think>Who am I?</think>\nWho leads?") == [
        "Who leads?"
    ]


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
    assert model_output.answer("Answer：巴黎。") == "巴黎。"  # noqa: RUF001


def test_a_refusal_to_answer_is_seen():
    assert model_output.is_not_stated("The text does not say.")
    assert not model_output.is_not_stated("Avel was founded in 1711.")


@pytest.mark.parametrize(
    "text",
    [
        "The text does not say.",
        "The text does not tell.",
        "The passage doesn't mention the year.",
        "The given text does not explicitly state who led Avel.",
        "This article gives no date.",
        "It does not say.",
        "I don't know.",
        "The year is not stated.",
        "The year is not mentioned in the text.",
        "Der Text sagt es nicht.",
        "Der Text nennt kein Jahr.",
        "Das steht nicht im Text.",
        "Le texte ne le dit pas.",
        "Le texte n\u2019indique pas la date.",
        "El texto no lo dice.",
        "El texto no menciona el año.",
        "文本没有说。",
        "文中未提及年份。",
    ],
)
def test_in_each_language_of_the_examples_a_refusal_to_answer_is_seen(text):
    assert model_output.is_not_stated(text)


@pytest.mark.parametrize(
    "text",
    [
        "The law does not specify a penalty.",
        "Women do not know the secret of the order.",
        "The poem does not mention her.",
        "The author is unknown.",
        "The king is not given a name in the poem.",
        "They were not mentioned before 1711.",
        "Das Gesetz nennt keine Strafe.",
        "La loi ne dit rien.",
        "La ley no lo dice.",
        "法律没有说。",
    ],
)
def test_a_fact_that_something_is_not_said_is_an_answer(text):
    assert not model_output.is_not_stated(text)


def test_the_answers_that_are_taught_for_what_a_text_does_not_say_are_recognised():
    texts = [
        "The mill was opened in 1842 by the town.",
        "Die Mühle wurde 1842 von der Gemeinde eröffnet.",
        "Le moulin a été ouvert en 1842 par la commune.",
        "El molino fue inaugurado en 1842 por el pueblo.",
        "磨坊于一八四二年开业。",
    ]
    answers = {
        examples.not_stated(GoldExample(text, "Who?", "", answerable=False))
        for text in texts
    }
    assert len(answers) == len(texts)
    assert all(map(model_output.is_not_stated, answers))


@pytest.mark.parametrize(
    ("line", "statement"),
    [
        ("1. Avel is old.", "Avel is old."),
        ("2) 5 mills stand there.", "5 mills stand there."),
        ("1.Avel is old.", "Avel is old."),
        ("- 5 mills stand there.", "5 mills stand there."),
        ("* Avel is old.", "Avel is old."),
        ("1.5 million people live in Lyon.", "1.5 million people live in Lyon."),
        ("-5 °C was measured.", "-5 °C was measured."),
        ("10:30 is the time of the train.", "10:30 is the time of the train."),
        ("- -5 °C was measured.", "-5 °C was measured."),
        ("1、磨坊很旧。", "磨坊很旧。"),
        ("（2）磨坊很旧。", "磨坊很旧。"),  # noqa: RUF001
    ],
)
def test_list_marks_are_dropped_and_numbers_stay_whole(line, statement):
    assert model_output.statements(line) == [statement]


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ('"Heroes" was sung by whom?', '"Heroes" was sung by whom?'),
        ('"Who leads Avel?"', "Who leads Avel?"),
        ("1. 'Who leads Avel?'", "Who leads Avel?"),
        ('"**Who leads Avel?**"', "Who leads Avel?"),
        ("'Tis old, is it?", "'Tis old, is it?"),
    ],
)
def test_only_quotation_marks_around_the_whole_question_are_dropped(line, question):
    assert model_output.questions(line) == [question]


@pytest.mark.parametrize(
    "question",
    [
        "谁领导北京？",  # noqa: RUF001
        "من أسس مدينة بغداد؟",
        "Ποιος ίδρυσε την Αθήνα;",
        "Ποιος ίδρυσε την Αθήνα\u037e",
        "አዲስ አበባን ማን መሰረተ፧",
    ],
)
def test_questions_end_with_the_marks_of_their_scripts(question):
    assert model_output.questions(f"1. {question}\nAvel is old;") == [question]
