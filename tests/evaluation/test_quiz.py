import pytest

from autolearn.core.records import Question, QuizResult
from autolearn.evaluation import quiz
from autolearn.evaluation.quiz_questions import QuizQuestion


def result(id, right):
    return QuizResult(id, "closed_book", "x", right=right, exact=right, f1=float(right))


def test_scores_are_shares():
    score = quiz.summarise([result(1, True), result(2, False)])
    assert (score.n, score.right, score.exact, score.f1) == (2, 0.5, 0.5, 0.5)
    assert quiz.summarise([]).n == 0


def test_flips_name_what_changed_in_both_directions():
    before = [result(1, True), result(2, False), result(3, False)]
    after = [result(1, False), result(2, True), result(4, True)]
    found = quiz.flips(before, after)
    assert (found.newly_right, found.newly_wrong) == ((2,), (1,))


def test_the_gap_is_closed_towards_the_open_book_bound():
    assert quiz.gap_closed(0.1, 0.5, 0.9) == pytest.approx(0.5)
    assert quiz.gap_closed(0.9, 0.9, 0.9) is None


def test_a_fact_was_studied_if_its_gold_answer_was_trained():
    one = QuizQuestion(Question("Who?", "quiz", "gold", id=7), "Ada leads Avel.")
    two = QuizQuestion(Question("When?", "quiz", "gold", id=8), "In 1711.")
    assert quiz.studied([one, two], ["ada leads Avel"]) == {7}
