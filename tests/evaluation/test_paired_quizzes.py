"""Before and after are over the same questions, and open-book is over these too."""

from autolearn.core.quiz_records import QuizResult
from autolearn.evaluation import paired_quizzes


def results(mode="closed_book", **right):
    return {
        int(name[1:]): QuizResult(int(name[1:]), mode, "x", value, value, 0.0)
        for name, value in right.items()
    }


def test_the_gap_is_measured_on_questions_that_were_asked_in_all_three_ways():
    was = results(q1=False, q2=False, q3=True, q4=True)
    now = results(q1=True, q2=False, q3=True, q4=True, q9=True)
    open_book = results("open_book", q1=True, q2=True, q8=True)
    change = paired_quizzes.change_of(was, now, open_book)
    assert (change.n, change.right_before, change.right_after) == (4, 2, 3)
    assert (change.newly_right, change.newly_wrong, change.still_wrong) == (
        (1,),
        (),
        (2,),
    )
    assert (change.n_open, change.open_book, change.gap_closed) == (2, 1.0, 0.5)
    shares = change.shares()
    assert (shares.closed_book_before, shares.closed_book_after) == (0.5, 0.75)
    assert shares.low is not None
    assert shares.high is not None
    assert shares.low < 0.25 < shares.high
    assert shares.p == 1.0


def test_what_was_not_asked_has_no_shares():
    assert paired_quizzes.change_of({}, {}).shares() == paired_quizzes.QuizShares()
    change = paired_quizzes.change_of(results(q1=True), results(q1=True))
    assert (change.open_book, change.gap_closed) == (None, None)
    assert (
        paired_quizzes.change_of(
            results(q1=True), results(q1=True), results("open_book", q1=True)
        ).gap_closed
        is None
    )
