import pytest

from autolearn.core.records import Feedback
from autolearn.study.samples import judge_gap, judge_own

QUESTION = "When did Avel come into being?"
RIGHT = "Avel was founded in 1711."


def critique(verdict, probability):
    return Feedback(1, "critique", "...", verdict, probability)


def test_the_same_words_are_no_gap_whatever_the_model_thinks():
    gap = judge_gap(QUESTION, "avel was founded in 1711", RIGHT, None)
    assert (gap.is_gap, gap.probability, gap.disputed) == (False, 0.0, False)


def test_another_year_is_a_gap_though_the_verb_is_the_same():
    # Once, half of the telling words were enough to agree: the verb was one of two.
    wrong = "Avel was founded in 1699."
    gap = judge_gap(QUESTION, wrong, RIGHT, critique("incorrect", 0.1))
    assert gap.is_gap
    assert not gap.disputed


def test_either_signal_is_enough_and_a_contradiction_is_disputed():
    by_words = judge_gap(QUESTION, "Avel is old.", RIGHT, critique("correct", 0.9))
    assert (by_words.is_gap, by_words.disputed) == (True, True)
    answer = "Avel was founded in 1711, some say."
    by_verdict = judge_gap(QUESTION, answer, RIGHT, critique("incorrect", 0.2))
    assert (by_verdict.is_gap, by_verdict.disputed) == (True, True)


def test_other_words_for_the_same_are_no_gap():
    gap = judge_gap(QUESTION, "It was founded in 1711", RIGHT, critique("correct", 0.9))
    assert not gap.is_gap
    assert gap.probability == pytest.approx(0.05)


def test_without_a_verdict_the_words_decide():
    assert judge_gap(QUESTION, "In 1699.", RIGHT, None).is_gap
    unclear = judge_gap(QUESTION, "In 1699.", RIGHT, critique("unclear", None))
    assert (unclear.is_gap, unclear.disputed) == (True, True)


@pytest.mark.parametrize("verdict", ["correct", "incorrect", "unclear"])
def test_words_decide_alone_where_verdicts_do_not_count(verdict):
    verdict_of_model = critique(verdict, None if verdict == "unclear" else 0.5)
    for answer, differs in (("It was founded in 1711", False), ("In 1699.", True)):
        gap = judge_gap(QUESTION, answer, RIGHT, verdict_of_model, uses_verdicts=False)
        assert gap.is_gap == differs
        assert gap.probability == float(differs)
        assert not gap.disputed


@pytest.mark.parametrize(
    ("verdict", "probability", "is_gap"),
    [
        ("incorrect", 0.9, True),
        ("correct", 0.1, False),
        ("unclear", 0.2, True),
        ("unclear", 0.8, False),
        ("unclear", None, False),
    ],
)
def test_without_a_text_the_odds_decide_where_the_verdict_is_unclear(
    verdict, probability, is_gap
):
    assert judge_own(critique(verdict, probability)).is_gap == is_gap


@pytest.mark.parametrize(("probability", "differs"), [(0.2, True), (0.8, False)])
def test_with_a_text_the_odds_decide_too_where_the_verdict_is_unclear(
    probability, differs
):
    gap = judge_gap(
        QUESTION, "It was founded in 1711", RIGHT, critique("unclear", probability)
    )
    assert (gap.is_gap, gap.disputed) == (differs, differs)


@pytest.mark.parametrize(
    ("answer", "verdict", "is_gap", "disputed"),
    [
        ("Avel was founded in 1711, some say.", "incorrect", True, True),
        ("Avel was founded in 1711, some say.", "correct", False, False),
        ("In 1699.", "incorrect", True, False),
        ("In 1699.", "correct", True, True),
    ],
)
def test_a_verdict_counts_where_its_odds_are_not_known(
    answer, verdict, is_gap, disputed
):
    gap = judge_gap(QUESTION, answer, RIGHT, critique(verdict, None))
    assert (gap.is_gap, gap.disputed) == (is_gap, disputed)
