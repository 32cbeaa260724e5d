"""Comparisons: their runs, in order, each once, and what they show."""

from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.experiments import ARMS
from autolearn.core.records import Decision
from autolearn.core.run_results import RunResult
from autolearn.core.run_settings import (
    PromptSettings,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.rounds.sources import collect
from autolearn.runs import model_references
from autolearn.services import prompt_editor, quiz_actions, reading_actions
from autolearn.services.experiments import (
    comparison_tasks,
    reports,
    schedule,
)
from autolearn.services.experiments.comparison_tasks import STAGE_1_TO_2
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts
from tests.support import statements
from tests.support.experiments import (
    ONE_ARM,
    PretendWorker,
    begun,
    comparing,
    comparison_report,
    gold,
    names,
    orders,
    run_of,
)
from tests.support.texts import put_text

MODEL = ModelSettings()


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


def test_a_report_stays_as_it_is_when_a_document_is_deleted(library):
    experiment, run = begun(library, comparing(library, **ONE_ARM))
    PretendWorker(library).end_all(run)
    before = reports.values(comparison_report(library, experiment))
    for document in library.library.documents():
        reading_actions.remove(library, document.id)
    assert reports.values(comparison_report(library, experiment)) == before


def test_a_comparison_asks_the_same_questions_after_its_document_was_deleted(library):
    settings = comparing(library, arms=("base", "refined_sft"))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while run.kind != "train":
        run = worker.end(run)
    for document in library.library.documents():
        reading_actions.remove(library, document.id)
    worker.end_all(run)
    states = schedule.states(library, experiment)
    assert all(run_of(state).state == "done" for state in states)
    result = comparison_report(library, experiment).result
    assert (result.n_quiz, result.n_control) == (8, 4)


def test_the_runs_of_all_tasks_are_read_at_once(library):
    """The list of experiments is drawn again whenever a run reports something."""
    experiment, run = begun(library, comparing(library))
    PretendWorker(library).end_all(run)
    taken = statements.taken_by(library, lambda: schedule.states(library, experiment))
    assert sum("SELECT * FROM runs" in statement for statement in taken) == 1


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


@pytest.fixture
def prompt_folder(library):
    prompts.use(library.folder / prompts.FOLDER)
    yield library.folder
    prompts.use(None)


def test_prompts_that_are_changed_meanwhile_change_no_arm(library, prompt_folder):
    """Rounds were asked by another prompt than the base model."""
    experiment, run = begun(library, comparing(library, **ONE_ARM))
    worker = PretendWorker(library)
    run = worker.end(run)
    text = prompts.default_text("closed_book").replace("one full sentence", "one word")
    assert prompt_editor.save(prompt_folder, "closed_book", text).is_changed
    worker.end_all(run)
    runs = [run_of(state) for state in schedule.states(library, experiment)]
    first, *others = [PromptSettings.of(run).prompts for run in runs]
    assert others == [first] * 3


def edited(store):
    """Give a sound sample another answer; return the decision."""
    sample = next(s for s in store.samples.find(SampleFilter()) if not s.flags)
    edit = Decision(sample.id, "edit", "person", after={"chosen": "Another answer."})
    (decision,) = store.decisions.decide([edit])
    return decision


def test_an_arm_does_not_learn_samples_that_were_edited_after_the_first_one(library):
    """Arms and seeds were compared that had learned other answers."""
    settings = comparing(library, arms=("refined_sft",), seeds=(0, 1))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while run.kind != "train":
        run = worker.end(run)
    quiz = worker.end(run)
    decision = edited(library)
    with pytest.raises(JobError, match="Change them back and continue"):
        worker.end(quiz)
    library.decisions.undo_batch(decision.id)
    worker.end_all(schedule.resume(library, experiment.id))
    states = schedule.states(library, experiment)
    assert all(run_of(state).state == "done" for state in states)


def test_an_edited_sample_is_noticed_after_an_arm_that_reads_passages(library):
    """Only the first arm was asked, and passages do not show an edited answer."""
    settings = comparing(library, arms=("cpt", "al1"), seeds=(0, 1))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while names(library, experiment)[-1] != "quiz al1, seed 0":
        run = worker.end(run)
    edited(library)
    with pytest.raises(JobError, match="Change them back and continue"):
        worker.end(run)


def test_seeds_that_have_learned_different_items_are_not_measured_as_one_arm(library):
    """A training that waited, or was resumed, learned what was edited meanwhile."""
    settings = comparing(library, arms=("refined_sft",), seeds=(0, 1))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while names(library, experiment)[-1] != "train refined_sft, seed 1":
        run = worker.end(run)
    edited(library)
    with pytest.raises(JobError, match="refined_sft have learned different items"):
        worker.end(run)


def test_an_experiment_does_not_mix_two_versions_of_a_model(library, monkeypatch):
    """Arms after a change of its files were compared with the base before it."""
    _, run = begun(library, comparing(library, **ONE_ARM))
    monkeypatch.setattr(model_references, "digest", lambda store, model: "other files")
    with pytest.raises(JobError, match="changed since this experiment began"):
        PretendWorker(library).end(run)


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


def test_an_experiment_that_cannot_continue_leaves_the_others_alone(library):
    """It kept those with a higher id from continuing, and was called a whole round."""
    stuck, run = begun(library, comparing(library, **ONE_ARM))
    other, _ = begun(library, comparing(library, seeds=(0,), arms=("sft",), steps=5))
    worker = PretendWorker(library)
    quiz = worker.end(run)
    sound = [s for s in library.samples.find(SampleFilter()) if not s.flags]
    library.decisions.decide([Decision(s.id, "reject", "person") for s in sound])
    with pytest.raises(JobError) as refusal:
        worker.end(quiz)
    text = str(refusal.value)
    assert text.startswith(f"Experiment {stuck.id} cannot continue: The rule 'default'")
    assert "whole round" not in text
    assert names(library, other)[-1] == "train sft, seed 0"


def test_a_round_whose_adapter_is_gone_is_trained_again(library):
    settings = comparing(library, arms=("refined_sft",), seeds=(0,))
    _, run = begun(library, settings)
    PretendWorker(library).end_all(run)
    (round_,) = library.rounds.all()
    (library.folder / round_.adapter).rmdir()
    _, run = begun(library, settings)
    assert run.kind == "train"
    _, shared = begun(library, settings)
    assert shared.id == run.id, "one training of two experiments"


def test_a_quiz_with_new_questions_is_asked_again(library):
    settings = comparing(library, arms=("refined_sft",), seeds=(0,))
    _, run = begun(library, settings)
    PretendWorker(library).end_all(run)
    library.library.add_questions([gold("New?")])
    _, run = begun(library, settings)
    assert run.kind == "quiz"


def test_an_experiment_continues_where_a_run_was_killed(library):
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


def test_the_intervals_of_one_seed_are_not_said_to_cover_others(library):
    experiment, run = begun(library, comparing(library, **ONE_ARM))
    PretendWorker(library).end_all(run)
    text = reports.fragment(comparison_report(library, experiment))
    assert "another seed may give another result" in text
    assert "and other seeds" not in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (1, 1)}, "only once"),
        ({"arms": ("base",)}, "arm that trains"),
        ({"arms": ("cpt", "cpt")}, "each arm only once"),
        ({"arms": ("refined_sft", "magic")}, "no arm 'magic'"),
        ({"placebo": ()}, "learns from other documents"),
        ({"corpora": ()}, "questions and answers by people"),
        ({"corpora": (99,)}, "no corpus 99"),
        ({"rule": "nice"}, "no rule 'nice'"),
        ({"steps": -5}, "steps must be from 0"),
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


def test_a_locked_quiz_on_other_texts_is_refused_before_the_study(store):
    """The study, which adds nothing to a locked quiz, was done in vain."""
    for name in ("a.md", "b.md"):
        put_text(store, name, f"{name} was founded in 1711.")
    settings = comparing(store, study=StudySettings(quiz_share=0.5), **ONE_ARM)
    other = store.library.passages(settings.placebo)[0]
    store.library.add_questions([gold("Other?", "quiz", other.id)])
    quiz_actions.set_locked(store, locked=True)
    with pytest.raises(JobError, match="locked and asks nothing about"):
        comparison_tasks.begin(store, settings)
    quiz_actions.set_locked(store, locked=False)
    assert comparison_tasks.begin(store, settings)


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
