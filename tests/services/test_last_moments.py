"""What happens while a run is ending counts for the run that follows on it."""

from argparse import Namespace

import pytest

from autolearn.cli import experiment_commands
from autolearn.core.errors import JobError
from autolearn.core.experiments import CompareSettings, Experiment
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import run_control, worker_processes
from autolearn.services import pipeline
from autolearn.services.experiments import comparison_tasks, schedule
from tests.support.experiments import PretendWorker, run_of
from tests.support.labs import work_here

MODEL = ModelSettings()


def compare(store):
    """Begin a comparison and return it."""
    document, _ = (document.id for document in store.library.documents())
    settings = CompareSettings(
        MODEL,
        StudySettings(quiz_share=0.0),
        TrainSettings(),
        (document,),
        arms=("refined_sft",),
        seeds=(0,),
    )
    experiment = comparison_tasks.begin(store, settings)
    schedule.advance(store, experiment.id)
    return experiment


def stop_at_end(store, run):
    """Return what a person does who stops this run when it has no step left."""

    def stop(ending):
        if ending.id == run.id:
            assert store.runs.request_cancel(run.id)

    return stop


def handlers(store, at_end=lambda run: None):
    """Return what does the runs; ``at_end`` is called when they have no step left."""
    pretended = PretendWorker(store)

    def do(context):
        result = pretended.do(context.run)
        at_end(context.run)
        return result

    return dict.fromkeys(("study", "quiz", "train"), do)


@pytest.mark.parametrize("begin", [compare, lambda store: pipeline.begin(store, MODEL)])
def test_a_stop_in_the_last_moment_of_a_run_stops_what_follows(library, begin):
    """The chain went on, because the run had read the flag for the last time."""
    begin(library)
    (study,) = library.runs.in_state("queued")
    stop = stop_at_end(library, study)
    study = work_here(library, study, lambda: handlers(library, stop))
    following = library.runs.get(study.id + 1)
    assert (study.state, following.state) == ("done", "cancelled")
    run_control.resume(library, following.id)
    work_here(library, following, lambda: handlers(library))
    assert {run.state for run in library.runs.newest()} == {"done"}
    assert len(library.runs.newest()) == 4


def test_a_command_ends_with_the_experiment_that_was_stopped(library, monkeypatch):
    """It resumed at once what the stop had cancelled."""
    experiment = compare(library)
    (study,) = library.runs.in_state("queued")
    stop = stop_at_end(library, study)

    def work(store, run):
        work_here(store, run, lambda: handlers(store, stop))

    monkeypatch.setattr(worker_processes, "start_worker_for", work)
    args = Namespace(json=True, html=None, csv=None)
    with pytest.raises(JobError, match="cancelled; it can be resumed"):
        experiment_commands._wait_for_result(library, experiment, args)
    assert library.runs.get(study.id + 1).state == "cancelled"


def test_an_experiment_that_begins_to_wait_for_a_run_as_it_ends_continues(
    library, monkeypatch
):
    """It waited forever, because what follows had been queued already."""
    compare(library)
    (study,) = library.runs.in_state("queued")
    queue_next = pipeline.queue_next
    late: list[Experiment] = []

    def then_begin(store, run, result):
        queue_next(store, run, result)
        if not late:
            late.append(compare(library))

    monkeypatch.setattr(pipeline, "queue_next", then_begin)
    work_here(library, study, lambda: handlers(library))
    states = schedule.states(library, late[0])
    assert len(states) == 4
    assert {run_of(state).state for state in states} == {"done"}
