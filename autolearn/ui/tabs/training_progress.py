"""A current or finished training: watch, stop, continue or retry it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_results import FailedResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.runs import run_control
from autolearn.runs.model_choice import chosen_model
from autolearn.services import actions, skill_actions
from autolearn.services.model_scope import chosen_digest
from autolearn.services.train_checks import can_train_more
from autolearn.store import Store
from autolearn.ui.drawn_numbers import drawn_number
from autolearn.ui.dropdowns import offer
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, PageContext, Session, html_panel
from autolearn.ui.views import labels
from autolearn.ui.views import train as views

NEWEST = 0
"""The choice of the newest training."""
PARENT = "train_parent"
"""The choice that stores from where a person lets rounds begin, and of which model."""
N_MORE = 4
"""Epochs that a continued round gets, unless the user says otherwise."""


@dataclass(frozen=True)
class TrainingParts:
    """The components that show a training."""

    whole: gr.Accordion
    """Hidden before the first training."""
    run_choice: gr.Dropdown
    more: gr.Number
    buttons: tuple[gr.Button, ...]
    panel: gr.HTML


def lay_out() -> TrainingParts:
    """Lay out the training that is shown: its curves and its actions."""
    with gr.Accordion("Training", visible=False, elem_id="train-progress") as whole:
        panel = html_panel("train-live")
        run_choice, more, buttons = _controls()
    return TrainingParts(whole, run_choice, more, buttons, panel)


def _controls() -> tuple[gr.Dropdown, gr.Number, tuple[gr.Button, ...]]:
    with gr.Row():
        run_choice = gr.Dropdown(
            [("the newest training", NEWEST)],
            value=NEWEST,
            label="Training run",
            info="Its progress, curves and settings are shown above.",
            scale=3,
            elem_id="train-run",
        )
        more = gr.Number(
            N_MORE,
            label="More epochs",
            info="In a new round that continues this one.",
            elem_id="train-more",
        )
    with gr.Row():
        stop = gr.Button("Stop (keeps a checkpoint)", elem_id="train-stop")
        again = gr.Button("Resume", elem_id="train-resume")
        go_on = gr.Button(_more(N_MORE), elem_id="train-on")
        less = gr.Button(
            "Retry with settings that fit", visible=False, elem_id="train-less"
        )
    return run_choice, more, (stop, again, go_on, less)


def wire(
    context: PageContext,
    parts: TrainingParts,
    parent: gr.Dropdown,
    new_round: gr.Accordion,
) -> None:
    """Wire the training that is shown to the page.

    The choices of ``parent``, from where a round begins, grow with the trainings. The
    form of a new round is folded during a training.
    """
    run_choice, more, panel = parts.run_choice, parts.more, parts.panel
    stop, again, go_on, less = parts.buttons
    names = gr.State(())
    # What the buttons act on: a newer training may have begun since it was drawn.
    shown = drawn_number()
    session = context.session
    context.redraw_on_change(partial(_training_accordion, session), [], [parts.whole])
    context.fold_form(new_round, "train", opens_again=True)
    context.redraw_on_change(
        partial(_lists, session),
        [names, parent, run_choice],
        [parent, run_choice, names],
    )
    context.redraw_on_change(
        partial(_live, session),
        [run_choice],
        [panel, less, more, go_on, stop, again, shown],
        also_on=[run_choice.change],
    )
    more.change(lambda n: gr.Button(_more(n)), more, go_on, **QUIET)
    _wire(context, parts, shown)


def _training_accordion(session: Session) -> gr.Accordion:
    return gr.Accordion(visible=bool(views.trainings(session.store)))


def _more(epochs: float | None) -> str:
    return f"Train {epochs or 0:g} more epoch{'s' * (epochs != 1)}"


def _wire(context: PageContext, parts: TrainingParts, shown: gr.Number) -> None:
    """Wire the buttons to the training that is shown."""
    session, run_choice = context.session, parts.run_choice
    stop, again, go_on, less = parts.buttons
    context.on_action([stop.click], partial(_stop, session), [shown])
    context.on_action([again.click], partial(_resume, session), [shown])
    context.on_action([less.click], partial(_retry, session), [shown], [run_choice])
    context.on_action(
        [go_on.click],
        lambda run, epochs: _continue(session, run, epochs),
        [shown, parts.more],
        [run_choice],
    )


def _lists(
    session: Session, old: tuple[Any, ...], parent: int, run_id: int
) -> tuple[Any, ...]:
    """Return the choices of parent and training if there are new ones.

    The parent follows its default until a person chooses another one; a page that was
    just loaded shows the one that was kept.
    """
    store = session.store
    rounds = [labels.BASE, *labels.finished(store, chosen_digest(store))]
    trainings = _trainings(session.store)
    default = _usual_parent(store)
    first = default if old else _kept_parent(store, rounds, default)
    now = (tuple(rounds), tuple(trainings), default)
    if now == old:
        return gr.skip(), gr.skip(), gr.skip()
    before = old[-1] if old else labels.BASE[1]
    chosen = None if parent == before != first else parent
    return offer(rounds, chosen, first), offer(trainings, run_id, NEWEST), now


def _usual_parent(store: Store) -> int:
    """Return the round in use if it has learned skills, which a round then keeps."""
    in_use = chosen_model(store).round_id
    is_offered = in_use in {number for _, number in labels.rounds_in_use(store)}
    if in_use and is_offered and skill_actions.has_learned_skills(store, in_use):
        return in_use
    return labels.BASE[1]


def keep_parent(store: Store, parent: int) -> None:
    """Store from where a person lets rounds of the model begin, unless as usual."""
    is_chosen = parent != _usual_parent(store)
    kept = {"model": chosen_digest(store), "round": parent} if is_chosen else {}
    store.choices.set(PARENT, kept)


def _kept_parent(store: Store, rounds: list[tuple[str, int]], default: int) -> int:
    """Return what a person chose of these rounds for this model, else the default."""
    kept = store.choices.get(PARENT) or {}
    number: int = kept.get("round", default)
    is_of_model = kept.get("model") == chosen_digest(store)
    is_offered = number in {offered for _, offered in rounds}
    return number if is_of_model and is_offered else default


def newest(store: Store) -> gr.Dropdown:
    """Show the newest training from now on."""
    return gr.Dropdown(choices=_trainings(store), value=NEWEST)


def _trainings(store: Store) -> list[tuple[str, int]]:
    runs = views.trainings(store)
    return [
        ("the newest training", NEWEST),
        *((views.title(run), run.id) for run in runs),
    ]


def _run(store: Store, run_id: int) -> Run | None:
    """Return the training that is shown, the newest by default."""
    if run_id:
        return store.runs.get(run_id)
    return next(iter(views.trainings(store)), None)


def _existing_run(store: Store, run_id: int) -> Run:
    if not run_id:
        raise JobError("No round has been trained yet; start one first.")
    return store.runs.get(run_id)


def _live(
    session: Session, choice: int
) -> tuple[Html, gr.Button, gr.Number, gr.Button, gr.Button, gr.Button, int]:
    """Return the training that is shown, what can be done with it, and its id."""
    run = _run(session.store, choice)
    is_active = run is not None and run.state in ACTIVE_STATES
    is_done = run is not None and run.state == "done"
    can_train = run is not None and is_done and can_train_more(TrainRunSettings.of(run))
    can_resume = run is not None and not is_active and not is_done
    return (
        views.live(session.store, run),
        _less(run),
        gr.Number(visible=can_train),
        gr.Button(visible=can_train),
        gr.Button(interactive=is_active),
        gr.Button(interactive=can_resume),
        run.id if run else 0,
    )


def _stop(session: Session, run_id: int) -> None:
    run_control.cancel(session.store, _existing_run(session.store, run_id).id)


def _resume(session: Session, run_id: int) -> None:
    session.start_worker_for(
        run_control.resume(session.store, _existing_run(session.store, run_id).id)
    )


def _less(run: Run | None) -> gr.Button:
    """Offer to try again with less if memory was short."""
    advice = views.advice(run) if run else ""
    return gr.Button(f"Retry with {advice}", visible=bool(advice))


def _retry(session: Session, run_id: int) -> Any:
    """Queue a round like one that did not fit, with the settings that would."""
    store = session.store
    run = _existing_run(store, run_id)
    before = TrainRunSettings.of(run)
    settings = replace(before.train, **FailedResult.of(run).advice)
    session.start_worker_for(
        actions.train_again(store, before, settings, before.parent)
    )
    return newest(store)


def _continue(session: Session, run_id: int, epochs: float | None) -> Any:
    """Queue a round like this one, begun from what it has learned."""
    store = session.store
    run = _existing_run(store, run_id)
    rounds = [round_ for round_ in store.rounds.all(run.id) if round_.adapter]
    if not rounds:
        raise JobError(f"Run {run.id} has no finished round; resume it first.")
    if not epochs:
        raise InputError("Enter the number of epochs first.")
    before = TrainRunSettings.of(run)
    settings = replace(before.train, epochs=epochs, max_steps=0, least_steps=0)
    if settings.traits.evolves and settings.evolution == "restart":
        # It would begin from the base model; on the same samples, this does not.
        settings = replace(settings, evolution="continual")
    session.start_worker_for(actions.train_again(store, before, settings, rounds[0].id))
    return newest(store)
