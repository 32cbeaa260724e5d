"""The library: add texts, read them as passages, and exclude passages."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.core.records import Run
from autolearn.core.settings import StudySettings
from autolearn.ingest import quiz_files, readers
from autolearn.runs.model_choice import chosen_model
from autolearn.services import actions, demo_library, gold_actions, reading_actions
from autolearn.ui.html import Html
from autolearn.ui.picks import PICK_JS
from autolearn.ui.session import QUIET, PageContext, Session, html_panel, redraw_on
from autolearn.ui.tabs import corpora
from autolearn.ui.tabs.document import CONFIRM_JS, SELECTION_JS, press_document
from autolearn.ui.views import document as document_views
from autolearn.ui.views import library as views
from autolearn.ui.views import tokenizer_fit
from autolearn.ui.views.document import LibraryViewState
from autolearn.ui.views.links import tab_of

TITLE = "Library"


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    with gr.Row():
        with gr.Column(min_width=380):
            add, form = _form()
            report = html_panel("library-report")
            kind, questions, add_button = _questions()
            notice = html_panel("library-told")
            corpora.build(context)
        with gr.Column(min_width=380):
            results, documents = _search(context)
            _demo(context)
    context.on_action(
        [add_button.click],
        partial(_add_questions, session),
        [kind, questions],
        [notice, questions],
    )
    context.redraw_on_change(lambda: _show(session), [], [report, documents])
    shown = _passages(context, [documents, results])
    context.on_action([add.click], partial(_add, session), form, [*form, shown])

    def add_other(event: gr.EventData) -> Html:
        return _add_other(session, str(event.pick))

    context.on_action([report.click], add_other, [], [notice])


def _search(context: PageContext) -> tuple[gr.HTML, gr.HTML]:
    """Lay out the search and the list of documents."""
    search = gr.Textbox(
        "",
        label="Search in all passages",
        placeholder="Whole words; the last may be cut short",
        elem_id="library-search",
    )
    results = html_panel("library-found")
    documents = html_panel("library-documents")
    context.links.append(documents)
    redraw_on(
        [search.change],
        lambda words: views.search_results(context.session.store, words),
        [search],
        [results],
    )
    return results, documents


def _demo(context: PageContext) -> None:
    """Lay out the button that removes the demo library."""
    session = context.session
    panel = html_panel("library-demo", script=PICK_JS + CONFIRM_JS)

    def draw() -> Html:
        return views.demo(session.store)

    def press() -> Html:
        demo_library.remove(session.store)
        return draw()

    context.on_action([panel.click], press, [], [panel])
    context.redraw_on_change(draw, [], [panel])


def _passages(context: PageContext, lists: Sequence[gr.HTML]) -> gr.State:
    """Lay out the passages of the document that is clicked in one of the lists.

    Return what is shown, a ``LibraryViewState``.
    """
    session = context.session
    state = gr.State(LibraryViewState())
    script = PICK_JS + SELECTION_JS + CONFIRM_JS
    passages = html_panel("library-passages", script=script)

    def draw(now: LibraryViewState) -> Html:
        return document_views.draw(session.store, now)

    def press(
        now: LibraryViewState, event: gr.EventData
    ) -> tuple[LibraryViewState, Html]:
        after = press_document(session, now, str(event.pick))
        return after, draw(after)

    context.redraw_on_change(draw, [state], [passages])
    for panel in lists:
        picked = panel.click(_picked_place, None, [state], **QUIET)
        redraw_on([picked.then], draw, [state], [passages], scroll_to_output=True)
    context.on_action([passages.click], press, [state], [state, passages])
    return state


def _show(session: Session) -> tuple[Html, Html]:
    """Return the report of the last import of texts, and the documents."""
    store = session.store
    report = Html("") if views.is_of_corpus(store) else views.report(store)
    return report, tokenizer_fit.warning(store) + views.documents(store)


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
            info="It is split into passages at headings and sentence ends. A first "
            "line above a blank line is its title.",
            lines=3,
            max_lines=12,
            elem_id="library-text",
        )
        with gr.Row():
            name = gr.Textbox(
                label="Name of the pasted text",
                info="Shown with each passage.",
                placeholder="notes.txt",
                min_width=150,
                elem_id="library-name",
            )
            group = gr.Textbox(
                label="Folder in the library",
                info="Optional; groups what is added.",
                placeholder="papers",
                min_width=150,
                elem_id="library-group",
            )
        add = gr.Button("Add to the library", elem_id="library-add")
    return add, [files, folder, pasted_text, name, group]


def _questions() -> tuple[gr.Radio, gr.File, gr.Button]:
    """Lay out where instructions without a text, and quizzes, are given."""
    with gr.Accordion("Add a file of questions or instructions", open=False):
        kind = gr.Radio(
            [(name, kind) for kind, name in views.QUESTIONS.items()],
            value="instructions",
            label="Content of the file",
            info="Instructions, tasks without a text: JSON lines with “prompt”. Quiz "
            "and control set, which no round is trained on: "
            f"{quiz_files.FORMATS}. Single questions can be typed under Evaluation.",
            elem_id="library-kind",
        )
        file = gr.File(
            label="File",
            file_types=[".jsonl", ".json", ".csv", ".tsv"],
            height=120,
            elem_id="library-questions",
        )
        add_button = gr.Button("Add the file", elem_id="library-take")
    return kind, file, add_button


def _add_questions(session: Session, kind: str, file: str | None) -> tuple[Html, None]:
    """Add instructions, or questions with gold answers that are never trained on."""
    if not file:
        raise InputError("Choose a file first.")
    store, path = session.store, Path(file)
    if kind == "instructions":
        return views.import_note(kind, gold_actions.add_instructions(store, path)), None
    added = gold_actions.add_gold(store, path, "quiz" if kind == "quiz" else "control")
    return views.import_note(kind, added.n_in_set, added.n_trained), None


def _picked_place(event: gr.EventData) -> Any:
    """Return the document that was clicked, or the passage that a search found."""
    if tab_of(event.pick):
        return gr.skip()
    document_id, _, first = str(event.pick).removeprefix(views.PLACE).partition("-")
    return LibraryViewState(int(document_id), first=int(first or 0))


def _add_other(session: Session, key: str) -> Html:
    """Add a file of chats or the like as what a person has chosen."""
    run_id, number, target = key.removeprefix(views.OTHER).split("-", 2)
    added = reading_actions.add_other(session.store, int(run_id), int(number), target)
    if isinstance(added, Run):
        session.start_worker_for(added)
        return Html("")
    return views.import_note(target, added)


def _add(
    session: Session,
    files: list[str] | None,
    folder: str,
    pasted_text: str,
    name: str,
    group: str,
) -> tuple[Any, ...]:
    """Queue the reading of texts, and show them; what is refused stays in the form."""
    run = actions.add_texts(
        session.store,
        [Path(folder.strip()).expanduser()] if folder.strip() else [],
        chosen_model(session.store).model,
        StudySettings().passage_tokens,
        uploads=actions.Uploads(
            [Path(file) for file in files or ()],
            (name.strip() or "pasted text", pasted_text)
            if pasted_text.strip()
            else None,
            group,
        ),
    )
    session.start_worker_for(run)
    return None, "", "", "", group, LibraryViewState()
