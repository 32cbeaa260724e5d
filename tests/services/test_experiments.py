"""Comparisons: their runs, in order, each once, and what is refused."""

from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.experiments import ARMS
from autolearn.core.records import Decision
from autolearn.core.settings import StudySettings
from autolearn.services import quiz_actions
from autolearn.services.experiments import comparison_tasks, schedule
from autolearn.store.samples import SampleFilter
from tests.support import statements
from tests.support.experiments import (
    ONE_ARM,
    PretendWorker,
    begun,
    comparing,
    comparison_report,
    gold,
    names,
    run_of,
)
from tests.support.texts import put_text


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


def test_the_runs_of_all_tasks_are_read_at_once(library):
    """The list of experiments is drawn again whenever a run reports something."""
    experiment, run = begun(library, comparing(library))
    PretendWorker(library).end_all(run)
    taken = statements.taken_by(library, lambda: schedule.states(library, experiment))
    assert sum("SELECT * FROM runs" in statement for statement in taken) == 1


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
