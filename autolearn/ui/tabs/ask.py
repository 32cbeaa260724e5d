"""Chat: the same question to two sets of weights, and to the texts themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Run
from autolearn.core.run_results import ChatResult
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.runs.model_choice import check_base, chosen_model, finished_round
from autolearn.services import actions, model_scope
from autolearn.store import Store
from autolearn.ui.html import Html
from autolearn.ui.session import PageContext, Session, html_panel
from autolearn.ui.views import ask as views
from autolearn.ui.views import labels

TITLE = "Chat"
NEWEST = -1
"""The round that is the newest when it is asked."""

SHORTEST_CONTEXT = 1024
"""Tokens that a model is taken to read where it does not say."""

CHOICE = "conversation"


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    with gr.Row():
        left = gr.Dropdown(
            value=0,
            choices=_choices(session),
            label="Left model",
            info="the base model, or the adapter of a round",
        )
        right = gr.Dropdown(
            value=NEWEST,
            choices=_choices(session),
            label="Right model",
            info="answers the same question, to compare",
        )
        open_book = gr.Checkbox(
            label="Open book", info="adds a column that answers from your texts"
        )
        refine = gr.Checkbox(
            label="Refine", info="each model checks its answer and writes it again"
        )
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            show_label=False,
            placeholder="Ask a question (Enter sends)",
            scale=5,
            elem_id="ask-question",
        )
        send = gr.Button("Send", variant="primary", scale=1, elem_id="ask-send")
        clear = gr.Button("New chat", scale=1, elem_id="ask-clear")
    panel = html_panel("ask-conversation")
    context.redraw_on_change(lambda: _conversation(session), [], [panel])
    sides = [left, right]
    context.redraw_on_opening(lambda *of: _model_choices(session, *of), sides, sides)
    form = [question, left, right, open_book, refine]

    def order(*values: str | int | bool) -> tuple[str, Html]:
        _ask(session, AskForm(*values))  # type: ignore[arg-type]
        return "", _conversation(session)

    context.on_action([send.click, question.submit], order, form, [question, panel])
    context.on_action([clear.click], lambda: _clear(session), [], [panel])


@dataclass(frozen=True)
class AskForm:
    """What a person has typed and chosen."""

    question: str
    left: int
    right: int
    open_book: bool
    refine: bool


def _rounds(store: Store) -> list[tuple[str, int]]:
    """Return the finished rounds of the model in use; none if it is not there."""
    digest = model_scope.chosen_digest(store)
    return labels.finished(store, digest) if digest else []


def _choices(session: Session) -> list[tuple[str, int]]:
    return [labels.BASE, ("newest round", NEWEST), *_rounds(session.store)]


def _model_choices(
    session: Session, left: int | None, right: int | None
) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Return the choices for the model in use; a round of another model is dropped."""
    choices = _choices(session)
    values = {value for _, value in choices}
    chosen = (left if left in values else 0, right if right in values else NEWEST)
    first, second = (gr.Dropdown(choices=choices, value=value) for value in chosen)
    return first, second


def _number(store: Store) -> int:
    return store.choices.get(CHOICE) or 1


def _conversation(session: Session) -> Html:
    return views.conversation(session.store, _number(session.store))


def _clear(session: Session) -> Html:
    """Begin a new conversation; the old one stays with its runs."""
    store = session.store
    if store.runs.conversation(_number(store)):
        store.choices.set(CHOICE, _number(store) + 1)
    return _conversation(session)


def _ask(session: Session, wish: AskForm) -> None:
    """Queue the question once for each column.

    Before the first round, the right column gets no question.

    Raises:
        InputError: The question is empty, or the texts say nothing about it.
        JobError: The left column has no round either, or earlier answers are still
            being written.
    """
    store = session.store
    question = wish.question.strip()
    if not question:
        raise InputError("Type a question first.")
    columns = {"left": _model(store, wish.left)}
    if wish.right != NEWEST or _newest(store):
        columns["right"] = _model(store, wish.right)
    past = _past(session, columns["left"].model)
    passages = _passages(store, question, columns["left"]) if wish.open_book else []
    if wish.open_book:
        columns["open"] = columns["left"]
    turn = 1 + max((ChatRunSettings.of(run).turn or 0 for run in past), default=0)
    for column, model in columns.items():
        passage_ids = tuple(passages) if column == "open" else None
        run = actions.chat(
            store,
            model,
            [*_before(past, column), Message("user", question)],
            Sampling(),
            refine=wish.refine and column != "open",
            place=actions.ChatPlace(_number(store), turn, column, passage_ids),
        )
    session.order(run)


def _past(session: Session, model: str) -> list[Run]:
    """Return the conversation so far; one with another model is left behind.

    Raises:
        JobError: The answers to the last question are not there yet.
    """
    store = session.store
    past = store.runs.conversation(_number(store))
    if pending := [run for run in past if run.state in ("queued", "running")]:
        session.order(pending[0])  # its worker may have been lost
        raise JobError("The answers to the last question are still being written.")
    if any(ChatRunSettings.of(run).model.model != model for run in past):
        store.choices.set(CHOICE, _number(store) + 1)
        return []
    return past


def _model(store: Store, choice: int) -> ModelSettings:
    """Return the model in use with the adapter that a column asks for.

    Raises:
        JobError: There is no round yet, or the round belongs to another model.
        ModelNotFound: The model is not there.
    """
    round_id = _newest(store) if choice == NEWEST else choice
    if round_id is None:
        raise JobError(
            "There is no trained round yet; train one, or choose the base model on "
            "the left."
        )
    model = replace(chosen_model(store), round_id=round_id or None)
    # All columns are checked before one is queued: a half-queued question would
    # block the conversation.
    model_files.locate(model.model)
    if model.round_id:
        check_base(finished_round(store, model.round_id), model)
    return model


def _newest(store: Store) -> int | None:
    """Return the newest round that is finished, None before there is one."""
    return next((round_id for _, round_id in _rounds(store)), None)


def _passages(store: Store, question: str, model: ModelSettings) -> list[int]:
    """Return the passages to look into; half of what the model reads is for them."""
    context = (
        model_shape.of(model_files.locate(model.model)).context or SHORTEST_CONTEXT
    )
    passages = store.library.passages_about(question, n_tokens=context // 2)
    if not passages:
        raise InputError(
            "No passage shares a word with this question; switch open book off."
        )
    return [passage.id for passage in passages]


def _before(past: Sequence[Run], column: str) -> list[Message]:
    """Return what was asked and answered in a column so far."""
    messages: list[Message] = []
    for run in past:
        settings = ChatRunSettings.of(run)
        if settings.column == column and run.state == "done":
            prompt, answer = settings.messages[-1].content, ChatResult.of(run).final
            messages += [Message("user", prompt), Message("assistant", answer)]
    return messages
