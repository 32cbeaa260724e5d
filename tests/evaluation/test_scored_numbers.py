"""Numbers are right however they are written, and no other numbers are."""

import pytest

from autolearn.evaluation import numbers
from tests.support.scores import right


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("It costs $1,080.", "1080"),
        ("It costs 1080 dollars.", "$1,080"),
        ("Avel has 1.080,50 euros.", "1080.5"),
        ("It is 51.", "51.0"),
        ("It was in 1711.", "1711"),
        ("Exactly 1\u202f080 people.", "1080"),
        ("It is \u22125 degrees.", "-5"),
        ("It is 3.50.", "3.5"),
        ("It is 14km long.", "14 km"),
        ("It is 14 km long.", "14km"),
        ("It is 2/4 of it.", "1/2"),
        ("About 1.5 million.", "1500000"),
        ("\u0663 people", "3"),
        ("It has 6 sides.", "six"),
        ("It has six sides.", "6"),
        ("It has twenty-four of them.", "24"),
        ("It has two hundred and five thousand and six.", "205006"),
        ("About a hundred.", "100"),
        ("About 1,200.", "twelve hundred"),
        ("It is 2½.", "2.5"),
        ("It takes 1¼ cups.", "5/4"),
        ("It takes 1 1/4 cups.", "1.25"),
        ("It is \u22122½ degrees.", "-2.5"),
        ("It is ½ of it.", "0.5"),
        ("It is 10²\u2078 m wide.", "10"),
        ("It is 0,125.", "0.125"),
        ("About 1 000 000.", "1000000"),
        ("About 12 500,5 of them.", "12500.5"),
        ("人口12万。", "120000"),
        ("人口は1億2000万人。", "120,000,000"),
        ("인구는 1.5만 명이다.", "15000"),
        ("Es sind 3,5 Millionen.", "3500000"),
        ("Il y en a 2 milliards.", "2000000000"),
        ("Son 3 mil millones.", "3000000000"),
        ("About 5 hundred thousand.", "500000"),
        ("الوزن \u0661\u066b\u0665 طن", "1.5"),
    ],
)
def test_equal_numbers_are_right_however_they_are_written(text, gold):
    for scorer in ("contains", "number"):
        assert right(text, gold, scorer)
        assert right(text, "x", scorer, gold_value=gold)


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("It is 3.5.", "5"),
        ("It is 3.5.", "3"),
        ("It is 15.", "5"),
        ("It is 1,080.", "80"),
        ("It is -5.", "5"),
        ("It is 0.5.", "5"),
        ("It is 5/6.", "5"),
        ("It is 5 million.", "5"),
        ("Es sind 5 Millionen.", "5"),
        ("It is five.", "6"),
        ("It is 5.", "six"),
        ("It is two hundred.", "2"),
        ("It is twenty-six.", "six"),
        ("It is 12.", "twelve hundred"),
        ("It has many.", "5"),
        ("It is 2½.", "1/2"),
        ("It is 2½.", "10.5"),
        ("It is 10².", "102"),
        ("It is 0,125.", "125"),
        ("About 1 000 000.", "0"),
        ("In 1990 300 came.", "1990300"),
        ("人口12万。", "12"),
        ("He is one of the founders.", "1"),
        ("No one came.", "1"),
        ("It is the one that fell.", "one"),
        ("It is twenty-one of them.", "1"),
    ],
)
def test_other_numbers_are_wrong_though_they_share_digits(text, gold):
    for scorer in ("contains", "number"):
        assert not right(text, gold, scorer)
        assert not right(text, "x", scorer, gold_value=gold)


@pytest.mark.parametrize(
    "text", ["one", "One.", "It has one mill.", "Avel has one.", "It took one day."]
)
def test_one_is_a_number_alone_and_before_what_is_counted(text):
    assert right(text, "1")
    assert right(text, "one", "number")


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("There were 5 pens and she bought 2, so 7.", "7"),
        ("She has 16 - 9 = <<16-9=7>>7 eggs.\n#### 7", "7"),
        ("The answer is 7. There were 5 and 2.", "7"),
        ("Answer: 5 + 2 = 7 pens for 3 people.", "7"),
        ("First 5 = 5. Then 5 + 2 = 7 pens in 3 days.", "7"),
        ("5 + 2 = 7", "7"),
        ("We get \\\\boxed{7} from 5 and 2.", "7"),
        ("**Answer:** 7", "7"),
        ("The answer is not 5 but 7.", "7"),
        ("Die Antwort ist 7. Es waren 5 und 2.", "7"),
        ("La réponse est 7. Il y en avait 5 et 2.", "7"),
        ("La respuesta es 7. Eran 5 y 2.", "7"),
        ("答案是7。5加2。", "7"),
        ("seven", "7"),
        ("So she has twenty-one of them.", "21"),
    ],
)
def test_of_a_worked_sum_the_result_counts_and_no_number_on_the_way(text, gold):
    assert right(text, gold, "number")
    for other in ("5", "2", "16", "9"):
        assert not right(text, other, "number")


@pytest.mark.parametrize(
    "text",
    [
        "There were 5 pens and she bought 2, so 7.",
        "5 + 2 = 7",
        "The answer is 7, not 5.",
    ],
)
def test_a_result_is_no_number_on_the_way_by_whatever_scorer(text):
    for gold in ({}, {"gold_value": "7"}):
        assert right(text, "7", **gold)
    for gold in ({}, {"gold_value": "5"}):
        assert not right(text, "5", **gold)


def test_a_number_of_a_statement_is_found_beside_others():
    text = "Avel has 300 inhabitants and 12 mills, so it became a town in 1711."
    assert right("Avel has 300 inhabitants and 12 mills.", "300")
    assert right(text, "1711")
    assert right("So in 1990 it had 300 inhabitants.", "300", "number")


def test_a_statement_tells_what_the_question_does_not_say():
    wording = "How many people lived in Avel in 1990?"
    assert right("In 1990, 300 people lived in Avel.", "300", "number", wording)
    assert right("300 people lived in Avel in 1990.", "300", "number", wording)
    assert right("Avel had 300 people in 1985.", "300", "number", "How many people?")
    for text in (
        "Avel hatte 300 Einwohner im Jahr 1985.",
        "Avel avait 300 habitants en 1985.",
        "Avel tenía 300 habitantes desde 1985.",
        "阿韦尔有300人的记录是1985年的。",
    ):
        assert right(text, "300", "number", "How many people?")


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("She was born on 3/4/1931.", "1931"),
        ("It came in 04/1931.", "1931"),
        ("It was in the season 1931/32.", "1931"),
        ("It was in the season 1931/1932.", "1932"),
    ],
)
def test_a_year_is_found_in_a_date_with_slashes(text, year):
    """Once, it was the numerator or the denominator of a fraction."""
    assert right(text, year)
    assert not right(text, "1930")
    assert right("It is 1500/2 of it.", "750")


def test_readings_are_exact():
    assert numbers.readings("0.1") == numbers.readings("1/10")
    assert len(numbers.readings("1.080")) == 2
    assert numbers.readings("3.5.1990") == frozenset()
    assert not numbers.is_number("A4")
    assert not numbers.is_number("5 pens")
    assert numbers.result("none at all") == frozenset()
