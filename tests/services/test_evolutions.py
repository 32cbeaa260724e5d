"""Evolutions: their rounds, what each learns, and where they end."""

import csv
from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.experiments import EvolveSettings
from autolearn.core.flags import Flag
from autolearn.core.records import Answer, Decision, Feedback, Question, Sample
from autolearn.core.run_settings import StudyRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import worker_locks
from autolearn.services import quiz_actions
from autolearn.services.experiments import evolution_tasks, reports, schedule
from autolearn.store import QuestionFilter
from autolearn.training import presets
from autolearn.ui.views import experiments as views
from tests.support import statements
from tests.support.experiments import (
    PretendWorker,
    evolution_report,
    gold,
    knows,
    names,
    orders,
    run_of,
)

MODEL = ModelSettings()


@pytest.fixture
def tasks(library):
    """Six instructions with known answers, of which the model has half right."""
    library.library.add_questions(
        [
            Question(f"Add {i}.", "study", "person", gold_answer="7" if i % 2 else "8")
            for i in range(6)
        ]
    )
    return library


def evolving(**changes):
    settings = EvolveSettings(MODEL, StudySettings(), TrainSettings(), rounds=2)
    return replace(settings, **changes)


def evolved(store, settings, right=None):
    experiment = evolution_tasks.begin(store, settings)
    worker = PretendWorker(store, right) if right else PretendWorker(store)
    worker.end_all(schedule.advance(store, experiment.id))
    return experiment


def test_rounds_answer_new_instructions_and_learn_what_passes(tasks):
    experiment = evolved(tasks, evolving())
    studies = [
        StudyRunSettings.of(run_of(s))
        for s in schedule.states(tasks, experiment)
        if run_of(s).kind == "study"
    ]
    assert [s.new_instructions for s in studies] == [None, 6]
    assert all(s.documents == () for s in studies)
    first, second = orders(tasks, experiment, "train")
    assert len(first.samples) == 3, "only answers that pass the own check"
    assert set(first.samples) < set(second.samples), "restart learns all so far"
    assert first.parent is None
    assert second.parent is None
    report = evolution_report(tasks, experiment)
    assert [row.number for row in report.rows] == [0, 1, 2]
    assert set(report.modes) == {"closed_book", "refined", "consistent"}
    filter_row = report.rows[1].filter
    assert filter_row is not None
    assert (filter_row.n, filter_row.n_kept, filter_row.n_with_gold) == (6, 3, 6)
    assert filter_row.right_before == 0.5
    assert filter_row.right_kept == 0.0


@pytest.mark.parametrize("way", ["continual", "continual-new"])
def test_continual_rounds_begin_from_the_round_before(tasks, way):
    experiment = evolved(tasks, evolving(evolution=way))
    first, second = orders(tasks, experiment, "train")
    assert first.parent is None
    assert second.parent == tasks.rounds.all()[0].id
    is_new = set(first.samples).isdisjoint(second.samples)
    assert is_new == (way == "continual-new")


def test_the_gate_can_end_an_evolution(tasks):
    falls = evolved(
        tasks, evolving(stop_early=True, rounds=3), lambda round_id, _: round_id is None
    )
    assert names(tasks, falls)[-1] == evolution_tasks.quiz_task(1)
    report = evolution_report(tasks, falls)
    row = report.rows[1]
    assert row.keeps is False
    assert row.change is not None
    assert row.change.value == -1.0
    assert report.sentence.endswith("The gate ended it after round 1.")
    assert "ended by the gate" in views.table(tasks), "it cannot be continued"


def test_an_evolution_that_is_stopped_otherwise_was_not_ended_by_the_gate(tasks):
    """Nor was one whose last round is not to be kept."""
    settings = evolving(stop_early=True, rounds=1)
    whole = evolved(tasks, settings, lambda round_id, _: round_id is None)
    assert "gate ended" not in evolution_report(tasks, whole).sentence
    experiment = evolution_tasks.begin(tasks, evolving(stop_early=True, rounds=3))
    assert "gate ended" not in evolution_report(tasks, experiment).sentence
    assert "stopped" in views.table(tasks)
    assert "ended by the gate" not in views.table(tasks)


def base_only(round_id, question_id):
    """Which questions a model answers: the base all, each round none."""
    return round_id is None


@pytest.mark.parametrize(
    ("stop_early", "right", "last"),
    [(True, base_only, 1), (True, knows, 2), (False, knows, 3)],
)
def test_the_list_tells_what_ended_an_evolution_as_its_report_does(
    tasks, stop_early, right, last
):
    """It computed the reports of all evolutions that had stopped."""
    experiment = evolved(tasks, evolving(stop_early=stop_early, rounds=3), right)
    report = evolution_report(tasks, experiment)
    assert report.rows[-1].number == last
    assert report.rows[-1].keeps is False
    assert report.ended_by_gate == stop_early
    shown: list[str] = []
    taken = statements.taken_by(tasks, lambda: shown.append(views.table(tasks)))
    assert ("ended by the gate" in shown[0]) == stop_early
    assert not any("FROM samples" in statement for statement in taken)


def test_an_evolution_that_continues_was_not_ended_by_the_gate(tasks):
    """It was said to be, once an answer was accepted that made the round no better."""
    experiment = evolution_tasks.begin(tasks, evolving(stop_early=True))
    worker, run = PretendWorker(tasks), schedule.advance(tasks, experiment.id)
    while names(tasks, experiment)[-1] != evolution_tasks.study_task(2):
        run = worker.end(run)
    for question in tasks.library.questions(QuestionFilter(split="quiz")):
        quiz_actions.accept(tasks, question.id, "text")
    report = evolution_report(tasks, experiment)
    assert report.rows[-1].keeps is False
    assert not report.ended_by_gate


def test_an_evolution_needs_instructions_a_quiz_and_perhaps_a_corpus(store):
    with pytest.raises(JobError, match="no instructions"):
        evolution_tasks.begin(store, evolving())
    store.library.add_questions([Question("Add 1.", "study", "person")])
    with pytest.raises(JobError, match="no quiz"):
        evolution_tasks.begin(store, evolving())
    store.library.add_questions([gold("Q?")])
    with pytest.raises(JobError, match="corpus"):
        evolution_tasks.begin(store, evolving(meta=True))
    assert worker_locks.recover(store) == ()


@pytest.mark.parametrize(
    "changes", [{"rounds": 0}, {"votes": 1}, {"margin": 2.0}, {"new_instructions": -1}]
)
def test_nonsense_is_refused(changes):
    with pytest.raises(InputError):
        evolving(**changes)


def test_answers_that_were_cut_off_are_not_approved(store):
    run = store.runs.create("study", {})
    journal = store.journal(run.id)
    questions = journal.step(
        "q", lambda: [Question(t, "study", "person") for t in "ab"]
    )
    answers = journal.step(
        "a", lambda: [Answer(q.id, "closed_book", "Two.") for q in questions]
    )
    verdicts = journal.step(
        "f", lambda: [Feedback(a.id, "critique", "", "correct", 0.9) for a in answers]
    )
    flags: list[tuple[Flag, ...]] = [(), ("too_long",)]
    rows = list(zip(questions, verdicts, flags, strict=True))
    whole, _ = journal.step(
        "s",
        lambda: [
            Sample(q.id, q.text, "2", "2", False, 0, critique_id=f.id, flags=own)
            for q, f, own in rows
        ],
    )
    assert evolution_tasks.self_approved_samples(store, run.id) == [whole]


def test_the_numbers_of_each_round_are_in_the_csv(tasks, tmp_path):
    """Change, gate and agreement were on the page alone."""
    report = evolution_report(tasks, evolved(tasks, evolving(rounds=1)))
    reports.write_csv(report, tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["gate"] for row in rows if row["round"] == "0"} == {""}
    last, (_, shown) = rows[-1], report.rows
    assert shown.change is not None
    assert shown.filter is not None
    assert last["gate"] == "keep"
    assert float(last["change"]) == shown.change.value == 0.25
    assert float(last["agreement"]) == shown.filter.agreement


def test_a_report_stays_as_it_is_when_answers_are_rejected_later(tasks):
    """The filter seemed to have kept fewer answers than the rounds had learned."""
    experiment = evolved(tasks, evolving())
    before = reports.values(evolution_report(tasks, experiment))
    rejections = [Decision(s.id, "reject", "person") for s in tasks.samples.find()]
    tasks.decisions.decide(rejections)
    assert reports.values(evolution_report(tasks, experiment)) == before


def test_a_meta_skill_round_has_the_preset_for_meta_skills(tasks, monkeypatch):
    """It repeated a few items eight times, as a round that teaches facts does."""
    monkeypatch.setattr(
        presets,
        "preset_for",
        lambda model, method: "skills" if method == "meta" else "facts",
    )
    how = presets.preset_settings(MODEL, TrainSettings(seed=7))
    experiment = evolution_tasks.begin(tasks, evolving(meta=True, train=how))
    run = schedule.advance(tasks, experiment.id)
    assert run is not None
    train = TrainRunSettings.of(run).train
    assert (train.method, train.seed) == ("meta", 7)
    assert (train.epochs, train.meta_examples) == (1.0, 900)


def test_an_unclear_verdict_neither_agrees_with_gold_nor_disagrees(tasks):
    """On a right answer it counted as agreement."""
    experiment = evolved(tasks, evolving(rounds=1))
    last = max(sample.critique_id or 0 for sample in tasks.samples.find())
    tasks.db.write("UPDATE feedback SET verdict = 'unclear' WHERE id = ?", last)
    tasks.db.write("UPDATE samples SET gap = 0 WHERE critique_id = ?", last)
    filter_row = evolution_report(tasks, experiment).rows[1].filter
    assert filter_row is not None
    assert (filter_row.n_with_gold, filter_row.right_before) == (6, 0.5)
    assert filter_row.agreement == 0.0, "all clear verdicts are wrong"
