"""Intervals and tests of shares."""

import pytest

from autolearn.evaluation import statistics


def test_intervals_are_those_of_the_textbook():
    low, high = statistics.wilson(20, 32)
    assert (round(low, 3), round(high, 3)) == (0.453, 0.771)
    assert statistics.wilson(0, 0) == (0.0, 1.0)
    assert statistics.wilson(10, 10)[1] == pytest.approx(1)
    assert statistics.mcnemar(0, 0) == 1.0
    assert statistics.mcnemar(7, 0) == 2 / 2**7
    assert statistics.mcnemar(3, 3) == 1.0
    low, high = statistics.paired(7, 0, 10)
    assert 0 < low < 0.7 < high <= 1.0


def test_fewer_changed_answers_than_the_least_never_tell_from_chance():
    least = statistics.LEAST_CHANGED
    assert statistics.mcnemar(least, 0) < 0.05 < statistics.mcnemar(least - 1, 0)
