"""Intervals and tests of arms, held against scipy."""

import numpy as np
import pytest
from scipy import stats

from autolearn.core.experiments import ARMS
from autolearn.evaluation import arm_statistics, resampling
from autolearn.evaluation.arm_statistics import ArmOutcome


def drawn(share, seeds=1, questions=80, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((seeds, questions)) < share).astype(float)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_interval_of_one_seed_is_the_percentile_bootstrap_of_scipy(share):
    outcomes = drawn(share, questions=200)
    reference = stats.bootstrap(
        (outcomes[0],), np.mean, n_resamples=9999, method="percentile", rng=1
    ).confidence_interval
    assert resampling.share(outcomes) == pytest.approx(tuple(reference), abs=0.012)


def test_an_interval_covers_the_truth_nineteen_times_in_twenty():
    rng = np.random.default_rng(5)
    n_covered = 0
    for i in range(200):
        skill = rng.beta(2, 2, 60)
        low, high = resampling.share((rng.random((3, 60)) < skill).astype(float), i)
        n_covered += low <= 0.5 <= high
    assert n_covered >= 0.9 * 200


@pytest.mark.parametrize("seeds", [1, 3])
def test_answers_that_are_all_alike_are_not_certain(seeds):
    """Their draws are all equal: 30 right answers were 100 % (100 % to 100 %)."""
    right, wrong = np.ones((seeds, 30)), np.zeros((seeds, 30))
    assert resampling.share(right) == pytest.approx((0.886, 1.0), abs=1e-3)
    assert resampling.share(wrong) == pytest.approx((0.0, 0.114), abs=1e-3)
    low, high = resampling.difference(right, wrong)
    assert 0.8 < low < high == 1.0
    low, high = resampling.difference(right, right)
    assert low == pytest.approx(-high)
    assert 0.03 < high < 0.1


def test_more_seeds_that_agree_do_not_widen_and_those_that_differ_do():
    one = drawn(0.5)
    same = resampling.share(np.repeat(one, 3, axis=0))
    spread = resampling.share(np.vstack([drawn(s) for s in (0.2, 0.5, 0.8)]))
    width = np.subtract(*resampling.share(one)[::-1])
    assert np.subtract(*same[::-1]) == pytest.approx(width, abs=0.02)
    assert np.subtract(*spread[::-1]) > 1.2 * width


@pytest.mark.parametrize(("n", "shift"), [(9, 0.3), (60, 0.15), (60, 0.0)])
def test_the_sign_flip_test_is_the_permutation_test_of_scipy(n, shift):
    a, b = drawn(0.4 + shift, 3, n, seed=1), drawn(0.4, 3, n, seed=2)
    reference = stats.permutation_test(
        (a.mean(axis=0), b.mean(axis=0)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        rng=1,
    ).pvalue
    assert resampling.sign_flip(a, b) == pytest.approx(reference, abs=0.02)


def test_with_one_seed_the_sign_flip_test_is_mcnemars_exact_test():
    a, b = np.zeros((1, 40)), np.zeros((1, 40))
    a[0, :9], b[0, 9:11] = 1, 1
    reference = stats.binomtest(2, 11).pvalue
    assert resampling.sign_flip(a, b) == pytest.approx(reference)
    assert resampling.sign_flip(a, a) == 1.0


def test_holm_raises_p_values_in_their_order():
    p_values = [0.01, 0.04, 0.03, 0.5]
    assert resampling.holm(p_values) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert resampling.holm([]) == []
    assert resampling.holm([0.9, 0.9]) == [1.0, 1.0]


def outcome(arm, right, n=50):
    return ArmOutcome(arm, [{i: i < right for i in range(n)}])


def test_a_claim_is_judged_by_its_interval_and_its_test():
    result = arm_statistics.compare(
        [outcome("cpt", 10), outcome("al12", 40), outcome("al1", 39)]
    )
    by_pair = {(c.contrast.arm, c.contrast.other): c for c in result.claims}
    assert by_pair["al12", "cpt"].outcome == "holds"
    assert "+60.0 points" in by_pair["al12", "cpt"].sentence
    assert by_pair["al12", "al1"].outcome == "open"
    assert len(result.contrasts) == 3


def test_a_claim_can_be_contradicted_whatever_the_order_of_the_arms():
    for order in (("retrieval", "al12"), ("al12", "retrieval")):
        right = {"retrieval": 45, "al12": 5}
        result = arm_statistics.compare([outcome(arm, right[arm]) for arm in order])
        (claim,) = result.claims
        assert claim.outcome == "contradicted"
        assert claim.contrast.change.value == pytest.approx(-0.8)


def test_a_claim_among_many_needs_more_than_its_own_interval():
    pair = [outcome("sft", 25), outcome("refined_sft", 31)]
    (alone,) = arm_statistics.compare(pair).claims
    assert alone.p == pytest.approx(2 / 2**6)
    assert alone.outcome == "holds"
    others = [outcome(arm, 25) for arm in ARMS if arm not in ("sft", "refined_sft")]
    claims = arm_statistics.compare([*pair, *others]).claims
    sources = [(c.contrast.arm, c.contrast.other) for c in claims]
    among_many = claims[sources.index(("refined_sft", "sft"))]
    assert among_many.contrast.change == alone.contrast.change
    assert among_many.p == pytest.approx(len(claims) * alone.p)
    assert among_many.outcome == "open"


def test_only_questions_that_all_arms_were_asked_count():
    first = ArmOutcome("cpt", [{1: True, 2: False, 3: True}])
    second = ArmOutcome("refined_sft", [{2: True, 3: True, 4: True}])
    result = arm_statistics.compare([first, second])
    assert result.questions == (2, 3)
    assert [arm.quiz.value for arm in result.arms] == [0.5, 1.0]
    assert (
        arm_statistics.compare([first, ArmOutcome("refined_sft", [{9: True}])]).n_quiz
        == 0
    )


def test_every_claim_is_about_arms_that_there_are():
    outcomes = [outcome(arm, 25) for arm in ARMS]
    assert len(arm_statistics.compare(outcomes).claims) == len(arm_statistics._CLAIMS)
