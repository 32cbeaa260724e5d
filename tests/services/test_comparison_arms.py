"""The arms of a comparison: what they learn, and what its report says of them."""

from dataclasses import replace

import pytest

from autolearn.core.errors import JobError
from autolearn.core.experiments import ARMS
from autolearn.core.records import Decision, Question
from autolearn.core.run_results import RunResult
from autolearn.core.run_settings import StudyRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.rounds.sources import collect
from autolearn.services.experiments import reports, schedule
from autolearn.services.experiments.comparison_tasks import STAGE_1_TO_2
from autolearn.store.samples import SampleFilter
from tests.support.experiments import (
    ONE_ARM,
    PretendWorker,
    begun,
    comparing,
    comparison_report,
    gold,
    orders,
    run_of,
)

MODEL = ModelSettings()


def test_every_trained_arm_takes_the_same_steps_and_items_a_step(library):
    experiment, run = begun(library, comparing(library))
    PretendWorker(library).end_all(run)
    whole = [o.train for o in orders(library, experiment, "train")]
    by_stage: dict[tuple[str, int], int] = {}
    for settings, state in zip(
        whole,
        [s for s in schedule.states(library, experiment) if run_of(s).kind == "train"],
        strict=True,
    ):
        key = state.name.split(" stage")[0].split(",")[0], settings.seed
        by_stage[key] = by_stage.get(key, 0) + settings.max_steps
    both_stages = [by_stage.pop(("train al12", seed)) for seed in (0, 1)]
    (steps,) = set(by_stage.values())
    assert all(steps < n <= steps + steps // STAGE_1_TO_2 for n in both_stages)
    assert orders(library, experiment, "train al1,") == orders(
        library, experiment, "al12 stage 1"
    )
    assert len({(s.batch_size, s.rank, s.replay_share) for s in whole}) == 1
    assert {s.stop_at for s in whole} == {0.0}


def test_arms_learn_what_they_are_to_learn(library):
    experiment, run = begun(library, comparing(library, seeds=(0,)))
    PretendWorker(library).end_all(run)
    samples = {s.id: s for s in library.samples.find(SampleFilter())}

    def learned(word):
        (order, *_) = orders(library, experiment, word)
        return order, [samples[i] for i in order.samples]

    first, second = (document.id for document in library.library.documents())
    passages = {p.id: p.document_id for p in library.library.passages()}
    order, rows = learned("sft")
    assert any("no_evidence" in s.flags for s in rows), "nothing is filtered"
    assert not order.train.only_gaps
    for word, document in (("train refined_sft", first), ("placebo", second)):
        _, rows = learned(word)
        assert rows
        assert not any("no_evidence" in s.flags for s in rows)
        assert {passages[s.passage_id] for s in rows} == {document}
    pairs, _ = learned("pairs")
    contents = collect(library, pairs).build()
    answers = {item.chat[-1].content: item.chosen for item in contents.items}
    assert answers == {f"person {i}?": f"{i} men" for i in range(3)}
    assert contents.leaked == 1
    cpt, _ = learned("cpt")
    assert cpt.documents == (first,)
    stage_2 = orders(library, experiment, "train al12, seed")[0]
    stage_1 = orders(library, experiment, "al12 stage 1")[0]
    assert stage_2.train.method == "al2"
    assert stage_2.parent is not None
    assert set(stage_2.samples).isdisjoint(stage_1.samples)


def test_instructions_are_studied_and_learned_if_asked(library):
    asks = [Question(f"What is {i} + 3?", "study", "person") for i in (1, 2)]
    library.library.add_questions(asks)
    arms = ("cpt", "sft", "al1", "refined_sft")
    settings = comparing(library, seeds=(0,), arms=arms, instructions=True)
    experiment, run = begun(library, settings)
    PretendWorker(library).end_all(run)

    def asked(word):
        (order,) = orders(library, experiment, word)
        items = collect(library, order).build().items
        return {item.chat[-1].content for item in items if item.chat}

    study = library.runs.last("study")
    assert study
    assert StudyRunSettings.of(study).instructions
    problems = {"What is 1 + 3?", "What is 2 + 3?"}
    learned = {arm: len(problems & asked(f"train {arm},")) for arm in arms}
    assert learned == {"cpt": 0, "sft": 2, "al1": 0, "refined_sft": 1}


def test_instructions_that_are_to_be_learned_must_be_there(library):
    settings = comparing(library, instructions=True)
    with pytest.raises(JobError, match="instruction"):
        begun(library, settings)


class StudentWithoutGaps(PretendWorker):
    """Its rounds leave no sample that could be learned."""

    def _study(self, run):
        if StudyRunSettings.of(run).model.round_id is None:
            return super()._study(run)
        return RunResult()


def test_stage_1_stands_for_both_where_it_leaves_nothing_to_prefer(library):
    settings = comparing(library, seeds=(0,), arms=("base", "al1", "al12"))
    experiment, run = begun(library, settings)
    StudentWithoutGaps(library).end_all(run)
    by_name = {s.name: run_of(s) for s in schedule.states(library, experiment)}
    assert by_name["train al12, seed 0"].id == by_name["train al1, seed 0"].id
    assert by_name["quiz al12, seed 0"].id == by_name["quiz al1, seed 0"].id
    _, al1, al12 = comparison_report(library, experiment).result.arms
    assert al12.cost.steps == al1.cost.steps == 5


class UnevenTrainer(PretendWorker):
    """Its second seed takes two more steps, as stage 2 may."""

    def _train(self, run):
        seed = TrainRunSettings.of(run).train.seed
        return replace(super()._train(run), steps=5 + 2 * seed)


def test_the_steps_of_an_arm_are_a_mean_over_its_seeds(library):
    """They were those of the first seed, beside the mean minutes and tokens."""
    experiment, run = begun(library, comparing(library, arms=("refined_sft",)))
    UnevenTrainer(library).end_all(run)
    (arm,) = comparison_report(library, experiment).result.arms
    assert arm.cost.steps == 6


def test_an_experiment_decides_nothing_and_respects_what_was_rejected(library):
    _, run = begun(library, comparing(library, seeds=(0,), arms=("refined_sft",)))
    worker = PretendWorker(library)
    run = worker.end(run)
    sound = [s for s in library.samples.find(SampleFilter()) if not s.flags]
    library.decisions.decide([Decision(s.id, "reject", "person") for s in sound])
    with pytest.raises(JobError, match="approves no sample"):
        worker.end(run)
    assert library.samples.counts()["approved"] == 0


def test_a_round_of_the_model_studies_and_is_continued_by_all_arms(library):
    _, run = begun(library, comparing(library, arms=("al1",), seeds=(0,)))
    PretendWorker(library).end_all(run)
    (first,) = library.rounds.all()
    model = replace(MODEL, round_id=first.id)
    settings = comparing(library, model=model, seeds=(0,))
    experiment, run = begun(library, settings)
    PretendWorker(library).end_all(run)
    by_name = {s.name: run_of(s) for s in schedule.states(library, experiment)}
    assert StudyRunSettings.of(by_name["study"]).model == model
    parents = {
        name: TrainRunSettings.of(run).parent
        for name, run in by_name.items()
        if run.kind == "train"
    }
    second_stage = parents.pop("train al12, seed 0")
    assert len(parents) == 7
    assert set(parents.values()) == {first.id}
    assert library.rounds.get(second_stage).parent_id == first.id
    report = comparison_report(library, experiment)
    assert f"after round {first.id}" in reports.fragment(report)


def test_the_intervals_of_one_seed_are_not_said_to_cover_others(library):
    experiment, run = begun(library, comparing(library, **ONE_ARM))
    PretendWorker(library).end_all(run)
    text = reports.fragment(comparison_report(library, experiment))
    assert "another seed may give another result" in text
    assert "and other seeds" not in text


def test_a_report_names_the_claims_with_their_numbers_and_escapes_texts(
    library, tmp_path
):
    passage = library.library.passages()[0].id
    library.library.add_questions([gold("<script>alert(1)</script>?", "quiz", passage)])
    experiment, run = begun(library, comparing(library))
    PretendWorker(library, lambda round_id, _: round_id is not None).end_all(run)
    report = reports.report(library, experiment.id)
    values = reports.values(report)
    claims = " ".join(values["claims"])
    assert "Autonomous Learning beats retrieval” holds here" in claims
    assert "+100.0 points" in claims
    assert "beats continued pre-training” is not decided here" in claims
    reports.write_html(report, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http" not in page.replace('xmlns="http', "")
    reports.write_csv(report, tmp_path / "r.csv")
    lines = (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(ARMS)
