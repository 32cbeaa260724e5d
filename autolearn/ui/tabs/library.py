"""The library: texts come in, are read as passages, and may be left out."""

from pathlib import Path
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.core.settings import StudySettings
from autolearn.ingest import readers
from autolearn.runs.model_choice import chosen_model
from autolearn.services import actions
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, PageContext, Session, html_panel, redraw_on
from autolearn.ui.tabs import corpora
from autolearn.ui.views import library as views

TITLE = "Library"


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    document_id, first = gr.State(0), gr.State(0)
    with gr.Row():
        with gr.Column(min_width=380):
            add, form = _form()
            report = html_panel("library-report")
            documents = html_panel("library-documents")
            kind, questions, take = _questions()
            notice = html_panel("library-told")
            corpora.build(context)
        with gr.Column(min_width=380):
            passages = html_panel("library-passages")

    def draw(document_id: int, start: int) -> Html:
        return views.passages(session.store, document_id, start)

    def show() -> tuple[Html, Html]:
        return views.report(session.store), views.documents(session.store)

    place = [document_id, first]
    context.on_action(
        [take.click],
        lambda *wanted: _take(session, *wanted),
        [kind, questions],
        [notice, questions],
    )
    context.redraw_on_change(show, [], [report, documents])
    context.redraw_on_change(draw, place, [passages])
    context.on_action([add.click], lambda *texts: _add(session, *texts), form, form)
    click = documents.click(_document, None, place, **QUIET)
    redraw_on([click.then], draw, place, [passages], scroll_to_output=True)

    def press(document_id: int, start: int, event: gr.EventData) -> tuple[int, Html]:
        key = str(event.pick)
        if key.startswith(views.TURN):
            start = int(key.removeprefix(views.TURN))
        else:
            _turn(session, int(key))
        return start, draw(document_id, start)

    context.on_action([passages.click], press, place, [first, passages])


def _form() -> tuple[gr.Button, list[gr.components.Component]]:
    """Lay out where texts are given."""
    kinds = ", ".join(kind[1:] for kind in readers.KINDS)
    with gr.Accordion("Add texts", open=True):
        files = gr.File(
            label="Files",
            file_count="multiple",
            file_types=list(readers.KINDS),
            height=150,
            elem_id="library-files",
        )
        folder = gr.Textbox(
            label="Or the path of a file or folder on this computer",
            info=f"Formats: {kinds}.",
            placeholder="/home/me/papers",
            elem_id="library-folder",
        )
        pasted_text = gr.Textbox(
            label="Or paste a text",
            info="It is split into passages at headings and sentence ends.",
            lines=3,
            max_lines=12,
            elem_id="library-text",
        )
        name = gr.Textbox(
            label="Name of the pasted text",
            info="Shown with each passage.",
            placeholder="notes.txt",
            elem_id="library-name",
        )
        add = gr.Button("Add to the library", elem_id="library-add")
    return add, [files, folder, pasted_text, name]


def _questions() -> tuple[gr.Radio, gr.File, gr.Button]:
    """Lay out where instructions without a text, and quizzes, are given."""
    with gr.Accordion("Add instructions or a quiz", open=False):
        kind = gr.Radio(
            [(name, kind) for kind, name in views.QUESTIONS.items()],
            value="instructions",
            label="Content of the file",
            info="Instructions: prompt. Quiz and control: question, answer, and "
            "optionally value and document.",
            elem_id="library-kind",
        )
        file = gr.File(
            label="JSON lines file",
            file_types=[".jsonl"],
            height=120,
            elem_id="library-questions",
        )
        take = gr.Button("Add the file", elem_id="library-take")
    return kind, file, take


def _take(session: Session, kind: str, file: str | None) -> tuple[Html, None]:
    """Add instructions, or questions with gold answers that are never trained on."""
    if not file:
        raise InputError("Choose a file first.")
    store, path = session.store, Path(file)
    if kind == "instructions":
        n = actions.add_instructions(store, path)
    else:
        n = actions.add_gold(store, path, "quiz" if kind == "quiz" else "control")
    return views.taken(kind, n), None


def _document(event: gr.EventData) -> tuple[int, int]:
    return int(event.pick), 0


def _turn(session: Session, passage_id: int) -> None:
    """Leave a passage out of what is studied, or take it in again."""
    now = session.store.library.passages_by_id([passage_id])[passage_id].excluded
    session.store.library.set_excluded([passage_id], excluded=not now)


def _add(
    session: Session, files: list[str] | None, folder: str, pasted_text: str, name: str
) -> tuple[Any, ...]:
    """Order what was given to be read; what is refused at once stays where it is."""
    run = actions.add_texts(
        session.store,
        [Path(folder.strip()).expanduser()] if folder.strip() else [],
        chosen_model(session.store).model,
        StudySettings().passage_tokens,
        uploads=[Path(file) for file in files or ()],
        pasted_text=(name.strip() or "pasted text", pasted_text)
        if pasted_text.strip()
        else None,
    )
    session.order(run)
    return None, "", "", ""
