"""Where a model is chosen from: those on this computer, and the hub."""

from typing import Any

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.core.records import RunKind
from autolearn.models.sources.hub import Offer
from autolearn.runs import queues
from autolearn.services import model_actions
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, SHOWN, Board, Desk, picture
from autolearn.ui.views import model_sources as views

KINDS: tuple[RunKind, ...] = ("download", "convert")
"""Runs after which there are other models to choose from."""


def local(board: Board, name: gr.Textbox) -> gr.events.Dependency:
    """Lay out the models on this computer; a click on one names it in ``name``.

    Returns:
        The event after which another model is named.
    """
    desk = board.desk
    with gr.Accordion("Models on this computer", open=True):
        table = picture("model-local")
    drawn_key = gr.State("")

    def draw() -> tuple[Html, str]:
        return views.local(model_actions.on_this_computer(desk.store)), _key(desk)

    def draw_what_is_new(key: str) -> tuple[Any, Any]:
        # Looking into the cache takes too long to be done at each step of a run.
        return draw() if _key(desk) != key else (gr.skip(), gr.skip())

    board.follow(draw_what_is_new, [drawn_key], [table, drawn_key])
    board.on_opening(draw, [], [table, drawn_key])
    picked: gr.events.Dependency = table.click(_picked, None, name, **QUIET)
    return picked


def _key(desk: Desk) -> str:
    """Return what is another when a model has come."""
    runs = filter(None, map(desk.store.runs.last, KINDS))
    return " ".join(f"{run.id} {run.state}" for run in runs) or "none"


def _picked(event: gr.EventData) -> str:
    return str(event.pick)


def hub(board: Board, name: gr.Textbox) -> gr.events.Dependency:
    """Lay out the download of models; what has come can be named in ``name``.

    Returns:
        The event after which another model may be named.
    """
    desk, offer = board.desk, gr.State(None)
    with gr.Accordion("Download from the Hugging Face hub", open=True):
        hub_id = gr.Textbox(
            "",
            label="Id on the hub",
            info="ORG/NAME as on its page; the hub is asked when you press a button",
            placeholder="HuggingFaceTB/SmolLM2-135M-Instruct",
            elem_id="hub-name",
        )
        with gr.Row():
            look = gr.Button("Look it up", elem_id="hub-look", min_width=80)
            fetch = gr.Button("Download", elem_id="hub-download", min_width=80)
        about = picture("hub-offer")
        progress = picture("hub-progress")
    board.act([look.click, hub_id.submit], _look, [hub_id], [offer, about], **SHOWN)
    board.act(
        [fetch.click],
        lambda *given: _download(desk, *given),
        [hub_id, offer],
        [offer, about, progress],
        **SHOWN,
    )
    board.follow(lambda: views.download(desk.store), [], [progress])

    def press(event: gr.EventData) -> tuple[Any, Html]:
        return _press(desk, event)

    return board.act([progress.click], press, [], [name, progress])


def _look(name: str) -> tuple[Offer, Html]:
    offer = model_actions.look(name)
    return offer, views.offer(offer)


def _download(desk: Desk, name: str, offer: Offer | None) -> tuple[Any, Any, Html]:
    """Download what was looked at; what was not is looked at first."""
    if not name.strip():
        raise InputError("Type the id of a model first.")
    if offer is None or offer.name != model_actions.parsed(name):
        return (*_look(name), views.download(desk.store))
    desk.order(model_actions.download(desk.store, offer))
    return None, "", views.download(desk.store)


def _press(desk: Desk, event: gr.EventData) -> tuple[Any, Html]:
    """Cancel or resume a download, or choose the model that has come."""
    action, _, number = str(event.pick).partition(" ")
    named: Any = gr.skip()
    if action == views.STOP:
        queues.cancel(desk.store, int(number))
    elif action == views.RESUME:
        desk.order(queues.resume(desk.store, int(number)))
    else:
        named = event.pick
    return named, views.download(desk.store)
