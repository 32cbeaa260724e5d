"""The model: choose it, see whether it fits, and check this computer."""

from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.errors import JobError
from autolearn.core.records import ACTIVE_STATES
from autolearn.core.settings import ModelSettings, Quantization
from autolearn.runs import queues, worker_locks, worker_processes
from autolearn.runs.model_choice import chosen_model
from autolearn.services import doctor, model_actions
from autolearn.ui.dropdowns import Option, offer
from autolearn.ui.html import Html
from autolearn.ui.session import (
    SHOWN,
    PageContext,
    Session,
    draw_on_load,
    html_panel,
)
from autolearn.ui.tabs import model_sources, prices, skills
from autolearn.ui.views import labels
from autolearn.ui.views import model as views

TITLE = "Model"
BUILT_IN = ModelSettings.model
LOADING = [("4 bit (nf4)", "nf4"), ("16 or 32 bit", "none")]


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            name, loading, adapter = _inputs()
            with gr.Row():
                use = gr.Button(
                    "Use this model", variant="primary", elem_id="model-use"
                )
                own = gr.Button(
                    "Use the built-in model", elem_id="model-own", min_width=80
                )
            answer = html_panel("model-answer")
            prices.build(context)
            picked_at = model_sources.local(context, name)
            _memory(context)
        with gr.Column(scale=3, min_width=420):
            about = html_panel("model-about")
            downloaded = model_sources.hub(context)
            skills_result = skills.build(context, (name, loading, adapter))
            _check_up(context)
    session = context.session
    _wire(context, (name, loading), about, picked_at)
    _begin(session, [name, loading, adapter])
    offered = gr.State([labels.BASE])
    context.redraw_on_change(
        partial(_renewed_adapters, session), [offered, adapter], [adapter, offered]
    )
    context.redraw_on_opening(partial(_adapter, session), [], [adapter])
    outputs = [answer, about, adapter]
    inputs = [name, loading, adapter]
    context.on_action([use.click], partial(_use, session), inputs, outputs)

    def use_built_in(loading: Quantization) -> Any:
        return BUILT_IN, *_use(session, BUILT_IN, loading, 0)

    def use_downloaded(loading: Quantization, event: gr.EventData) -> Any:
        name = str(event.pick)
        return name, *_use(session, name, loading, 0)

    def use_taught(name: str, loading: Quantization, event: gr.EventData) -> Any:
        model = model_actions.selected(session.store, name, loading, 0)
        return _choose(session, replace(model, round_id=int(event.pick)))

    context.on_action([own.click], use_built_in, [loading], [name, *outputs])
    context.on_action([downloaded.click], use_downloaded, [loading], [name, *outputs])
    context.on_action([skills_result.click], use_taught, [name, loading], outputs)


def _inputs() -> tuple[gr.Textbox, gr.Radio, gr.Dropdown]:
    name = gr.Textbox(
        "",  # drawing may begin before the page knows the model
        label="Model",
        info="built-in, the path of a folder or GGUF file, the hub id of a download, "
        "or a server: http://127.0.0.1:8080/v1#MODEL",
        elem_id="model-name",
    )
    loading = gr.Radio(
        LOADING,
        value="nf4",
        label="Precision",
        info="4 bit needs about a quarter of the memory of 16 bit.",
        elem_id="model-loading",
    )
    adapter = gr.Dropdown(
        [labels.BASE],
        value=0,
        label="Adapter",
        info="Of a finished round of the model in use.",
        filterable=False,
        elem_id="model-adapter",
    )
    return name, loading, adapter


def _wire(
    context: PageContext,
    inputs: tuple[gr.Textbox, gr.Radio],
    about: gr.HTML,
    picked_at: gr.Textbox,
) -> None:
    """Draw the typed model, not only the one in use, so that it can be checked."""
    name, loading = inputs

    def draw(name: str, loading: Quantization) -> Html:
        return _about(context.session, name, loading)

    also_on = [name.submit, name.blur, loading.change, picked_at.change]
    context.redraw_on_change(draw, inputs, [about], also_on)


def _begin(session: Session, outputs: list[gr.components.Component]) -> None:
    """Let each new page begin with the model that is chosen."""

    def chosen() -> tuple[str, str, gr.Dropdown]:
        model = chosen_model(session.store)
        return model.model, model.quantization, _adapter(session)

    draw_on_load(chosen, [], outputs)


def _adapter(session: Session) -> gr.Dropdown:
    """Offer the rounds of the model in use, with the one in use chosen.

    It is not among them if the files of the model are gone or have changed.
    """
    choices = _adapters(session)
    round_id = chosen_model(session.store).round_id
    is_offered = round_id in {value for _, value in choices}
    value = round_id if is_offered else labels.BASE[1]
    return gr.Dropdown(choices=choices, value=value)


def _adapters(session: Session) -> list[Option]:
    return [labels.BASE, *labels.rounds_in_use(session.store)]


def _renewed_adapters(
    session: Session, old: list[Option], adapter: int
) -> tuple[Any, Any]:
    """Offer the rounds of the model in use if they are others than before."""
    choices = _adapters(session)
    if choices == old:
        return gr.skip(), gr.skip()
    return offer(choices, adapter, labels.BASE[1]), choices


def _about(session: Session, name: str, loading: Quantization) -> Html:
    current = chosen_model(session.store)
    return views.about(session.store, name.strip() or current.model, loading)


def _use(
    session: Session, name: str, loading: Quantization, adapter: int
) -> tuple[Html, Html, gr.Dropdown]:
    model = model_actions.selected(session.store, name, loading, adapter)
    return _choose(session, model)


def _choose(session: Session, model: ModelSettings) -> tuple[Html, Html, gr.Dropdown]:
    conversion = model_actions.use(session.store, model)
    if conversion:
        session.start_worker_for(conversion)
        answer = views.being_converted(model)
    else:
        answer = views.chosen(model)
    about = views.about(session.store, model.model, model.quantization)
    return answer, about, _adapter(session)


def _memory(context: PageContext) -> None:
    session = context.session
    panel = html_panel("model-worker")
    free = gr.Button("Unload the model", size="sm", elem_id="model-free")
    parts = [panel, free]
    context.redraw_on_change(partial(_worker, session), [], parts)
    context.on_action(
        [free.click], lambda: (_free(session), gr.Button(interactive=False)), [], parts
    )


def _worker(session: Session) -> tuple[Html, gr.Button]:
    """Return what is in memory, and the button, disabled if that is nothing."""
    is_loaded = views.memory_in_use(session.store) is not None
    return views.worker(session.store), gr.Button(interactive=is_loaded)


def _check_up(context: PageContext) -> None:
    session = context.session
    check = gr.Button("Check this computer", size="sm", elem_id="model-check")
    panel = html_panel("model-checks")
    report = gr.Textbox(
        label="Report as text",
        lines=4,
        max_lines=16,
        interactive=False,
        visible=False,
        buttons=["copy"],
        elem_id="model-report",
    )
    context.on_action(
        [check.click],
        lambda: _check(session),
        [],
        [panel, report],
        **SHOWN,
    )


def _free(session: Session) -> Html:
    """End the worker, which keeps the model for the next run.

    Raises:
        JobError: It is at work.
    """
    active = session.store.runs.in_state(*ACTIVE_STATES)
    if session.is_busy() and any(
        run.kind in queues.MODEL_QUEUE.kinds for run in active
    ):
        raise JobError(
            "A run is in progress or queued; stop it before you unload the model."
        )
    was_alive = worker_locks.worker_alive(session.folder)
    if not worker_processes.stop_worker(session.folder):
        raise JobError("The worker has not stopped yet; try again in a moment.")
    return views.freed(was_alive=was_alive)


def _check(session: Session) -> tuple[Html, gr.Textbox]:
    checks = doctor.examine(session.folder)
    return views.checks(checks), gr.Textbox(value=views.report(checks), visible=True)
