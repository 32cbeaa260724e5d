"""The part of the library for gold corpora: add, list and remove them."""

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.runs.model_choice import chosen_model
from autolearn.services import corpus_actions
from autolearn.ui.html import Html
from autolearn.ui.picks import PICK_JS
from autolearn.ui.session import PageContext, Session, html_panel
from autolearn.ui.tabs.document import CONFIRM_JS
from autolearn.ui.views import corpora as views
from autolearn.ui.views import library as library_views


def build(context: PageContext) -> None:
    """Lay out the part and wire it to the page."""
    session = context.session
    file, licence, add_button, make = _form()
    report = html_panel("library-corpora-report")
    listing = html_panel("library-corpora", script=PICK_JS + CONFIRM_JS)

    def press(event: gr.EventData) -> Html:
        _press(session, str(event.pick))
        return views.corpora(session.store)

    form: list[Any] = [file, licence]
    context.on_action([add_button.click], partial(_add, session), form, form)
    context.on_action([make.click], lambda: _make(session), [], [])
    context.on_action([listing.click], press, [], [listing])
    context.redraw_on_change(lambda: _show(session), [], [report, listing])


def _show(session: Session) -> tuple[Html, Html]:
    """Return the report of the last import, if it is of a corpus, and the corpora."""
    store = session.store
    is_of_corpus = library_views.is_of_corpus(store)
    report = library_views.report(store) if is_of_corpus else Html("")
    return report, views.corpora(store)


def _form() -> tuple[gr.File, gr.Textbox, gr.Button, gr.Button]:
    with gr.Accordion("Add gold examples to teach meta-skills", open=False):
        file = gr.File(
            label="SQuAD-style JSON, or JSON lines of texts with questions and answers",
            file_types=[".json", ".jsonl"],
            height=160,
            elem_id="library-corpus",
        )
        licence = gr.Textbox(
            label="Licence and origin",
            info="Stored with the corpus.",
            placeholder="CC BY-SA 4.0, Wikipedia",
            elem_id="library-licence",
        )
        add_button = gr.Button("Add the corpus", elem_id="library-corpus-take")
        make = gr.Button(
            "Add the built-in invented world", elem_id="library-corpus-make"
        )
    return file, licence, add_button, make


def _add(session: Session, file: str | None, licence: str) -> tuple[None, str]:
    """Queue the reading of a corpus; the form keeps what is refused at once."""
    if not file:
        raise InputError("Choose a corpus file first.")
    store = session.store
    model = chosen_model(store).model
    session.start_worker_for(
        corpus_actions.add(store, Path(file), model, licence, is_upload=True)
    )
    return None, ""


def _make(session: Session) -> None:
    store = session.store
    session.start_worker_for(corpus_actions.add(store, None, chosen_model(store).model))


def _press(session: Session, key: str) -> None:
    """Remove a corpus, or exclude or include it."""
    store, number = session.store, int(key.rpartition("-")[2])
    if key.startswith(views.REMOVE):
        corpus_actions.remove(store, number)
        return
    corpus = store.corpora.get(number)
    store.corpora.set_excluded(corpus.id, excluded=key.startswith(views.EXCLUDE))
