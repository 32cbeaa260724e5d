"""The prompts in the study tab: read, change, preview and reset them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.runs.model_choice import chosen_model
from autolearn.services import prompt_editor
from autolearn.study.prompts import names
from autolearn.ui import html
from autolearn.ui.dropdowns import offer
from autolearn.ui.html import Html
from autolearn.ui.session import (
    PageContext,
    Session,
    draw_on_load,
    html_panel,
    redraw_on,
)
from autolearn.ui.views import prompts as views

N_LINES, N_LINES_SHOWN = 14, 30
FIRST = ("the first document", 0)
"""The document of a preview unless another is chosen."""


@dataclass(frozen=True)
class _Edits:
    """The prompt in the box, its text as it was saved, and unsaved texts of others."""

    name: str | None = None
    saved: str = ""
    unsaved: Mapping[str, str] = field(default_factory=dict)


def build(context: PageContext) -> None:
    """Lay out the part and wire it to the page."""
    session = context.session
    with gr.Accordion("Prompts", open=False, elem_id="prompts"):
        choice, about = _choice_row()
        text, save, reset = _editor()
        document, number, look = _preview_form(context)
        preview, edits = html_panel("prompts-preview"), gr.State(_Edits())
    draw_on_load(partial(_first, session), [], [text, edits])
    context.redraw_on_change(partial(_about, session), [choice], [about])
    redraw_on(
        [choice.input],
        partial(_open, session),
        [choice, text, edits],
        [text, edits, about, preview],
    )
    context.on_action(
        [save.click], partial(_save, session), [choice, text, edits], [edits, about]
    )
    context.on_action(
        [reset.click],
        partial(_reset, session),
        [choice, edits],
        [text, edits, about],
    )
    context.on_action(
        [look.click],
        partial(_preview, session),
        [choice, text, document, number],
        [preview],
    )


def _choice_row() -> tuple[gr.Dropdown, gr.HTML]:
    """Lay out the choice of a prompt, with its description."""
    with gr.Row(equal_height=True):
        choice = gr.Dropdown(
            list(names()),
            value=names()[0],
            label="Prompt",
            info="What the model is asked, in Markdown, with worked examples.",
            elem_id="prompts-choice",
        )
        return choice, html_panel("prompts-about")


def _editor() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    """Lay out the text of a prompt, and the buttons to save and to restore it."""
    text = gr.Textbox(
        label="Text",
        info="$names are placeholders; keep all of them. A saved prompt is used from "
        "the next run on.",
        lines=N_LINES,
        max_lines=N_LINES_SHOWN,
        elem_id="prompts-text",
    )
    with gr.Row():
        save = gr.Button("Save", variant="primary", elem_id="prompts-save")
        reset = gr.Button("Restore default", elem_id="prompts-reset")
    return text, save, reset


def _preview_form(context: PageContext) -> tuple[gr.Dropdown, gr.Number, gr.Button]:
    """Lay out which passage a preview is for; documents are looked up on opening."""
    with gr.Row(equal_height=False):
        document = gr.Dropdown(
            [FIRST],
            value=0,
            label="Document",
            info="Its text is used in the preview.",
            elem_id="prompts-document",
        )
        number = gr.Number(
            value=1,
            precision=0,
            label="Passage",
            info="Its number in the document, from 1.",
            elem_id="prompts-passage",
        )
        look = gr.Button("Preview", min_width=120, elem_id="prompts-look")

    def documents(chosen: int) -> gr.Dropdown:
        shelf = context.session.store.library.document_sizes()
        names = [(document.name, document.id) for document in shelf]
        return offer([FIRST, *names], chosen, 0)

    context.redraw_on_opening(documents, [document], [document])
    return document, number, look


def _about(session: Session, name: str | None) -> Html:
    return views.about(prompt_editor.states(session.folder), name)


def _first(session: Session) -> tuple[str, _Edits]:
    saved = _saved(session, names()[0])
    return saved, _Edits(names()[0], saved)


def _open(
    session: Session, name: str | None, text: str, edits: _Edits
) -> tuple[str, _Edits, Html, Html]:
    """Show another prompt; what was changed in the one before is kept until then."""
    unsaved = dict(edits.unsaved)
    if edits.name and text != edits.saved:
        unsaved[edits.name] = text
    saved = _saved(session, name)
    box_text = unsaved.pop(name or "", saved)
    return box_text, _Edits(name, saved, unsaved), _about(session, name), Html("")


def _save(
    session: Session, name: str | None, text: str, edits: _Edits
) -> tuple[_Edits, Html]:
    """Save a prompt; if it was changed elsewhere, only at the second attempt."""
    prompt_name = _prompt_name(name)
    stored = _saved(session, prompt_name)
    if stored.strip() not in (edits.saved.strip(), text.strip()):
        question = html.problem(
            f"{prompt_name} was changed elsewhere after you had opened it here; press "
            "Save again to replace that text."
        )
        return replace(edits, saved=stored), question + _about(session, name)
    prompt_editor.save(session.folder, prompt_name, text)
    return replace(edits, saved=text), _about(session, name)


def _reset(
    session: Session, name: str | None, edits: _Edits
) -> tuple[str, _Edits, Html]:
    prompt_editor.reset(session.folder, _prompt_name(name))
    saved = _saved(session, name)
    return saved, replace(edits, saved=saved), _about(session, name)


def _saved(session: Session, name: str | None) -> str:
    return prompt_editor.read(session.folder, name) if name else ""


def _prompt_name(name: str | None) -> str:
    if not name:
        raise InputError("Choose a prompt first.")
    return name


def _preview(
    session: Session,
    name: str | None,
    text: str,
    document: int,
    number: float | None,
) -> Html:
    """Show what the chosen model would be shown, by the text that is in the box.

    Raises:
        InputError: No prompt is chosen, or there is no such passage.
        PromptError: The text cannot be used.
    """
    prompt_name, store = _prompt_name(name), session.store
    shelf = store.library.document_sizes()
    if not shelf:
        raise InputError("There is no text yet; add one under Library.")
    source = next((source for source in shelf if source.id == document), shelf[0])
    place = int(number or 1)
    passages = store.library.stretch(source.id, place - 1, 1) if place > 0 else []
    if not passages:
        n, _ = store.library.coverage(source.id)
        raise InputError(
            f"{source.name} has {html.count(n, 'passage')}; enter 1 to {n}."
        )
    model = chosen_model(store)
    preview = prompt_editor.preview(store, model, prompt_name, text, passages[0])
    return views.preview(preview, f"{source.name}, passage {place}")
