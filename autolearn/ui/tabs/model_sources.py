"""Where a model is chosen from: those on this computer, and the hub."""

from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.core.records import RunKind
from autolearn.models.sources.hub import Offer
from autolearn.runs import run_control
from autolearn.runs.model_choice import chosen_model
from autolearn.services import model_actions
from autolearn.ui.html import Html
from autolearn.ui.session import (
    QUIET,
    SHOWN,
    PageContext,
    Session,
    html_panel,
    now,
)
from autolearn.ui.views import model_sources as views

KINDS: tuple[RunKind, ...] = ("download", "convert")
"""Runs after which there are other models to choose from."""


def local(context: PageContext, name: gr.Textbox) -> gr.Textbox:
    """Lay out the models on this computer; a click on one names it in ``name``.

    Returns:
        The time of the last click, which changes once the model is named.
    """
    session, picked_at = context.session, gr.Textbox("", visible="hidden")
    with gr.Accordion("Models on this computer", open=True):
        table = html_panel("model-local")
    drawn_key = gr.State("")

    def draw() -> tuple[Html, str]:
        return views.local(model_actions.on_this_computer(session.store)), _key(session)

    def draw_what_is_new(key: str) -> tuple[Any, Any]:
        # Reading the cache takes too long to be done at each step of a run.
        return draw() if _key(session) != key else (gr.skip(), gr.skip())

    context.redraw_on_change(draw_what_is_new, [drawn_key], [table, drawn_key])
    context.redraw_on_opening(draw, [], [table, drawn_key])
    table.click(_name, None, [name, picked_at], **QUIET)
    return picked_at


def _key(session: Session) -> str:
    """Return the updates after a model was added or chosen."""
    runs = filter(None, map(session.store.runs.last, KINDS))
    states = [f"{run.id} {run.state}" for run in runs]
    return " ".join([*states, chosen_model(session.store).model])


def _name(event: gr.EventData) -> tuple[str, str]:
    return str(event.pick), now()


def hub(context: PageContext) -> gr.HTML:
    """Lay out the download of models.

    Returns:
        The panel of a finished download; a click in it names the model to use.
    """
    session, offer = context.session, gr.State(None)
    with gr.Accordion("Download from the Hugging Face hub", open=True):
        hub_id = gr.Textbox(
            "",
            label="Model id",
            info="ORG/NAME as on its hub page. The hub is contacted only when you "
            "press a button.",
            placeholder="HuggingFaceTB/SmolLM2-135M-Instruct",
            elem_id="hub-name",
        )
        with gr.Row():
            look = gr.Button("Look up", elem_id="hub-look", min_width=80)
            fetch = gr.Button("Download", elem_id="hub-download", min_width=80)
        about = html_panel("hub-offer")
        progress, downloaded = html_panel("hub-progress"), html_panel("hub-downloaded")
    context.on_action(
        [look.click, hub_id.submit], _look, [hub_id], [offer, about], **SHOWN
    )
    context.on_action(
        [fetch.click],
        partial(_download, session),
        [hub_id, offer],
        [offer, about, progress],
        **SHOWN,
    )
    context.redraw_on_change(lambda: views.download(session.store), [], [progress])
    context.redraw_on_change(lambda: views.downloaded(session.store), [], [downloaded])

    def press(event: gr.EventData) -> Html:
        return _press(session, event)

    context.on_action([progress.click], press, [], [progress])
    return downloaded


def _look(name: str) -> tuple[Offer, Html]:
    offer = model_actions.fetch_offer(name)
    return offer, views.offer(offer)


def _download(
    session: Session, name: str, offer: Offer | None
) -> tuple[Any, Any, Html]:
    """Download the model that was looked up; look it up first if it was not."""
    if not name.strip():
        raise InputError("Enter the id of a model first.")
    if offer is None or offer.name != model_actions.parse_id(name):
        return (*_look(name), views.download(session.store))
    session.start_worker_for(model_actions.download(session.store, offer))
    return None, "", views.download(session.store)


def _press(session: Session, event: gr.EventData) -> Html:
    """Cancel or resume a download."""
    action, _, number = str(event.pick).partition(" ")
    if action == views.STOP:
        run_control.cancel(session.store, int(number))
    else:
        session.start_worker_for(run_control.resume(session.store, int(number)))
    return views.download(session.store)
