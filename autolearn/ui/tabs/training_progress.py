"""A training that goes on or has ended: watched, stopped, gone on with, tried again."""

from dataclasses import replace
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.core.records import Run
from autolearn.core.run_results import FailedResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.runs import queues
from autolearn.services import actions
from autolearn.store import Store
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, PageContext, Session, html_panel, redraw_on
from autolearn.ui.views import labels
from autolearn.ui.views import train as views

NEWEST = 0
"""Stands for the newest training where one could be chosen."""
N_MORE = 4
"""Epochs that a continued round gets, unless the person says otherwise."""


def build(context: PageContext, parent: gr.Dropdown) -> gr.Dropdown:
    """Lay out the training that is looked at; return where it is chosen.

    The choices of ``parent``, from where a round begins, grow with the trainings.
    """
    with gr.Row():
        chosen = gr.Dropdown(
            [("the newest training", NEWEST)],
            value=NEWEST,
            label="Training run",
            info="Its progress, curves and settings are shown below.",
            scale=3,
            elem_id="train-run",
        )
        more = gr.Number(
            N_MORE,
            label="More epochs",
            info="Continued in a new round.",
            minimum=1,
            elem_id="train-more",
        )
    with gr.Row():
        stop = gr.Button("Stop (keeps a checkpoint)", elem_id="train-stop")
        again = gr.Button("Resume", elem_id="train-resume")
        go_on = gr.Button(_more(N_MORE), elem_id="train-on")
        less = gr.Button(
            "Retry with settings that fit", visible=False, elem_id="train-less"
        )
    shown = html_panel("train-live")
    known = gr.State(())
    session = context.session
    context.redraw_on_change(
        lambda known: _lists(session, known), [known], [parent, chosen, known]
    )
    context.redraw_on_change(lambda run: _live(session, run), [chosen], [shown])
    redraw_on([chosen.change], lambda run: _live(session, run), [chosen], [shown])
    context.redraw_on_change(lambda run: _less(session, run), [chosen], [less])
    redraw_on([chosen.change], lambda run: _less(session, run), [chosen], [less])
    more.change(lambda n: gr.Button(_more(n)), more, go_on, **QUIET)
    _wire(context, chosen, more, (stop, again, go_on, less))
    return chosen


def _more(epochs: float | None) -> str:
    return f"Train {epochs or 0:g} more epochs"


def _wire(
    context: PageContext,
    chosen: gr.Dropdown,
    more: gr.Number,
    buttons: tuple[gr.Button, ...],
) -> None:
    session = context.session
    stop, again, go_on, less = buttons
    context.on_action([stop.click], lambda run: _stop(session, run), [chosen])
    context.on_action([again.click], lambda run: _resume(session, run), [chosen])
    context.on_action(
        [less.click], lambda run: _retry(session, run), [chosen], [chosen]
    )
    context.on_action(
        [go_on.click],
        lambda run, epochs: _go_on(session, run, epochs),
        [chosen, more],
        [chosen],
    )


def _lists(session: Session, known: object) -> tuple[Any, ...]:
    """Return the choices of parent and training where there are new ones."""
    rounds = [labels.BASE, *labels.finished(session.store)]
    trainings = _trainings(session.store)
    now = (tuple(rounds), tuple(trainings))
    if now == known:
        return gr.skip(), gr.skip(), gr.skip()
    return gr.Dropdown(choices=rounds), gr.Dropdown(choices=trainings), now


def newest(store: Store) -> gr.Dropdown:
    """Look at the newest training from now on."""
    return gr.Dropdown(choices=_trainings(store), value=NEWEST)


def _trainings(store: Store) -> list[tuple[str, int]]:
    runs = views.trainings(store)
    return [
        ("the newest training", NEWEST),
        *((views.title(run), run.id) for run in runs),
    ]


def _run(store: Store, run_id: int) -> Run | None:
    """Return the training that is looked at, the newest by default."""
    if run_id:
        return store.runs.get(run_id)
    return next(iter(views.trainings(store)), None)


def _named(store: Store, run_id: int) -> Run:
    run = _run(store, run_id)
    if run is None:
        raise JobError("No round has been trained yet; start one first.")
    return run


def _live(session: Session, run_id: int) -> Html:
    return views.live(session.store, _run(session.store, run_id))


def _stop(session: Session, run_id: int) -> None:
    queues.cancel(session.store, _named(session.store, run_id).id)


def _resume(session: Session, run_id: int) -> None:
    session.order(queues.resume(session.store, _named(session.store, run_id).id))


def _less(session: Session, run_id: int) -> gr.Button:
    """Offer to try again with less where memory was short."""
    run = _run(session.store, run_id)
    advice = views.advised(run) if run else ""
    return gr.Button(f"Retry with {advice}", visible=bool(advice))


def _retry(session: Session, run_id: int) -> Any:
    """Queue a round like one that did not fit, with the settings that would."""
    store = session.store
    run = _named(store, run_id)
    before = TrainRunSettings.of(run)
    settings = replace(before.train, **FailedResult.of(run).advice)
    session.order(actions.train(store, before.model, settings, before.parent))
    return newest(store)


def _go_on(session: Session, run_id: int, epochs: float | None) -> Any:
    """Queue a round like this one, begun from what it has learned."""
    store = session.store
    run = _named(store, run_id)
    learned = [one for one in store.rounds.all(run.id) if one.adapter]
    if not learned:
        raise JobError(f"Run {run.id} has no finished round; resume it first.")
    if not epochs:
        raise InputError("Enter the number of epochs first.")
    before = TrainRunSettings.of(run)
    settings = replace(before.train, epochs=epochs, max_steps=0, least_steps=0)
    session.order(actions.train(store, before.model, settings, learned[0].id))
    return newest(store)
