"""Comparisons and evolutions: their runs, in order, each once, and what they show."""

from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.experiments import ARMS, CompareSettings, EvolveSettings
from autolearn.core.gold import Corpus, GoldExample
from autolearn.core.records import Decision, Question
from autolearn.core.run_results import RunResult
from autolearn.core.run_settings import StudyRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.rounds.sources import collect
from autolearn.runs import queues
from autolearn.services.experiments import (
    comparison_tasks,
    evolution_tasks,
    report_files,
    reports,
    schedule,
)
from autolearn.services.experiments.comparison_tasks import STAGE_1_TO_2
from autolearn.store.samples import SampleFilter
from tests.support.experiments import (
    PretendWorker,
    comparison_report,
    evolution_report,
    run_of,
)
from tests.support.texts import put_text

MODEL = ModelSettings()
ONE_ARM = {"seeds": (0,), "arms": ("refined_sft",)}


@pytest.fixture
def library(store):
    """Two documents of one passage each, eight quiz questions, four of control."""
    for name in ("a.md", "b.md"):
        put_text(store, name, f"{name} was founded in 1711.")
    passage = store.library.passages()[0].id
    quiz = [gold(f"quiz {i}?", "quiz", passage) for i in range(8)]
    control = [gold(f"control {i}?", "control") for i in range(4)]
    store.library.add_questions([*quiz, *control])
    pairs = [GoldExample("", f"person {i}?", f"{i} men") for i in range(3)]
    pair = GoldExample("", "quiz 0?", "7")
    corpus = Corpus("people.json", "digest", "pairs", n_examples=4)
    store.corpora.add(corpus, [*pairs, pair])
    return store


def gold(text, split="quiz", passage_id=None):
    return Question(text, split, "gold", passage_id, gold_answer="7", gold_value="7")


def comparing(store, **changes):
    first, second = (document.id for document in store.library.documents())
    return CompareSettings(
        **{
            "model": MODEL,
            "study": StudySettings(quiz_share=0.0),
            "train": TrainSettings(),
            "documents": (first,),
            "placebo": (second,),
            "arms": tuple(ARMS),
            "seeds": (0, 1),
            "corpora": tuple(corpus.id for corpus in store.corpora.all()),
            **changes,
        }
    )


def begun(store, settings):
    experiment = comparison_tasks.begin(store, settings)
    return experiment, schedule.advance(store, experiment.id)


def names(store, experiment):
    return [s.name for s in schedule.states(store, experiment) if s.run]


def orders(store, experiment, word):
    """The settings of the trainings whose task has a word in its name."""
    return [
        TrainRunSettings.of(run_of(state))
        for state in schedule.states(store, experiment)
        if word in state.name and run_of(state).kind == "train"
    ]


def test_all_arms_are_trained_and_measured_one_after_the_other(library):
    experiment, run = begun(library, comparing(library))
    worker = PretendWorker(library)
    worker.end_all(run)
    states = schedule.states(library, experiment)
    assert all(run_of(state).state == "done" for state in states)
    assert len(states) == 3 + 2 * (6 * 2 + 4)
    assert len(worker.done) == len({run_of(state).id for state in states})
    report = comparison_report(library, experiment)
    assert [arm.arm for arm in report.result.arms] == list(ARMS)
    trained_arms = [arm for arm in report.result.arms if arm.cost.steps]
    assert all(arm.n_seeds == 2 for arm in trained_arms)


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


def test_an_experiment_decides_nothing_and_respects_what_was_rejected(library):
    _, run = begun(library, comparing(library, seeds=(0,), arms=("refined_sft",)))
    worker = PretendWorker(library)
    run = worker.end(run)
    sound = [s for s in library.samples.find(SampleFilter()) if not s.flags]
    library.decisions.decide([Decision(s.id, "reject", "person") for s in sound])
    with pytest.raises(InputError, match="approves no sample"):
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
    assert f"after round {first.id}" in report_files.fragment(report)


def test_what_was_done_before_is_not_done_again(library):
    settings = comparing(library, arms=("refined_sft", "al1"), seeds=(0,))
    _, run = begun(library, settings)
    worker = PretendWorker(library)
    worker.end_all(run)
    n_runs = len(worker.done)
    again, run = begun(library, settings)
    assert run is None
    assert len(library.runs.newest()) == n_runs
    assert all(s.reused for s in schedule.states(library, again))
    more, run = begun(library, replace(settings, arms=("refined_sft", "cpt")))
    worker.end_all(run)
    kinds = [library.runs.get(i).kind for i in worker.done[n_runs:]]
    assert kinds == ["train", "quiz"]
    assert comparison_report(library, more).result.n_quiz == 8


def test_two_experiments_share_a_run_that_is_still_to_come(library):
    settings = comparing(library, **ONE_ARM)
    first, run = begun(library, settings)
    second, common_runs = begun(library, settings)
    assert common_runs.id == run.id
    worker = PretendWorker(library)
    worker.end_all(run)
    for experiment in (first, second):
        states = schedule.states(library, experiment)
        assert all(run_of(state).state == "done" for state in states)
    assert len(worker.done) == 4


def test_a_round_whose_adapter_is_gone_is_trained_again(library):
    settings = comparing(library, arms=("refined_sft",), seeds=(0,))
    _, run = begun(library, settings)
    PretendWorker(library).end_all(run)
    (round_,) = library.rounds.all()
    (library.folder / round_.adapter).rmdir()
    _, run = begun(library, settings)
    assert run.kind == "train"


def test_a_quiz_with_new_questions_is_asked_again(library):
    settings = comparing(library, arms=("refined_sft",), seeds=(0,))
    _, run = begun(library, settings)
    PretendWorker(library).end_all(run)
    library.library.add_questions([gold("New?")])
    _, run = begun(library, settings)
    assert run.kind == "quiz"


def test_an_experiment_goes_on_where_a_run_was_killed(library):
    experiment, run = begun(
        library, comparing(library, seeds=(0,), arms=("refined_sft",))
    )
    worker = PretendWorker(library)
    run = worker.end(run)
    library.runs.finish(run.id, "interrupted", None, {})
    assert schedule.advance(library, experiment.id) is None
    next_run = schedule.resume(library, experiment.id)
    assert next_run.id == run.id
    assert next_run.state == "queued"
    worker.end_all(next_run)
    assert all(run_of(s).state == "done" for s in schedule.states(library, experiment))
    with pytest.raises(JobError, match="has ended"):
        schedule.resume(library, experiment.id)


def test_a_run_that_ends_without_its_follower_is_followed_on_resume(library):
    """As after a kill between the end of a run and the next."""
    experiment, run = begun(
        library, comparing(library, seeds=(0,), arms=("refined_sft",))
    )
    PretendWorker(library)._study(run)
    library.runs.finish(run.id, "done", None, {})
    assert schedule.resume(library, experiment.id).kind == "quiz"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (1, 1)}, "only once"),
        ({"arms": ("base",)}, "arm that trains"),
        ({"arms": ("refined_sft", "magic")}, "no arm 'magic'"),
        ({"placebo": ()}, "learns from other documents"),
        ({"corpora": ()}, "questions and answers by people"),
        ({"corpora": (99,)}, "no corpus 99"),
        ({"rule": "nice"}, "no rule 'nice'"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_queued(
    library, changes, told
):
    with pytest.raises(InputError, match=told):
        comparison_tasks.begin(library, comparing(library, **changes))
    assert not library.experiments.all()
    assert not library.runs.newest()


def test_without_a_quiz_nothing_is_queued_unless_the_study_makes_one(store):
    put_text(store, "a.md", "Avel was founded in 1711.")
    put_text(store, "b.md", "Brun was founded in 1712.")
    arms = tuple(arm for arm in ARMS if arm != "pairs")
    with pytest.raises(JobError, match="no quiz"):
        comparison_tasks.begin(store, comparing(store, arms=arms))
    assert not store.experiments.all()
    own = comparing(store, arms=arms, study=StudySettings(quiz_share=0.5))
    _, run = begun(store, own)
    worker = PretendWorker(store)
    run = worker.end(run)
    with pytest.raises(JobError, match="no quiz"):
        worker.end(run)


def test_a_report_names_the_claims_with_their_numbers_and_escapes_texts(
    library, tmp_path
):
    passage = library.library.passages()[0].id
    library.library.add_questions([gold("<script>alert(1)</script>?", "quiz", passage)])
    experiment, run = begun(library, comparing(library))
    PretendWorker(library, lambda round_id, _: round_id is not None).end_all(run)
    report = reports.report(library, experiment.id)
    values = report_files.values(report)
    claims = " ".join(values["claims"])
    assert "Autonomous Learning beats retrieval” holds here" in claims
    assert "+100.0 points" in claims
    assert "beats continued pre-training” is not decided here" in claims
    report_files.write_html(report, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http" not in page.replace('xmlns="http', "")
    report_files.write_csv(report, tmp_path / "r.csv")
    lines = (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(ARMS)


# --- evolution ------------------------------------------------------------------


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
    row = evolution_report(tasks, falls).rows[1]
    assert row.keeps is False
    assert row.change is not None
    assert row.change.value == -1.0


def test_an_evolution_needs_instructions_a_quiz_and_perhaps_a_corpus(store):
    with pytest.raises(JobError, match="no instructions"):
        evolution_tasks.begin(store, evolving())
    store.library.add_questions([Question("Add 1.", "study", "person")])
    with pytest.raises(JobError, match="no quiz"):
        evolution_tasks.begin(store, evolving())
    store.library.add_questions([gold("Q?")])
    with pytest.raises(JobError, match="corpus"):
        evolution_tasks.begin(store, evolving(meta=True))
    assert queues.recover(store) == ()


@pytest.mark.parametrize(
    "changes", [{"rounds": 0}, {"votes": 1}, {"margin": 2.0}, {"new_instructions": -1}]
)
def test_nonsense_is_refused(changes):
    with pytest.raises(InputError):
        evolving(**changes)
