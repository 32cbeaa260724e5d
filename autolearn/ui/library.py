"""The library: texts come in, are read as passages, and may be left out."""

from pathlib import Path
from typing import Any

import gradio as gr

from autolearn import orders
from autolearn.errors import InputError
from autolearn.records import Passage
from autolearn.settings import StudySettings
from autolearn.ui.desk import QUIET, Board, Desk, picture, watch
from autolearn.ui.html import Html
from autolearn.ui.views import library as views

TITLE = "Library"
SUFFIXES = [".txt", ".md"]


def build(board: Board, tab: gr.Tab) -> None:
    """Lay out the tab and wire it to the board."""
    desk = board.desk
    chosen = gr.State(0)
    with gr.Row():
        with gr.Column(min_width=380):
            with gr.Accordion("Add texts", open=True):
                files = gr.File(
                    label="Files, as many as you like (txt, md)",
                    file_count="multiple",
                    file_types=SUFFIXES,
                    height=150,
                    elem_id="library-files",
                )
                name = gr.Textbox(
                    label="Name of a text that you paste",
                    info="It stands with each passage.",
                    placeholder="notes.txt",
                    elem_id="library-name",
                )
                pasted = gr.Textbox(
                    label="Text",
                    info="Passages are cut at headings and sentences.",
                    lines=3,
                    max_lines=12,
                    elem_id="library-text",
                )
                add = gr.Button("Add to the library", elem_id="library-add")
            report = picture("library-report")
            documents = picture("library-documents")
        with gr.Column(min_width=380):
            passages = picture("library-passages")
    board.follow(tab, lambda: views.documents(desk.store), [], [documents])
    board.follow(tab, lambda i: views.passages(desk.store, i), [chosen], [passages])
    board.act(
        [add.click],
        lambda *given: _add(desk, *given),
        [files, name, pasted],
        [report, files, name, pasted],
    )
    picked = documents.click(_picked, None, chosen, **QUIET)
    watch([picked.then], lambda i: views.passages(desk.store, i), [chosen], [passages])

    def exclude(document_id: int, event: gr.EventData) -> Html:
        _turn(desk, int(event.pick))
        return views.passages(desk.store, document_id)

    board.act([passages.click], exclude, [chosen], [passages])


def _picked(event: gr.EventData) -> int:
    return int(event.pick)


def _turn(desk: Desk, passage_id: int) -> None:
    """Leave a passage out of what is studied, or take it in again."""
    now = desk.store.db.by_id(Passage, [passage_id])[passage_id].excluded
    desk.store.library.set_excluded([passage_id], excluded=not now)


def _add(
    desk: Desk, files: list[str] | None, name: str, pasted: str
) -> tuple[Any, ...]:
    """Add what was uploaded and pasted; what was refused stays where it is."""
    paths = [Path(file) for file in files or ()]
    tokens = StudySettings().passage_tokens
    if not paths and not pasted.strip():
        raise InputError("Choose files or paste a text first.")
    added, refused = orders.add_documents(desk.store, paths, "built-in", tokens)
    left = gr.Textbox(value=name), gr.Textbox(value=pasted)
    if pasted.strip():
        told_name = name.strip() or "pasted text"
        try:
            added.append(
                orders.add_text(desk.store, told_name, pasted, "built-in", tokens)
            )
            left = gr.Textbox(value=""), gr.Textbox(value="")
        except InputError as error:
            refused.append(str(error))
    return views.added(added, refused), None, *left
