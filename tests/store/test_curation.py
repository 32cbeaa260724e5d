import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Sample
from autolearn.study import rules


def sample(*flags, gap=True, state="pending", id=1):
    return Sample(1, "Q?", "A.", "B.", gap, 0.9, flags=flags, state=state, id=id)


def accepted(name, *samples):
    return [d.sample_id for d in rules.approvals(rules.rule(name), samples)]


@pytest.mark.parametrize(
    "flag",
    [
        "no_evidence",
        "unanswerable",
        "not_self_contained",
        "check_failed",
        "no_refinement",
        "contradicts_open_book",
    ],
)
def test_the_default_rule_wants_a_sound_sample(flag):
    assert accepted("default", sample(flag), sample(id=2)) == [2]


def test_the_default_rule_wants_a_gap_and_all_pairs_does_not():
    no_gap = sample(gap=False)
    assert accepted("default", no_gap) == []
    assert accepted("all-pairs", no_gap) == [1]


def test_strict_refuses_what_is_disputed():
    assert accepted("strict", sample("disputed"), sample("same_fact", id=2)) == [2]


def test_open_book_does_without_the_second_check():
    assert accepted("open-book", sample("check_failed")) == [1]


def test_only_pending_samples_are_decided():
    assert accepted("default", sample(state="rejected"), sample(state="approved")) == []


def test_a_decision_names_its_rule():
    (decision,) = rules.approvals(rules.rule("default"), [sample()])
    assert decision.author == "rule:default"
    assert decision.action == "approve"


def test_an_unknown_rule_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="default"):
        rules.rule("magic")
