"""Two answers to one question that cannot both be right."""

import pytest

from autolearn.text.contradictions import contradict

YEAR = "When was the brewery opened?"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((YEAR, "It was opened in 1731."), (YEAR, "In 1902.")),
        ((YEAR, "In 1731."), ("When was the brewery opened to guests?", "1902")),
        (
            ("What does the brewery sell?", "It sells cider."),
            ("What does the brewery sell?", "Leather shoes."),
        ),
        (
            ("Who leads the brewery?", "Ada Lunt leads it."),
            ("Who leads the brewery?", "It is led by Bo Krim."),
        ),
    ],
)
def test_different_answers_to_one_question_contradict(first, second):
    assert contradict(*first, *second)
    assert contradict(*second, *first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((YEAR, "It was opened in 1731."), (YEAR, "1731")),
        (("How many mills?", "It has 1,080."), ("How many mills?", "1080 mills.")),
        (
            ("The mill of Avel was built when?", "In May."),
            ("The mill of Avel was built by whom?", "By Ada Lunt."),
        ),
        (
            ("Wann wurde die Mühle von Avel gebaut?", "Im Mai."),
            ("Wo wurde die Mühle von Avel gebaut?", "In Tarn."),
        ),
        (
            ("阿韦尔的磨坊是什么时候建成的?", "五月"),
            ("阿韦尔的磨坊是什么地方建成的?", "塔恩"),
        ),
        ((YEAR, "In 1731."), ("When did the mill burn down?", "In 1902.")),
        ((YEAR, "In 1731."), ("Where was the brewery opened?", "In Orlo.")),
        (
            ("What does the brewery sell?", "It sells cider and ale."),
            ("What does the brewery sell?", "Ale."),
        ),
        (
            ("How many people work there in 1990?", "40 people."),
            ("How many people work there in 1990?", "There were 40 in 1990."),
        ),
    ],
)
def test_equal_answers_and_other_questions_do_not_contradict(first, second):
    assert not contradict(*first, *second)
    assert not contradict(*second, *first)
