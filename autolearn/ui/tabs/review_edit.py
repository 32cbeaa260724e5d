"""Boxes of the review: the texts of a sample, and a question that a person adds."""

from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.errors import Outdated
from autolearn.services import review_actions
from autolearn.services.review_actions import ReviewQueue
from autolearn.ui import html
from autolearn.ui.session import QUIET, PageContext, Session
from autolearn.ui.tabs.review_layout import ABOUT_PASSAGE, Parts
from autolearn.ui.tabs.review_panels import show


def wire(context: PageContext, parts: Parts) -> None:
    """Wire the boxes to the buttons that open, save and close them."""
    _wire_edit(context, parts)
    _wire_own(context, parts)


def _wire_edit(context: PageContext, parts: Parts) -> None:
    session, edit = context.session, parts.edit
    focus = "() => setTimeout(() => document.querySelector('#review-answer textarea')"
    context.on_action(
        [parts.actions.buttons["edit"].click],
        lambda number: (
            gr.Column(visible=True),
            number,
            session.store.decisions.version(),
            *review_actions.texts(session.store, number),
        ),
        [parts.current],
        [edit.panel, edit.sample, edit.known_version, *edit.boxes],
    ).then(None, js=f"{focus}?.focus(), 50)")
    edit.cancel.click(lambda: gr.Column(visible=False), None, edit.panel, **QUIET)

    def save(edited: int, known_version: int, queue: ReviewQueue, *texts: Any) -> Any:
        try:
            note = review_actions.edit(session.store, edited, texts, known_version)
        except Outdated as error:
            note = f"{error} Your text was not saved: {' / '.join(texts)}"
        return show(session, queue, edited, note)

    context.on_action(
        [edit.save.click],
        save,
        [edit.sample, edit.known_version, parts.queue, *edit.boxes],
        parts.shown,
    )


def _wire_own(context: PageContext, parts: Parts) -> None:
    session, own = context.session, parts.own
    question = "#review-own-question textarea"
    context.on_action(
        [parts.actions.buttons["add"].click],
        partial(_open_own, session),
        [parts.current],
        [own.panel, own.boxes[-1]],
    ).then(
        None,
        js=f"() => setTimeout(() => document.querySelector('{question}')?.focus(), 50)",
    )
    own.cancel.click(lambda: gr.Column(visible=False), None, own.panel, **QUIET)

    def save(question: str, answer: str, is_about_text: bool, current: int) -> Any:
        number = review_actions.add_own(
            session.store, question, answer, current, is_about_text=is_about_text
        )
        note = f"Sample {number} is added and approved. Undo takes the approval back."
        text = html.tag("p", html.text(note), "al-note", role="status")
        return gr.Column(visible=False), "", "", text

    context.on_action(
        [own.save.click],
        save,
        [*own.boxes, parts.current],
        [own.panel, *own.boxes[:2], parts.note],
    )


def _open_own(session: Session, current: int) -> tuple[gr.Column, gr.Checkbox]:
    """Open the boxes; a pair can only be about a passage that is shown."""
    has_passage = review_actions.passage_of(session.store, current) is not None
    label = ABOUT_PASSAGE if has_passage else f"{ABOUT_PASSAGE}: none is shown"
    about = gr.Checkbox(value=has_passage, label=label, interactive=has_passage)
    return gr.Column(visible=True), about
