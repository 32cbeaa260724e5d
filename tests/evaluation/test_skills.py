"""The skill check: what is asked, how it is scored, what follows for a study."""

import re
from dataclasses import replace
from typing import Any

import pytest

from autolearn.core.ports import Cancelled
from autolearn.core.records import Run
from autolearn.core.run_kinds import stage_title
from autolearn.core.settings import StudySettings
from autolearn.evaluation import statistics
from autolearn.evaluation.skill_items import texts
from autolearn.evaluation.skill_report import (
    Guidance,
    RightCount,
    SkillReport,
    VerdictSkill,
    auc,
    best_threshold,
    guidance,
    is_unchecked,
    newest_guidance,
    rows,
)
from autolearn.evaluation.skills import check
from autolearn.study import prompts
from autolearn.study.generation import Generator
from autolearn.text import matching, self_containment, sentences
from tests.support.rounds import one_round
from tests.support.skill_models import at_chance, perfect, silent

SHARES = ("questions", "evidence", "verbatim", "open_book", "not_stated", "refinements")


def generator(backend, stop=lambda: False):
    return Generator(backend, StudySettings(), stop, lambda _: None)


def run_check(store, backend, n_texts=20):
    run = store.runs.create("skills", {})
    calls = []
    report = check(
        generator(backend),
        store.journal(run.id),
        lambda *progress: calls.append(progress),
        texts()[:n_texts],
    )
    return report, calls


def make_report(**values):
    half = RightCount(9, 10)
    verdicts = VerdictSkill(0.9, 60, 60, 0.62, RightCount(110, 120))
    shares: dict[str, Any] = dict.fromkeys(SHARES, half)
    about = ("a model", "digest", "nf4", "guided", None)
    return replace(SkillReport(*about, **shares, verdicts=verdicts), **values)


# --- the items ----------------------------------------------------------------


def test_there_are_sixty_items_half_of_them_as_in_a_newspaper():
    styles = [text.style for text in texts()]
    assert (styles.count("plain"), styles.count("news")) == (10, 10)
    assert [item.number for t in texts() for item in t.items] == list(range(60))


@pytest.mark.parametrize("text", texts(), ids=lambda text: text.title)
def test_an_item_is_answered_by_its_sentence_alone(text):
    assert [s.text for s in sentences.of(text.passage.text)] == list(text.sentences)
    assert len(text.items) == 3
    for item in text.items:
        telling = [s for s in text.sentences if matching.contains(s, item.value)]
        assert telling == [item.sentence]
        assert matching.contains(item.answer, item.value)
        assert not matching.contains(item.wrong, item.value)
        assert not matching.contains(item.question, item.value)
        source = f"{text.title}\n\n{text.passage.text}"
        assert self_containment.stands_alone(item.question, source)


def test_no_name_of_an_item_occurs_in_a_worked_example():
    examples = " ".join(
        turn.content
        for name in prompts.names()
        for turns in prompts.load(name).examples.values()
        for turn in turns
    )
    assert "Laroche" in examples
    for text in texts():
        for word in re.findall(r"(?<=[a-z,] )[A-Z]\w{4,}", text.passage.text):
            if word not in ("Monday", "Tuesday", "March"):
                assert word not in examples


# --- figures ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.7], 1.0),
        ([0.1, 0.2], [0.3], 0.0),
        ([0.5, 0.5, 0.5], [0.5, 0.5], 0.5),
        ([0.9, 0.5, 0.3], [0.5, 0.1], 0.75),
        ([0.9, 0.2], [0.5, 0.5, 0.2], 3.5 / 6),
    ],
)
def test_auc_is_the_share_of_pairs_in_the_right_order(right, wrong, expected):
    assert auc(right, wrong) == pytest.approx(expected)


def test_an_auc_without_any_error_is_not_certain():
    """It was 1.00 (1.00 to 1.00), however few answers were compared."""
    low, high = statistics.auc(1.0, 20, 20)
    assert (low, high) == pytest.approx((0.899, 1.0), abs=2e-3)
    assert statistics.auc(0.0, 20, 20) == pytest.approx((0.0, 1 - low))
    assert statistics.auc(1.0, 1, 1)[0] == pytest.approx(statistics.wilson(1, 1)[0])
    assert statistics.auc(1.0, 5, 5)[0] < low < statistics.auc(1.0, 80, 80)[0]
    low, high = statistics.auc(0.8, 30, 50)
    assert 0.6 < low < 0.75 < 0.85 < high < 0.95


def test_auc_of_nothing_is_chance():
    assert auc([], [0.3]) == auc([0.3], []) == 0.5


@pytest.mark.parametrize(
    ("right", "wrong", "threshold", "n_right"),
    [
        ([0.4, 0.3], [0.1, 0.2], 0.25, 4),
        ([0.9], [0.1], 0.5, 2),
        ([0.5, 0.5], [0.5, 0.5], 0.5, 2),
        ([0.9, 0.8, 0.2], [0.85, 0.1], 0.5, 4 - 1),
        ([], [], 0.5, 0),
    ],
)
def test_the_best_threshold_is_where_most_verdicts_are_right(
    right, wrong, threshold, n_right
):
    best, accuracy = best_threshold(right, wrong)
    at = [p >= best for p in right] + [p < best for p in wrong]
    assert accuracy == RightCount(sum(at), len(at))
    assert accuracy.right >= n_right
    if len(right) != 3:
        assert best == pytest.approx(threshold)


def test_a_report_comes_back_from_its_values():
    report = make_report(round_id=3)
    assert SkillReport.from_dict(report.as_dict()) == report


def test_every_skill_is_shown_within_its_interval():
    skill_rows = rows(make_report())
    assert len(skill_rows) == 7
    assert all(row.interval[0] <= row.value <= row.interval[1] for row in skill_rows)
    assert [row.share_text for row in skill_rows if row.name == "verdicts"] == ["0.90"]


# --- the check ----------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["guided", "taught", "trained"])
def test_a_perfect_model_gets_full_scores(store, protocol):
    report, calls = run_check(store, perfect(protocol))
    for name in SHARES:
        share = getattr(report, name)
        assert (name, share.right) == (name, share.n)
        assert share.n >= 40
    assert report.verdicts.auc == 1.0
    assert report.verdicts.accuracy == RightCount(120, 120)
    assert report.verdicts.threshold == pytest.approx(0.25)
    assert report.protocol == protocol
    assert [n_done for _, n_done, _ in calls] == sorted(
        n_done for _, n_done, _ in calls
    )
    n_done, total = calls[-1][1:]
    assert n_done == total
    # At half of the check they began again, and nothing said why.
    titles = {stage_title(Run("skills", {}, stage=stage)) for stage, _, _ in calls}
    assert {f"asking questions, texts {n} of 20" for n in ("1 to 10", "11 to 20")} < (
        titles
    )


@pytest.mark.parametrize(
    ("protocol", "longest"), [("guided", "questions"), ("trained", "verdicts")]
)
def test_a_stage_counts_by_what_it_writes(store, protocol, longest):
    """All counted the same, and the time left was wrong by a factor of three."""
    _, calls = run_check(store, perfect(protocol), 4)
    counts: dict[str, list[int]] = {}
    for stage, n_done, _ in calls:
        counts.setdefault(stage, []).append(n_done)
    spans = {stage: values[-1] - values[0] for stage, values in counts.items()}
    assert max(spans, key=spans.__getitem__) == f"{longest}, texts 1 to 4 of 4"
    assert sum(spans.values()) == calls[-1][2]


@pytest.mark.parametrize("protocol", ["guided", "trained"])
def test_verdicts_at_chance_get_an_auc_of_one_half(store, protocol):
    report, _ = run_check(store, at_chance(protocol), 4)
    assert report.verdicts.auc == 0.5
    assert not report.verdicts.is_usable
    assert report.open_book.value == 1.0


@pytest.mark.parametrize("protocol", ["guided", "trained"])
def test_a_model_that_answers_nothing_scores_zero(store, protocol):
    report, _ = run_check(store, silent(protocol), 4)
    assert [getattr(report, name).right for name in SHARES] == [0] * 6
    assert [getattr(report, name).n > 0 for name in SHARES] == [True] * 6
    assert report.verdicts.auc == 0.5


def test_a_resumed_check_continues_from_the_last_step(store):
    run = store.runs.create("skills", {})
    backend = perfect()
    stages: list[str] = []

    def stop():
        return any(stage.startswith("verdicts") for stage in stages)

    with pytest.raises(Cancelled):
        check(
            generator(backend, stop),
            store.journal(run.id),
            lambda stage, n_done, total: stages.append(stage),
        )
    n_before = len(backend.history)
    assert n_before
    again = check(generator(backend), store.journal(run.id), lambda *_: None)
    whole = perfect()
    assert again == run_check(store, whole)[0]
    assert len(backend.history) == len(whole.history)


# --- what follows -------------------------------------------------------------


def verdicts(value):
    return VerdictSkill(value, 60, 60, 0.62, RightCount(80, 120))


def test_good_verdicts_count_from_their_threshold():
    guided_by = guidance(make_report())
    assert (guided_by.uses_verdicts, guided_by.verdict_threshold) == (True, 0.62)
    assert len(guided_by.advice) == 1
    assert "are used (AUC 0.90)" in guided_by.advice[0]


@pytest.mark.parametrize(("value", "word"), [(0.48, "chance"), (0.65, "unreliable")])
def test_verdicts_that_say_little_do_not_count(value, word):
    guided_by = guidance(make_report(verdicts=verdicts(value)))
    assert not guided_by.uses_verdicts
    assert guided_by.advice[0] == (
        f"The verdicts of this model are {word} (AUC {value:.2f}): gaps are decided by "
        "the words of the answers alone."
    )


def test_a_weak_skill_has_a_remedy():
    weak = guidance(make_report(**dict.fromkeys(SHARES, RightCount(2, 20))))
    assert weak.advice[1] == "It asks 10 % valid questions."
    # Once, though it is the remedy of two skills.
    remedies = [sentence for sentence in weak.advice if "Teach it" in sentence]
    assert remedies == [
        "Teach it the skills first (a meta-skill round; after such a round, another on "
        "a corpus closer to your texts), or choose a larger model."
    ]
    assert len(weak.advice) == 8


@pytest.mark.parametrize(
    ("skill", "right", "is_reliable"),
    [
        ("questions", 4, False),
        ("open_book", 11, False),
        ("questions", 18, True),
        ("refinements", 0, True),
    ],
)
def test_a_model_that_is_mostly_wrong_is_unreliable(skill, right, is_reliable):
    report = make_report(**{skill: RightCount(right, 40)})
    guided_by = guidance(report)
    assert guided_by.is_reliable is is_reliable
    assert any("approve none" in a for a in guided_by.advice) is not is_reliable


def test_an_empty_check_says_nothing_against_a_model():
    assert not RightCount(0, 0).is_mostly_wrong


def test_the_check_changes_no_study_of_a_trained_protocol():
    report = make_report(protocol="trained", verdicts=verdicts(0.5))
    guided_by = guidance(report)
    assert replace(guided_by, advice=()) == Guidance()
    assert "changes no study" in guided_by.advice[0]


def test_the_newest_report_on_the_same_weights_counts(store):
    for run_id, report in enumerate(
        (
            make_report(),
            make_report(verdicts=verdicts(0.5)),
            make_report(quantization="none"),
            make_report(protocol="taught"),
        ),
        1,
    ):
        assert store.runs.create("skills", {}).id == run_id
        store.skills.add(run_id, report.as_dict())
    check = store.skills.newest("digest", "nf4", None, "guided")
    assert SkillReport.from_dict(check) == make_report(verdicts=verdicts(0.5))
    assert store.skills.newest("digest", "nf4", None)["protocol"] == "taught"
    assert store.skills.newest("digest", "nf4", 1) is None
    assert store.skills.newest("other", "nf4", None) is None


def test_an_unchecked_round_is_as_reliable_as_what_it_continues(store):
    """A round of an unreliable model counted as reliable until it was checked."""

    def keep(right, **values):
        report = make_report(questions=RightCount(right, 40), **values)
        run_id = store.runs.create("skills", {}).id
        store.skills.add(run_id, report.as_dict())

    def of(round_id, protocol="taught"):
        return newest_guidance(store, "digest", "nf4", round_id, protocol)

    def unchecked(round_id):
        return is_unchecked(store, "digest", "nf4", round_id)

    taught = one_round(store, "meta", digest="digest")
    facts = store.rounds.create(replace(taught, method="al1", parent_id=taught.id), [])
    keep(4)
    assert of(taught.id) == of(facts.id) == Guidance(is_reliable=False)
    assert of(taught.id, None) == Guidance(is_reliable=False)
    assert of(taught.id, "trained") == Guidance()
    assert unchecked(taught.id)
    assert unchecked(facts.id)
    keep(36, round_id=taught.id, protocol="taught")
    assert of(taught.id).verdict_threshold == 0.62
    assert of(facts.id) == Guidance()
    assert not unchecked(taught.id)
    assert not unchecked(facts.id)
    assert not of(None, "guided").is_reliable
