"""The history: rounds, runs, what differs between two of them, and exports."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.export import formats
from autolearn.runs import queues
from autolearn.services import actions
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, Board, Desk, picture, watch
from autolearn.ui.views import history as views
from autolearn.ui.views import labels

TITLE = "History"
WHAT = [
    ("chats (SFT)", "chat"),
    ("preference pairs", "preference"),
    ("meta-skills, of a round", "meta"),
    ("raw texts, of a round", "text"),
    ("adapter, of a round", "adapter"),
    ("whole model in 16 bit, of a round", "merged"),
    ("GGUF for llama.cpp, of a round", "gguf"),
]


def build(board: Board) -> None:
    """Lay out the tab and wire it to the board."""
    with gr.Row():
        with gr.Column(scale=2, min_width=340):
            _rounds(board)
            with gr.Accordion("Export", open=True):
                _exports(board)
        with gr.Column(scale=3, min_width=420):
            _runs(board)
            with gr.Accordion("Compare two runs", open=False):
                _compare(board)


def _rounds(board: Board) -> None:
    desk = board.desk
    chosen = gr.State(0)
    tree = picture("history-rounds")
    details = picture("history-round")
    board.follow(lambda: views.lineage(desk.store), [], [tree])
    picked = tree.click(_picked, None, chosen, **QUIET)
    watch(
        [picked.then],
        lambda i: views.round_details(desk.store, i),
        [chosen],
        [details],
    )


def _runs(board: Board) -> None:
    desk = board.desk
    before, chosen, drawn = gr.State(0), gr.State(0), gr.State("")
    table = picture("history-runs")
    with gr.Row():
        newest = gr.Button("Newest", size="sm", elem_id="history-newest")
        older = gr.Button("Older", size="sm", elem_id="history-older")
        resume = gr.Button("Resume this run", size="sm", elem_id="history-resume")
    details = picture("history-run")
    shown = [chosen, drawn]
    board.follow(lambda i: views.runs(desk.store, i), [before], [table])
    board.follow(lambda *s: _details(desk, *s), shown, [details, drawn])
    begun = newest.click(lambda: 0, None, before, **QUIET)
    paged = older.click(lambda i: _older(desk, i), before, before, **QUIET)
    pages: list[Callable[..., Any]] = [begun.then, paged.then]
    watch(pages, lambda i: views.runs(desk.store, i), [before], [table])
    picked = table.click(_picked, None, chosen, **QUIET)
    watch([picked.then], lambda *s: _details(desk, *s), shown, [details, drawn])
    board.act([resume.click], lambda i: _resume(desk, i), [chosen])


def _compare(board: Board) -> None:
    desk = board.desk
    with gr.Row():
        sides = [
            gr.Dropdown([], value=None, label=label, min_width=160)
            for label in ("One run", "Another run")
        ]
    result = picture("history-compare")

    def renewed() -> list[gr.Dropdown]:
        return [gr.Dropdown(choices=views.choices(desk.store)) for _ in sides]

    board.on_opening(renewed, [], sides)
    changed = [side.input for side in sides]
    watch(changed, lambda *ids: views.compare(desk.store, *ids), sides, [result])


def _exports(board: Board) -> None:
    desk = board.desk
    of = gr.Dropdown(_sources(desk), value=0, label="Of", elem_id="export-of")
    what = gr.Dropdown(WHAT, value="chat", label="What", elem_id="export-what")
    go = gr.Button("Export", elem_id="export-go")
    made = picture("history-exports")
    file = gr.File(
        label="To save", visible=False, interactive=False, elem_id="export-file"
    )
    board.on_opening(lambda: gr.Dropdown(choices=_sources(desk)), [], [of])
    board.follow(lambda: views.exports(desk.store), [], [made])

    def order(round_id: int, kind: str) -> Html:
        _export(desk, round_id, kind)
        return views.exports(desk.store)

    def fetch(event: gr.EventData) -> gr.File:
        return gr.File(value=_packed(desk, int(event.pick)), visible=True)

    board.act([go.click], order, [of, what], [made])
    board.act([made.click], fetch, [], [file])


def _picked(event: gr.EventData) -> int:
    return int(event.pick)


def _details(desk: Desk, run_id: int, drawn: str) -> tuple[Any, Any]:
    """Return a run; one that has ended is drawn once, so that it stays unfolded."""
    state = desk.store.runs.get(run_id).state if run_id else ""
    now = f"{run_id} {state}"
    if now == drawn and state in ("", *queues.ENDED):
        return gr.skip(), gr.skip()
    return views.run_details(desk.store, run_id), now


def _older(desk: Desk, before_id: int) -> int:
    """Return where the next page begins; the same if there is none."""
    found = views.page(desk.store, before_id)
    last = found[-1].id if len(found) == views.RUNS_A_PAGE else before_id
    return last if desk.store.runs.newest(1, last or None) else before_id


def _resume(desk: Desk, run_id: int) -> None:
    if not run_id:
        raise JobError("Click a run in the table first.")
    desk.order(queues.resume(desk.store, run_id))


def _sources(desk: Desk) -> list[tuple[str, int]]:
    return [("all approved samples", 0), *labels.finished(desk.store)]


def _export(desk: Desk, round_id: int, what: str) -> None:
    """Queue an export into a new folder of the workspace."""
    if not round_id and what not in formats.FORMATS:
        raise InputError("Choose a round; this is not in the approved samples.")
    source = f"round-{round_id}" if round_id else "approved"
    name = f"{source}-{what}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder = desk.folder / "exports" / name
    target = folder if what in formats.WEIGHTS else folder / "data.jsonl"
    desk.order(actions.export(desk.store, what, target, round_id or None))


def _packed(desk: Desk, run_id: int) -> str:
    """Return a zip of what an export wrote, where the browser may fetch it."""
    run = desk.store.runs.get(run_id)
    written = [
        Path(run.result[name]) for name in ("path", "card") if name in run.result
    ]
    if not written or not all(path.exists() for path in written):
        raise JobError(f"The files of run {run_id} are gone; export anew.")
    about = run.settings["round_id"]
    name = f"{f'round-{about}' if about else 'approved'}-{run.settings['what']}.zip"
    return str(formats.pack(written, Path(mkdtemp()) / name))
