"""Chat: the same question to two sets of weights, and to the texts themselves."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.records import Run
from autolearn.core.run_settings import ChatRunSettings
from autolearn.runs.model_choice import chosen_model
from autolearn.services import conversations, model_scope
from autolearn.services.conversations import NEWEST, ChatForm
from autolearn.ui.drawn_numbers import drawn_number
from autolearn.ui.dropdowns import offer
from autolearn.ui.html import Html
from autolearn.ui.session import PageContext, Session, html_panel, redraw_on
from autolearn.ui.tabs import chat_settings
from autolearn.ui.views import chat as views
from autolearn.ui.views import labels

TITLE = "Chat"
N_TITLE = 60
"""Characters of the first question by which a conversation is listed."""
EMPTY_JS = "(now, sent) => [now.startsWith(sent) ? now.slice(sent.length) : now, '']"
"""Empties the box of what was sent; what was typed since then stays."""


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    sides, options = _lay_out_columns(session)
    with gr.Accordion("Length, temperature and system prompt", open=False), gr.Row():
        sampling = chat_settings.lay_out()
    question, send = _lay_out_question()
    past, again, stop, clear = _lay_out_conversations()
    panel = html_panel("chat-conversation")
    # What the buttons act on: another window may have begun a new chat since.
    shown = drawn_number()
    conversation = [panel, past, shown]
    context.redraw_on_change(partial(_redraw, session), [shown], conversation)
    context.redraw_on_opening(lambda: _past_chats(session), [], [past])
    redraw_on([past.input], partial(_open, session), [past], [panel, shown])
    context.on_action([stop.click], partial(_stop, session), [shown])
    context.on_action(
        [again.click],
        partial(_regenerate, session),
        [shown, *sampling],
        conversation,
    )
    context.redraw_on_opening(partial(_model_choices, session), sides, sides)
    sent = gr.Textbox("", visible="hidden", container=False)
    *how, follow_up = options
    form = [question, *sides, *how, *sampling, follow_up]
    context.on_action(
        [send.click, question.submit],
        lambda number, *values: _send(session, number, ChatForm(*values)),
        [shown, *form],
        [sent, *conversation],
    ).then(None, [question, sent], [question, sent], js=EMPTY_JS)
    context.on_action([clear.click], lambda: _clear(session), [], conversation)


def _lay_out_columns(session: Session) -> tuple[list[gr.Dropdown], list[gr.Checkbox]]:
    """Lay out who answers, and how: open-book, refined, as a follow-up."""
    with gr.Row():
        left = gr.Dropdown(
            value=0,
            choices=_choices(session),
            label="Left model",
            info="The base model alone, or with the adapter of a round.",
        )
        right = gr.Dropdown(
            value=NEWEST,
            choices=_choices(session),
            label="Right model",
            info="Answers the same question. The newest round is one not rolled back.",
        )
    with gr.Row():
        open_book = gr.Checkbox(
            label="Open book",
            info="Adds a column: the left model answers from your texts.",
        )
        refine = gr.Checkbox(
            label="Refine",
            info="Left and right check their answers; one called wrong is rewritten.",
        )
        follow_up = gr.Checkbox(
            label="Follow up",
            info="Sends the earlier turns along, which can mislead a small model.",
        )
    return [left, right], [open_book, refine, follow_up]


def _lay_out_question() -> tuple[gr.Textbox, gr.Button]:
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            label="Question",
            show_label=False,
            placeholder="Ask a question (Enter sends)",
            scale=5,
            elem_id="chat-question",
        )
        send = gr.Button("Send", variant="primary", scale=1, elem_id="chat-send")
    return question, send


def _lay_out_conversations() -> tuple[gr.Dropdown, gr.Button, gr.Button, gr.Button]:
    """Lay out the list of conversations and the actions on the current one."""
    with gr.Row(equal_height=True):
        past = gr.Dropdown(
            [],
            value=None,
            label="Conversation",
            show_label=False,
            container=False,
            filterable=False,
            scale=5,
            elem_id="chat-past",
        )
        small: dict[str, Any] = {"size": "sm", "scale": 1, "min_width": 80}
        again = gr.Button("Regenerate", elem_id="chat-again", **small)
        stop = gr.Button("Stop", elem_id="chat-stop", **small)
        clear = gr.Button("New chat", elem_id="chat-clear", **small)
    return past, again, stop, clear


def _choices(session: Session) -> list[tuple[str, int]]:
    """Return what can answer, in words: the one in use is marked."""
    rounds = labels.rounds_in_use(session.store)
    in_use = chosen_model(session.store).round_id or labels.BASE[1]
    named = [
        (f"{title}, in use" if number == in_use else title, number)
        for title, number in (labels.BASE, *rounds)
    ]
    return [named[0], ("newest round", NEWEST), *named[1:]]


def _model_choices(
    session: Session, left: int | None, right: int | None
) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Return the choices for the model in use; a round of another model is dropped."""
    choices = _choices(session)
    return offer(choices, left, labels.BASE[1]), offer(choices, right, NEWEST)


def _conversation(session: Session) -> tuple[Html, int]:
    """Return the current conversation, and its number."""
    number = conversations.current(session.store)
    return views.conversation(session.store, number), number


def _redraw(session: Session, shown: int) -> tuple[Html, Any, int]:
    """Return the conversation; the list of all only if it is another one."""
    panel, number = _conversation(session)
    past = gr.skip() if number == shown else _past_chats(session)
    return panel, past, number


def _with_list(session: Session) -> tuple[Html, gr.Dropdown, int]:
    panel, number = _conversation(session)
    return panel, _past_chats(session), number


def _send(
    session: Session, shown: int, form: ChatForm
) -> tuple[str, Html, gr.Dropdown, int]:
    """Ask a question in the conversation shown; return it, to empty its box of it."""
    number = _number(session, shown)
    _answer(session, conversations.ask(session.store, number, form))
    return form.question, *_with_list(session)


def _regenerate(
    session: Session,
    shown: int,
    temperature: float | None,
    length: int | None,
    system: str,
) -> tuple[Html, gr.Dropdown, int]:
    """Ask the last question again, with the settings as they are now."""
    number, drawn = _number(session, shown), conversations.sampling(temperature, length)
    _answer(session, conversations.regenerate(session.store, number, drawn, system))
    return _with_list(session)


def _stop(session: Session, shown: int) -> None:
    number = _number(session, shown)
    conversations.select(session.store, number)
    conversations.stop(session.store, number)


def _number(session: Session, shown: int) -> int:
    """Return the conversation that is shown; 0: none is drawn yet."""
    return shown or conversations.current(session.store)


def _answer(session: Session, runs: Sequence[Run]) -> None:
    for run in runs[:1]:  # one worker does all of them
        session.start_worker_for(run)


def _clear(session: Session) -> tuple[Html, gr.Dropdown, int]:
    conversations.begin(session.store)
    return _with_list(session)


def _open(session: Session, number: int) -> tuple[Html, int]:
    if not session.store.read_only:
        conversations.select(session.store, number)
    return views.conversation(session.store, number), number


def _past_chats(session: Session) -> gr.Dropdown:
    """Offer the conversations with the model that is shown, the newest first."""
    store = session.store
    choices = [
        (_title(run), ChatRunSettings.of(run).conversation or 0)
        for run in store.runs.conversations(model_scope.shown_digest(store))
    ]
    now = conversations.current(store)
    if all(number != now for _, number in choices):
        choices.insert(0, ("New chat", now))
    return gr.Dropdown(choices=choices, value=now)


def _title(run: Run) -> str:
    question = ChatRunSettings.of(run).messages[-1].content
    words = " ".join(question.split())
    short = words if len(words) <= N_TITLE else f"{words[:N_TITLE]}…"
    return f"{labels.local_time(run.created_at)}: {short}"
