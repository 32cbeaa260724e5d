"""The history: rounds, runs, a comparison of two runs, and exports."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.core.run_results import ExportResult
from autolearn.core.run_settings import ExportRunSettings, SampleScope
from autolearn.export import formats
from autolearn.export.handover.folder import TOOLS
from autolearn.runs import run_control
from autolearn.runs.model_choice import chosen_model
from autolearn.services import export_actions, model_scope
from autolearn.services.export_actions import ExportSource
from autolearn.store import layout
from autolearn.ui.drawer import CLOSE, FOCUS_JS
from autolearn.ui.dropdowns import offer
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, PageContext, Session, html_panel, redraw_on
from autolearn.ui.tabs import workspace
from autolearn.ui.views import history as views
from autolearn.ui.views import labels

TITLE = "History"
OWN, ALL_MODELS = 0, -1
"""Approved samples, as choices next to the rounds: those that were measured with the
chosen model, or with any."""
NO_RUN = ("none", 0)
"""The choice of no run."""
WITHOUT_ROUND = (*formats.FORMATS, *TOOLS)
"""What can be exported without a round."""
WHAT = [
    (name if what in WITHOUT_ROUND else f"{name} (of a round)", what)
    for what, name in views.EXPORT_NAMES.items()
]


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    with gr.Row():
        with gr.Column(scale=2, min_width=340):
            tree = html_panel("history-rounds")
            with gr.Accordion("Export", open=True):
                _exports(context)
            with gr.Accordion("Backup and check", open=False):
                workspace.build(context)
        with gr.Column(scale=3, min_width=420):
            table = _runs(context)
            with gr.Accordion("Compare two runs", open=False):
                _compare(context)
    context.redraw_on_change(lambda: views.lineage(session.store), [], [tree])
    _details(context, [tree, table])


def _details(context: PageContext, lists: Sequence[gr.HTML]) -> None:
    """Lay out the details of the round or the run that is clicked in one of the lists.

    They share a drawer, since one would lie above the other.
    """
    session = context.session
    key, drawn = gr.State(""), gr.State(Html(""))
    panel = html_panel("history-detail")

    def press(event: gr.EventData) -> tuple[str, Html, Html]:
        key = str(event.pick)
        if key == CLOSE:
            return "", *_draw(session, "")
        _resume(session, key)
        return key, *_draw(session, key)

    context.redraw_on_change(partial(_redraw, session), [key, drawn], [panel, drawn])
    for entries in lists:
        click = entries.click(_key_of, None, key, **QUIET)
        redraw_on([click.then], partial(_draw, session), [key], [panel, drawn])
        click.then(None, None, None, js=FOCUS_JS)
    context.on_action([panel.click], press, [], [key, panel, drawn])


def _runs(context: PageContext) -> gr.HTML:
    """Lay out the list of runs, which is returned."""
    session = context.session
    before = gr.State(0)
    table = html_panel("history-runs")
    with gr.Row():
        newest = gr.Button("Newest", size="sm", elem_id="history-newest")
        older = gr.Button("Older", size="sm", elem_id="history-older")
    chats = gr.Checkbox(label="Show chats", container=False, elem_id="history-chats")
    where, parts = [before, chats], [table, newest, older]
    draw = partial(_page, session)
    context.redraw_on_change(draw, where, parts)
    first_page = newest.click(lambda: 0, None, before, **QUIET)
    next_page = older.click(partial(_older, session), where, before, **QUIET)
    pages: list[Callable[..., Any]] = [first_page.then, next_page.then, chats.input]
    redraw_on(pages, draw, where, parts)
    return table


def _compare(context: PageContext) -> None:
    session = context.session
    with gr.Row():
        sides = [
            gr.Dropdown([NO_RUN], value=0, label=label, min_width=160)
            for label in ("First run", "Second run")
        ]
    result = html_panel("history-compare")

    def renewed(*chosen: int) -> list[gr.Dropdown]:
        choices = [NO_RUN, *views.choices(session.store)]
        return [offer(choices, run_id, 0) for run_id in chosen]

    context.redraw_on_opening(renewed, sides, sides)
    events = [side.input for side in sides]
    redraw_on(events, lambda *ids: views.compare(session.store, *ids), sides, [result])


def _exports(context: PageContext) -> None:
    session = context.session
    of = gr.Dropdown(
        sources(session),
        value=OWN,
        label="Source",
        info="Samples: what is approved now. A round: what it was trained on, or its "
        "weights.",
        elem_id="export-of",
    )
    what = gr.Dropdown(
        WHAT,
        value="chat",
        label="Format",
        info="Those “of a round” need one as source. A folder for a trainer has the "
        "round, or without one the round that would be trained now.",
        elem_id="export-what",
    )
    go = gr.Button("Export", elem_id="export-go")
    panel = html_panel("history-exports")
    file = gr.File(
        label="Download", visible=False, interactive=False, elem_id="export-file"
    )
    context.redraw_on_opening(
        lambda chosen: offer(sources(session), chosen, OWN), [of], [of]
    )
    context.redraw_on_change(lambda: views.exports(session.store), [], [panel])

    def order(round_id: int, kind: str) -> Html:
        _export(session, round_id, kind)
        return views.exports(session.store)

    def fetch(event: gr.EventData) -> gr.File:
        return gr.File(value=_zip_file(session, int(event.pick)), visible=True)

    context.on_action([go.click], order, [of, what], [panel])
    context.on_action([panel.click], fetch, [], [file])
    _offers(context, of)


def _offers(context: PageContext, of: gr.Dropdown) -> None:
    """Lay out how the round that is chosen in ``of`` becomes a model of a server."""
    server = gr.Textbox(
        label="Server",
        info="vLLM or SGLang with the base model of the round, such as "
        "http://127.0.0.1:8000/v1.",
        elem_id="export-server",
    )
    load = gr.Button("Load the round on this server", elem_id="export-load")
    answer = html_panel("export-answer")
    order = partial(_offer, context.session)
    context.on_action([load.click], order, [of, server], [answer])


def _draw(session: Session, key: str) -> tuple[Html, Html]:
    """Return the details of a round or a run, to show and to remember."""
    content = views.details(session.store, key)
    return content, content


def _redraw(session: Session, key: str, drawn: Html) -> tuple[Any, ...]:
    """Return the details if they have changed.

    What is unfolded stays unfolded. And this may be answered after a later click has
    opened the drawer, which it would empty.
    """
    content, _ = _draw(session, key)
    return (gr.skip(), gr.skip()) if content == drawn else (content, content)


def _key_of(event: gr.EventData) -> str:
    return str(event.pick)


def _page(
    session: Session, before_id: int, with_chats: bool
) -> tuple[Html, gr.Button, gr.Button]:
    """Return a page of runs, and the buttons, enabled if they lead to another one."""
    has_older = _older(session, before_id, with_chats) != before_id
    return (
        views.runs(session.store, before_id, with_chats=with_chats),
        gr.Button(interactive=before_id > 0),
        gr.Button(interactive=has_older),
    )


def _older(session: Session, before_id: int, with_chats: bool) -> int:
    """Return where the next page begins; the same if there is none."""
    store = session.store
    runs = views.page(store, before_id, with_chats=with_chats)
    last = runs[-1].id if len(runs) == views.RUNS_A_PAGE else before_id
    return last if views.page(store, last, with_chats=with_chats) else before_id


def _resume(session: Session, key: str) -> None:
    """Resume the run that a key names."""
    run_id = int(key.removeprefix(views.RUN))
    session.start_worker_for(run_control.resume(session.store, run_id))


def sources(session: Session) -> list[tuple[str, int]]:
    """Return what can be exported: samples of one model or of all, and rounds."""
    store = session.store
    model = labels.model(chosen_model(store).model)
    choices = [(f"approved samples of {model}", OWN)]
    if model_scope.other_models(store):
        choices.append(("approved samples of all models", ALL_MODELS))
    return [*choices, *labels.finished(store, model_scope.shown_digest(store))]


def _export(session: Session, source: int, what: str) -> None:
    """Queue an export into a new folder of the workspace."""
    round_id = source if source > OWN else None
    if not round_id and what not in WITHOUT_ROUND:
        raise InputError("Choose a round as the source; this format needs one.")
    scope = SampleScope() if source == ALL_MODELS else None
    about = f"round-{round_id}" if round_id else "approved"
    name = f"{about}-{what}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder = session.folder / layout.EXPORTS / name
    is_folder = what in formats.WEIGHTS or what in TOOLS
    target = folder if is_folder else folder / "data.jsonl"
    session.start_worker_for(
        export_actions.export(
            session.store, what, target, round_id, ExportSource(scope=scope)
        )
    )


def _offer(session: Session, source: int, server: str) -> Html:
    """Let a server load a round; return how it is chosen there."""
    if source <= OWN:
        raise InputError("Choose a round as the source.")
    return views.loaded(export_actions.offer(session.store, source, server))


def _zip_file(session: Session, run_id: int) -> str:
    """Return a zip of what an export wrote, where the browser may fetch it."""
    run = session.store.runs.get(run_id)
    settings, result = ExportRunSettings.of(run), ExportResult.of(run)
    paths = [Path(name) for name in (result.path, result.card) if name]
    if not paths or not all(path.exists() for path in paths):
        raise JobError(f"The files of run {run_id} no longer exist; export again.")
    about = settings.round_id
    name = f"{f'round-{about}' if about else 'approved'}-{settings.what}.zip"
    return str(formats.pack(paths, Path(mkdtemp()) / name))
