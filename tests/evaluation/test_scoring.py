"""Each scorer calls the right answers right, and no others."""

import pytest

from autolearn.core.gold import GoldQuestion
from autolearn.evaluation import scoring
from autolearn.evaluation.choices import chosen
from tests.support.scores import right


@pytest.mark.parametrize("scorer", scoring.SCORERS)
@pytest.mark.parametrize("gold", ["A", "The", "5", "...", "北京", "+"])
def test_an_empty_answer_is_never_right(scorer, gold):
    for value in (None, gold):
        assert not right("", gold, scorer, gold_value=value)
        assert not right("  \n", gold, scorer, gold_value=value)


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
