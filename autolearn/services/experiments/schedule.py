"""Queue the runs of an experiment, one after the other, and reuse earlier ones.

The tasks of an experiment follow from its settings. The next one is queued when a run
of it ends, as in a whole round, so it continues with every page closed; after a kill it
continues when the interrupted run is resumed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autolearn.core.errors import AutolearnError, JobError
from autolearn.core.experiments import Experiment
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_settings import ModelRunSettings, PromptSettings, RunSettings
from autolearn.runs import run_control
from autolearn.services.experiments import comparison_tasks, evolution_tasks, reuse
from autolearn.services.experiments.tasks import Task
from autolearn.store import Store
from autolearn.study import prompts

_TASKS: Mapping[str, Callable[[Store, Experiment], Sequence[Task]]] = {
    "compare": comparison_tasks.tasks,
    "evolve": evolution_tasks.tasks,
}


@dataclass(frozen=True)
class TaskState:
    """A task of an experiment and its run, if it has begun."""

    name: str
    run: Run | None
    reused: bool = False


def states(store: Store, experiment: Experiment) -> list[TaskState]:
    """Return the tasks of an experiment in order, with their runs."""
    links = {link.task: link for link in store.experiments.runs(experiment.id)}
    runs = store.runs.by_id(link.run_id for link in links.values())
    rows = []
    for task in _TASKS[experiment.kind](store, experiment):
        link = links.get(task.name)
        run = runs[link.run_id] if link else None
        rows.append(TaskState(task.name, run, link.reused if link else False))
    return rows


def n_done(tasks: Sequence[TaskState]) -> int:
    """Return how many tasks are done."""
    return sum(bool(task.run and task.run.state == "done") for task in tasks)


def advance(store: Store, experiment_id: int, run_id: int | None = None) -> Run | None:
    """Queue the next run of an experiment; None: it waits for one, or has ended.

    A task that another run has done, or will do, is not done again; see ``reuse``.
    ``run_id`` is the id of a run that is about to be marked as done.

    Raises:
        AutolearnError: The next run cannot begin; the experiment stays where it is.
    """
    experiment = store.experiments.get(experiment_id)
    finished_runs: dict[str, int] = {}
    links = _links(store, experiment_id)
    first = next((store.runs.get(number) for number in links.values()), None)
    # If prompts changed between tasks, arms and rounds could not be compared.
    with prompts.fixed(PromptSettings.of(first).changed_prompts if first else None):
        for task in _TASKS[experiment.kind](store, experiment):
            if task.name in links:
                run = store.runs.get(links[task.name])
                if run.state != "done" and run.id != run_id:
                    return None
            else:
                settings = task.make_settings(finished_runs)
                if settings is None:
                    return None
                _check_model(first, settings)
                run = _begin(store, experiment_id, task.name, settings)
                if run.state != "done" and run.id != run_id:
                    return run
            finished_runs[task.name] = run.id
    return None


def _check_model(first: Run | None, settings: RunSettings) -> None:
    """Refuse a run with other weights than the first run of its experiment.

    Raises:
        JobError: The files of the model have changed.
    """
    if not (first and isinstance(settings, ModelRunSettings)):
        return
    if settings.model_digest != first.model_digest:
        raise JobError(
            f"The files of {settings.model.model} have changed since this experiment "
            "began; begin a new one, or put the former files back."
        )


def _links(store: Store, experiment_id: int) -> dict[str, int]:
    """Return the ids of the runs of an experiment by their tasks, the first first."""
    return {link.task: link.run_id for link in store.experiments.runs(experiment_id)}


def _begin(store: Store, experiment_id: int, task: str, settings: RunSettings) -> Run:
    """Return the run of a task: one that does the same, or a new one."""
    # Until the link is stored, no other process may begin the task or end the run that
    # is reused. After a kill in between, a new run would be taken for a reused one.
    with store.atomic():
        if task in (links := _links(store, experiment_id)):
            return store.runs.get(links[task])
        earlier = reuse.find(store, settings)
        run = earlier or run_control.submit(store, settings)
        store.experiments.link(experiment_id, task, run.id, reused=earlier is not None)
        return run


def advance_all(store: Store, run: Run) -> list[str]:
    """Queue what follows on a run in all experiments that it is part of.

    Returns:
        A sentence for each experiment whose next run cannot begin.
    """
    problems = []
    for experiment_id in store.experiments.of_run(run.id):
        try:
            advance(store, experiment_id, run_id=run.id)
        except AutolearnError as error:
            problems.append(f"Experiment {experiment_id} cannot continue: {error}")
    return problems


def cancel_next(store: Store, run: Run) -> None:
    """Cancel what was queued after a run in its experiments; it can be resumed.

    What another experiment or a person has queued is not cancelled.
    """
    for experiment_id in store.experiments.of_run(run.id):
        for link in store.experiments.runs(experiment_id):
            if not link.reused:
                store.runs.request_cancel(link.run_id)


def resume(store: Store, experiment_id: int) -> Run:
    """Continue an experiment that has stopped.

    Returns:
        The run that is queued or running.

    Raises:
        JobError: It has ended.
        AutolearnError: The next run cannot begin.
    """
    for state in states(store, store.experiments.get(experiment_id)):
        if state.run is None or state.run.state == "done":
            continue
        if state.run.state in ACTIVE_STATES:
            return state.run
        return run_control.resume(store, state.run.id)
    run = advance(store, experiment_id)
    if run is None:
        raise JobError(
            f"Experiment {experiment_id} has ended; there is nothing to continue."
        )
    return run
