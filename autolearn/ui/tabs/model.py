"""The model: which one works, whether it fits, and a look at this computer."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from autolearn.core.errors import JobError
from autolearn.core.settings import ModelSettings, Quantization
from autolearn.runs import queues
from autolearn.services import actions, doctor, model_actions
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, SHOWN, Board, Desk, begin, picture, watch
from autolearn.ui.tabs import model_sources, skills
from autolearn.ui.views import labels
from autolearn.ui.views import model as views

TITLE = "Model"
LOADING = [("4 bit (nf4)", "nf4"), ("16 or 32 bit", "none")]


def build(board: Board) -> None:
    """Lay out the tab and wire it to the board."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            name, loading, adapter = _inputs()
            with gr.Row():
                use = gr.Button(
                    "Use this model", variant="primary", elem_id="model-use"
                )
                own = gr.Button("Built-in", elem_id="model-own", min_width=80)
            answer = picture("model-answer")
            picked = model_sources.local(board, name)
            _memory(board)
        with gr.Column(scale=3, min_width=420):
            about = picture("model-about")
            fetched = model_sources.hub(board, name)
            skills.build(board, (name, loading, adapter))
            _check_up(board)
    named = [own.click(_own, None, name, **QUIET), picked, fetched]
    _wire(board, (name, loading), about, named)
    _begin(board.desk, [name, loading, adapter])
    board.on_opening(lambda: gr.Dropdown(choices=_adapters(board.desk)), [], [adapter])
    board.act(
        [use.click],
        lambda *given: _use(board.desk, *given),
        [name, loading, adapter],
        [answer, about],
    )


def _inputs() -> tuple[gr.Textbox, gr.Radio, gr.Dropdown]:
    name = gr.Textbox(
        "",  # drawing may begin before the page has been told of the model
        label="Model",
        info="built-in, a folder or a GGUF file, or the hub id of a downloaded model",
        elem_id="model-name",
    )
    loading = gr.Radio(
        LOADING,
        value="nf4",
        label="Loaded in",
        info="4 bit takes about a quarter of the memory",
        elem_id="model-loading",
    )
    adapter = gr.Dropdown(
        [labels.BASE],
        value=0,
        label="Adapter",
        info="of a finished round of this model; none for the base",
        filterable=False,
        elem_id="model-adapter",
    )
    return name, loading, adapter


def _wire(
    board: Board,
    inputs: tuple[gr.Textbox, gr.Radio],
    about: gr.HTML,
    named: Sequence[gr.events.Dependency],
) -> None:
    """Draw what is typed, not only what is chosen, so that one can look first."""
    name, loading = inputs

    def draw(name: str, loading: Quantization) -> Html:
        return _about(board.desk, name, loading)

    board.follow(draw, inputs, [about])
    events: list[Callable[..., Any]] = [
        name.submit,
        name.blur,
        loading.change,
        *(event.then for event in named),
    ]
    watch(events, draw, inputs, [about])


def _own() -> str:
    return "built-in"


def _begin(desk: Desk, outputs: list[gr.components.Component]) -> None:
    """Let each new page begin with the model that is chosen."""

    def chosen() -> tuple[str, str, gr.Dropdown]:
        model = actions.chosen_model(desk.store)
        found = gr.Dropdown(choices=_adapters(desk), value=model.round_id or 0)
        return model.model, model.quantization, found

    begin(chosen, [], outputs)


def _adapters(desk: Desk) -> list[tuple[str, int]]:
    return [labels.BASE, *labels.finished(desk.store)]


def _about(desk: Desk, name: str, loading: Quantization) -> Html:
    chosen = actions.chosen_model(desk.store)
    return views.about(desk.store, name.strip() or chosen.model, loading)


def _use(
    desk: Desk, name: str, loading: Quantization, adapter: int
) -> tuple[Html, Html]:
    model = ModelSettings(name.strip(), loading, adapter or None)
    conversion = model_actions.use(desk.store, model)
    if conversion:
        desk.order(conversion)
        answer = views.being_converted(model)
    else:
        answer = views.chosen(model)
    return answer, views.about(desk.store, model.model, loading)


def _memory(board: Board) -> None:
    desk = board.desk
    held = picture("model-worker")
    free = gr.Button("Free the memory", size="sm", elem_id="model-free")
    board.follow(lambda: views.worker(desk.store), [], [held])
    board.act([free.click], lambda: _free(desk), [], [held])


def _check_up(board: Board) -> None:
    desk = board.desk
    check = gr.Button("Check this computer", size="sm", elem_id="model-check")
    found = picture("model-checks")
    copied = gr.Textbox(
        label="The same as text",
        lines=4,
        max_lines=16,
        interactive=False,
        visible=False,
        buttons=["copy"],
        elem_id="model-report",
    )
    board.act(
        [check.click],
        lambda: _check(desk),
        [],
        [found, copied],
        **SHOWN,
    )


def _free(desk: Desk) -> Html:
    """End the worker, which keeps the model for the next run.

    Raises:
        JobError: It is at work.
    """
    active = desk.store.runs.in_state("running", "queued")
    if desk.is_busy() and any(run.kind in queues.WORK.kinds for run in active):
        raise JobError("A run is going on or waits; stop it before freeing the memory.")
    if not queues.stop_worker(desk.folder):
        raise JobError("The worker does not end yet; try again in a moment.")
    return views.freed()


def _check(desk: Desk) -> tuple[Html, gr.Textbox]:
    found = doctor.examine(desk.folder)
    return views.checks(found), gr.Textbox(value=views.report(found), visible=True)
