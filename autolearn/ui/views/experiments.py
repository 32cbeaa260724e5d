"""What the Experiments tab shows: the list of experiments, and the result of one."""

from autolearn.core.experiments import Experiment
from autolearn.services.experiments import evolution_report, reports, schedule
from autolearn.services.experiments.schedule import TaskState
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

COMPARE_HELP = html.note(
    "Trains one round per arm and seed on the same documents, with the same number of "
    "optimiser steps, and asks all the same quiz. It shows whether Autonomous Learning "
    "beats continued pre-training, plain fine-tuning and retrieval on your texts. The "
    "quiz should have gold answers (Library)."
)
EVOLVE_HELP = html.note(
    "The base model, whatever round is in use, answers the instructions of the "
    "library, checks and refines its answers and learns those that pass its own check. "
    "Later rounds answer instructions that it writes itself. The quiz is asked "
    "directly, with self-refinement and with self-consistency after every round."
)
_NAMES = {"compare": "Comparison", "evolve": "Evolution"}


def table(store: Store) -> Html:
    """Return all experiments, the newest first; a click picks one."""
    rows = []
    for experiment in store.experiments.all():
        states = schedule.states(store, experiment)
        name = f"{_NAMES[experiment.kind]} {experiment.id}"
        rows.append(
            (
                html.pick(html.text(name), experiment.id, "al-link"),
                html.text(labels.local_time(experiment.created_at)),
                html.text(f"{schedule.n_done(states)} of {len(states)} runs"),
                html.text(_state(store, experiment, states)),
            )
        )
    if not rows:
        return html.note("No experiment yet. Press “Compare” or “Evolve” to begin one.")
    heads = ("Experiment", "Started", "Done", "State")
    return html.table(heads, rows, "Experiments")


def _state(store: Store, experiment: Experiment, states: list[TaskState]) -> str:
    """Return the state of an experiment in a few words."""
    for state in states:
        if state.run is None:
            is_over = experiment.kind == "evolve" and evolution_report.ended_by_gate(
                store, experiment, states
            )
            return "ended by the gate" if is_over else "stopped"
        if state.run.state != "done":
            return f"{state.name}: {state.run.state}"
    return "done"


def version(store: Store, chosen: int) -> str:
    """Return a text that differs whenever an experiment has a new result to draw."""
    experiments = store.experiments.all()
    if not experiments:
        return "none"
    number = chosen or experiments[0].id
    states = schedule.states(store, store.experiments.get(number))
    quiz = store.quizzes.newest()  # accepted answers and scorers
    return f"{number} {quiz and quiz.version} {[s.run and s.run.state for s in states]}"


def result(store: Store, chosen: int) -> Html:
    """Return the report of an experiment; 0: of the newest."""
    experiments = store.experiments.all()
    if not experiments:
        return Html("")
    report = reports.report(store, chosen or experiments[0].id)
    return html.from_template(reports.fragment(report))
