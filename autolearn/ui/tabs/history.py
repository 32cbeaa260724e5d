"""The history: rounds, runs, a comparison of two runs, and exports."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.core.records import END_STATES
from autolearn.core.run_results import ExportResult
from autolearn.core.run_settings import ExportRunSettings, SampleScope
from autolearn.export import formats
from autolearn.export.handover.folder import TOOLS
from autolearn.runs import run_control
from autolearn.runs.model_choice import chosen_model
from autolearn.services import export_actions, model_scope
from autolearn.store import layout
from autolearn.ui.drawer import FOCUS_JS
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
WHAT = [
    ("chats (SFT)", "chat"),
    ("preference pairs", "preference"),
    ("meta-skill items (of a round)", "meta"),
    ("raw texts (of a round)", "text"),
    ("adapter (of a round)", "adapter"),
    ("merged model in 16 bit (of a round)", "merged"),
    ("GGUF for llama.cpp (of a round)", "gguf"),
    *((f"folder for {tool.title}", name) for name, tool in TOOLS.items()),
]


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    with gr.Row():
        with gr.Column(scale=2, min_width=340):
            _rounds(context)
            with gr.Accordion("Export", open=True):
                _exports(context)
            with gr.Accordion("Backup and check", open=False):
                workspace.build(context)
        with gr.Column(scale=3, min_width=420):
            _runs(context)
            with gr.Accordion("Compare two runs", open=False):
                _compare(context)


def _rounds(context: PageContext) -> None:
    session = context.session
    round_id = gr.State(0)
    tree = html_panel("history-rounds")
    details = html_panel("history-round")
    context.redraw_on_change(lambda: views.lineage(session.store), [], [tree])
    click = tree.click(_id_of, None, round_id, **QUIET)
    redraw_on(
        [click.then],
        lambda i: views.round_details(session.store, i),
        [round_id],
        [details],
    )
    click.then(None, None, None, js=FOCUS_JS)
    details.click(lambda: "", None, details, **QUIET)


def _runs(context: PageContext) -> None:
    session = context.session
    before, run_id, version = gr.State(0), gr.State(0), gr.State("")
    table = html_panel("history-runs")
    with gr.Row():
        newest = gr.Button("Newest", size="sm", elem_id="history-newest")
        older = gr.Button("Older", size="sm", elem_id="history-older")
        resume = gr.Button(
            "Resume the selected run", size="sm", elem_id="history-resume"
        )
    chats = gr.Checkbox(label="Show chats", container=False, elem_id="history-chats")
    details = html_panel("history-run")
    state = [run_id, version]
    where = [before, chats]

    def draw(before_id: int, with_chats: bool) -> Html:
        return views.runs(session.store, before_id, with_chats=with_chats)

    context.redraw_on_change(draw, where, [table])
    context.redraw_on_change(partial(_details, session), state, [details, version])
    first_page = newest.click(lambda: 0, None, before, **QUIET)
    next_page = older.click(partial(_older, session), where, before, **QUIET)
    pages: list[Callable[..., Any]] = [first_page.then, next_page.then, chats.input]
    redraw_on(pages, draw, where, [table])
    click = table.click(_id_of, None, run_id, **QUIET)
    redraw_on([click.then], partial(_details, session), state, [details, version])
    click.then(None, None, None, js=FOCUS_JS)
    details.click(lambda: ("", 0, ""), None, [details, run_id, version], **QUIET)
    context.on_action([resume.click], partial(_resume, session), [run_id])


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
    of = gr.Dropdown(sources(session), value=OWN, label="Source", elem_id="export-of")
    what = gr.Dropdown(WHAT, value="chat", label="Format", elem_id="export-what")
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


def _id_of(event: gr.EventData) -> int:
    return int(event.pick)


def _details(session: Session, run_id: int, version: str) -> tuple[Any, Any]:
    """Return a run; one that has ended is drawn once, so that it stays unfolded."""
    state = session.store.runs.get(run_id).state if run_id else ""
    now = f"{run_id} {state}"
    if now == version and state in ("", *END_STATES):
        return gr.skip(), gr.skip()
    return views.run_details(session.store, run_id), now


def _older(session: Session, before_id: int, with_chats: bool) -> int:
    """Return where the next page begins; the same if there is none."""
    store = session.store
    runs = views.page(store, before_id, with_chats=with_chats)
    last = runs[-1].id if len(runs) == views.RUNS_A_PAGE else before_id
    return last if views.page(store, last, with_chats=with_chats) else before_id


def _resume(session: Session, run_id: int) -> None:
    if not run_id:
        raise JobError("Click a run in the table first.")
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
    if not round_id and what not in (*formats.FORMATS, *TOOLS):
        raise InputError("Choose a round as the source; this format needs one.")
    scope = SampleScope() if source == ALL_MODELS else None
    about = f"round-{round_id}" if round_id else "approved"
    name = f"{about}-{what}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder = session.folder / layout.EXPORTS / name
    is_folder = what in formats.WEIGHTS or what in TOOLS
    target = folder if is_folder else folder / "data.jsonl"
    session.start_worker_for(
        export_actions.export(session.store, what, target, round_id, scope)
    )


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
