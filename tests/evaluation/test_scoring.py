"""Each scorer calls the right answers right, and no others."""

import pytest

from autolearn.core.gold import GoldQuestion
from autolearn.core.records import Question
from autolearn.evaluation import numbers, scoring
from autolearn.evaluation.choices import chosen


def right(text, gold, scorer="contains", wording="What is it?", **more):
    question = Question(wording, "quiz", "gold", scorer=scorer, **more)
    return scoring.is_right(question, text, gold)


@pytest.mark.parametrize("scorer", scoring.SCORERS)
@pytest.mark.parametrize("gold", ["A", "The", "5", "...", "北京", "+"])
def test_an_empty_answer_is_never_right(scorer, gold):
    for value in (None, gold):
        assert not right("", gold, scorer, gold_value=value)
        assert not right("  \n", gold, scorer, gold_value=value)


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


CHOICES = ("Rome", "Paris", "New York", "York")


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("A", 0),
        ("B", 1),
        ("b)", 1),
        ("(C)", 2),
        ("**B**", 1),
        ("B. Paris", 1),
        ("B, because A is too small.", 1),
        ("The answer is A.", 0),
        ("A is right.", 0),
        ("Answer: C", 2),
        ("It must be option D.", 3),
        ("Not A but B.", 1),
        ("I think that it is Paris.", 1),
        ("It is New York.", 2),
        ("It is York.", 3),
        ("A city such as Paris.", 1),
        ("#### B", 1),
        ("A or B, not sure", None),
        ("A, B", None),
        ("Either Rome or Paris.", None),
        ("The answer is A or B.", None),
        ("The answer is D) Both A and C.", 3),
        ("D) Both A and C.", 3),
        ("A and C are too small, so the answer is B.", 1),
        ("Both A and C.", None),
        ("A or Paris", None),
        ("I do not know.", None),
        ("A city in the south.", None),
        ("J", None),
        ("", None),
        ("The answer is b.", 1),
        ("answer: c", 2),
        ("The ANSWER IS (b)", 1),
        ("Option b: Paris", 1),
        ("The answer is a.", 0),
        ("The answer is a\nbig city.", 0),
        ("The answer is a big city.", None),
        ("The answer is a big city such as Paris.", 1),
        ("Answer: A big city.", None),
        ("The answer is e.g. large.", None),
        ("Answer: I do not know.", None),
    ],
)
def test_an_option_is_named_by_letter_or_text_and_alone(text, index):
    assert chosen(text, CHOICES) == index
    for i, gold in enumerate(CHOICES):
        assert right(text, gold, "choice", choices=CHOICES) == (i == index)
        letter = "ABCD"[i]
        assert right(text, letter, "choice", choices=CHOICES) == (i == index)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("答案是B。", 1),
        ("正确答案为B，因为A是错误的。", 1),  # noqa: RUF001
        ("应该选择B。", 1),
        ("B、东京", 1),
        ("Ｂ", 1),  # noqa: RUF001
        ("我认为B选项是对的", 1),
        ("不是A，是B", 1),  # noqa: RUF001
        ("答えはBです。", 1),
        ("정답은 B입니다.", 1),
        ("A和B都对", None),
        ("选项A或B", None),
        ("VITAMINB", None),
    ],
)
def test_a_letter_is_read_beside_signs_of_a_script_without_spaces(text, index):
    """Once, it was a part of the word beside it."""
    assert chosen(text, ("北京", "东京", "上海", "广州")) == index


def test_options_that_are_numbers_or_hold_letters_are_told_apart():
    assert chosen("There were 5, so 7.", ("5", "7", "9")) == 1
    assert chosen("Vitamin C helps.", ("Vitamin A", "Vitamin C", "Iron")) == 1
    assert chosen("B", ()) == 1


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("首都是北京。", "北京"),
        ("東京タワーは1958年に完成した。", "1958"),
        ("수도는 서울입니다.", "서울"),
        ("서울에서는 비가 온다.", "서울"),
        ("เมืองหลวงคือกรุงเทพ", "กรุงเทพ"),
        ("العاصمة هي القاهرة.", "القاهرة"),
        ("ولد بالقاهرة", "القاهرة"),
        ("הוא גר בירושלים", "ירושלים"),
        ("Столица — Москва.", "Москва"),
        ("Die STRASSE heißt Weststraße.", "Weststrasse"),
        ("Ays\u0327e Polat did.", "Ay\u015fe Polat"),
        ("It is \uff11\uff17\uff11\uff11.", "1711"),
    ],
)
def test_values_are_found_in_other_scripts(text, gold):
    assert right(text, "x", gold_value=gold)
    assert right(text, gold)


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("首都是南京。", "北京"),
        # Once, the signs counted in any order.
        ("南京在北方。", "北京"),
        ("太田一郎と山口さん。", "山田太郎"),
        ("부산이다.", "서울"),
        ("Москвич", "Москва"),
    ],
)
def test_other_values_of_other_scripts_are_not(text, gold):
    assert not right(text, "x", gold_value=gold)
    assert not right(text, gold)


def test_aliases_are_as_right_as_the_gold_answer():
    for scorer in ("contains", "exact", "f1"):
        for text in ("Ada Lum", "Countess Lum"):
            assert right(text, "Ada Lum", scorer, aliases=("Countess Lum",))
        assert not right("Bo Lum", "Ada Lum", scorer, aliases=("Countess Lum",))
    assert right("It is 12.", "11", "number", aliases=("12",))
    assert right("the first", "A", "choice", choices=CHOICES, aliases=("The first",))


def test_exact_and_f1_are_stricter_than_contains():
    assert right("the Ada Lum", "Ada Lum", "exact")
    assert not right("It is Ada Lum.", "Ada Lum", "exact")
    assert right("It is Ada Lum.", "Ada Lum")
    assert right("Ada the Lum of Avel", "Ada Lum of Avel", "f1")
    assert not right("It is Ada Lum of the town of Avel", "Ada Lum", "f1")


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("The text does not say.", True),
        ("The law does not specify a penalty.", True),
        ("He does not know.", True),
        ("I don't know.", True),
        ("This cannot be answered.", True),
        ("Unknown", True),
        ("none", True),
        ("Der Text sagt es nicht.", True),
        ("文本没有说。", True),
        ("Ada Lum founded it.", False),
        ("Nonesuch Palace.", False),
    ],
)
def test_a_question_without_an_answer_is_answered_by_saying_so(text, is_right):
    assert right(text, "", "none") == is_right


PARIS = "Which city is larger, Paris or Rome?"
TEA = "Is coffee or the tea more popular?"


@pytest.mark.parametrize(
    ("wording", "text", "gold", "is_right"),
    [
        (PARIS, "Paris is larger.", "Paris", True),
        (PARIS, "Rome is larger.", "Paris", False),
        (PARIS, "Rome is larger than Paris.", "Paris", False),
        (PARIS, "Paris or Rome.", "Paris", False),
        (TEA, "It is tea.", "tea", True),
        (TEA, "It is coffee.", "tea", False),
        (TEA, "Coffee is more popular than tea.", "tea", False),
        ("Where is Oxford University?", "It is in Oxford.", "Oxford", True),
        ("Where is Oxford University?", "It is in London.", "Oxford", False),
        ("Where is Oxford University?", "Oxford University it is.", "Oxford", False),
        ("Where is Oxford University?", "Oxford University, Oxford", "Oxford", True),
        ("Who declared it?", "The WHO declared the pandemic.", "WHO", True),
        ("Who declared it?", "WHO declared the pandemic.", "WHO", True),
        ("Who declared it?", "Those who declared the pandemic.", "WHO", False),
        ("Who recorded Tommy?", "Tommy was recorded by The Who.", "The Who", True),
        ("Who recorded Tommy?", "The Who recorded Tommy.", "The Who", True),
        ("Who recorded Tommy?", "Who recorded Tommy?", "The Who", False),
        ("What is the novel called?", "The novel is called It.", "It", True),
        ("What is the novel called?", "It is called Carrie.", "It", False),
        ("What is the novel called?", "Called so. It is old.", "It", False),
        ("What is the novel called?", "I do not know it.", "It", False),
        ("Is Avel old?", "Yes, Avel is old.", "Avel is old.", True),
        ("Is Avel old?", "Avel is not old.", "Avel is old.", False),
    ],
)
def test_a_gold_answer_that_adds_no_word_to_its_question_can_be_told(
    wording, text, gold, is_right
):
    assert right(text, gold, wording=wording) is is_right


@pytest.mark.parametrize(
    ("gold", "scorer"),
    [
        (GoldQuestion("Who?", "Ada"), "contains"),
        (GoldQuestion("When was Avel founded?", "1711"), "contains"),
        (GoldQuestion("How many pens are left?", "1711"), "number"),
        (GoldQuestion("How many?", "There are 5.", "5"), "number"),
        (GoldQuestion("Which?", "A"), "choice"),
        (GoldQuestion("Which?", "Rome", choices=CHOICES), "choice"),
        (GoldQuestion("Who?", ""), "none"),
    ],
)
def test_an_imported_question_gets_the_usual_scorer(gold, scorer):
    assert scoring.usual(gold) == scorer


def test_readings_are_exact():
    assert numbers.readings("0.1") == numbers.readings("1/10")
    assert len(numbers.readings("1.080")) == 2
    assert numbers.readings("3.5.1990") == frozenset()
    assert not numbers.is_number("A4")
    assert not numbers.is_number("5 pens")
    assert numbers.result("none at all") == frozenset()
