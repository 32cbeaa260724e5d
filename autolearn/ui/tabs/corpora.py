"""The part of the library for gold corpora: they come in, are listed, and removed."""

from pathlib import Path
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.ingest import corpora, importer
from autolearn.services import actions
from autolearn.ui.html import Html
from autolearn.ui.session import Board, Desk, picture
from autolearn.ui.views import corpora as views


def build(board: Board) -> None:
    """Lay out the part and wire it to the board."""
    desk = board.desk
    file, licence, take, make = _form()
    listing = picture("library-corpora")

    def draw() -> Html:
        return views.corpora(desk.store)

    def press(event: gr.EventData) -> Html:
        _press(desk, str(event.pick))
        return draw()

    given: list[Any] = [file, licence]
    board.act([take.click], lambda *of: _take(desk, *of), given, given)
    board.act([make.click], lambda: _make(desk), [], [])
    board.act([listing.click], press, [], [listing])
    board.follow(draw, [], [listing])


def _form() -> tuple[gr.File, gr.Textbox, gr.Button, gr.Button]:
    with gr.Accordion("Add gold examples, to teach meta-skills", open=False):
        file = gr.File(
            label="SQuAD-style JSON, or JSON lines of texts with questions and answers",
            file_types=[".json", ".jsonl"],
            height=120,
            elem_id="library-corpus",
        )
        licence = gr.Textbox(
            label="Licence and origin",
            info="A note that is kept with it.",
            placeholder="CC BY-SA 4.0, Wikipedia",
            elem_id="library-licence",
        )
        take = gr.Button("Add the corpus", elem_id="library-corpus-take")
        make = gr.Button("Add the invented world", elem_id="library-corpus-make")
    return file, licence, take, make


def _take(desk: Desk, file: str | None, licence: str) -> tuple[None, str]:
    """Order a corpus to be read; what is refused at once stays where it is."""
    if not file:
        raise InputError("Choose a corpus file first.")
    store = desk.store
    folder, (upload,) = importer.given(store, [], [Path(file)], None)
    assert folder is not None
    desk.order(
        corpora.add(
            store,
            Path(upload["path"]),
            actions.chosen_model(store).model,
            licence,
            staged=(folder, upload["name"]),
        )
    )
    return None, ""


def _make(desk: Desk) -> None:
    store = desk.store
    desk.order(corpora.add(store, None, actions.chosen_model(store).model))


def _press(desk: Desk, key: str) -> None:
    """Remove a corpus, or turn whether it is used."""
    store = desk.store
    if key.startswith(views.REMOVE):
        corpora.remove(store, int(key.removeprefix(views.REMOVE)))
        return
    corpus = store.corpora.get(int(key))
    store.corpora.set_excluded(corpus.id, excluded=not corpus.excluded)
