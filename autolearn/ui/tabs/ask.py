"""Chat: the same question to two sets of weights, and to the texts themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Run
from autolearn.core.run_results import ChatResult
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.runs import model_references, queues
from autolearn.runs.model_choice import check_base, chosen_model, finished_round
from autolearn.services import actions, model_scope
from autolearn.services.model_scope import shown_digest
from autolearn.store import Store
from autolearn.ui.html import Html
from autolearn.ui.session import PageContext, Session, html_panel, redraw_on
from autolearn.ui.tabs import ask_settings
from autolearn.ui.tabs.ask_settings import LENGTH
from autolearn.ui.views import ask as views
from autolearn.ui.views import labels

TITLE = "Chat"
NEWEST = -1
"""The round that is the newest when it is asked."""

SHORTEST_CONTEXT = 1024
"""Tokens that a model is taken to read where it does not say."""

CHOICE = "conversation"
AGAIN = 0.8
"""The temperature of another answer where the first was the likeliest."""
N_TITLE = 60
"""Characters of the first question by which a conversation is listed."""


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    with gr.Row():
        left = gr.Dropdown(
            value=0,
            choices=_choices(session),
            label="Left model",
            info="The base model, or the adapter of a round.",
        )
        right = gr.Dropdown(
            value=NEWEST,
            choices=_choices(session),
            label="Right model",
            info="Answers the same question, to compare.",
        )
        open_book = gr.Checkbox(
            label="Open book", info="Adds a column that answers from your texts."
        )
        refine = gr.Checkbox(
            label="Refine", info="Each model checks its answer and rewrites it."
        )
    with gr.Accordion("Length, temperature and system prompt", open=False), gr.Row():
        how = ask_settings.lay_out()
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            show_label=False,
            placeholder="Ask a question (Enter sends)",
            scale=5,
            elem_id="ask-question",
        )
        send = gr.Button("Send", variant="primary", scale=1, elem_id="ask-send")
    with gr.Row(equal_height=True):
        past = gr.Dropdown(
            [],
            value=None,
            label="Conversation",
            show_label=False,
            container=False,
            filterable=False,
            scale=5,
            elem_id="ask-past",
        )
        small: dict[str, Any] = {"size": "sm", "scale": 1, "min_width": 90}
        again = gr.Button("Regenerate", elem_id="ask-again", **small)
        stop = gr.Button("Stop", elem_id="ask-stop", **small)
        clear = gr.Button("New chat", elem_id="ask-clear", **small)
    panel = html_panel("ask-conversation")
    context.redraw_on_change(lambda: _conversation(session), [], [panel])
    context.redraw_on_opening(lambda: _past_chats(session), [], [past])
    redraw_on([past.input], lambda number: _open(session, number), [past], [panel])
    context.on_action([stop.click], lambda: _stop(session))
    context.on_action([again.click], lambda: _again(session), [], [panel])
    sides = [left, right]
    context.redraw_on_opening(lambda *of: _model_choices(session, *of), sides, sides)
    form = [question, left, right, open_book, refine, *how]

    def order(*values: Any) -> tuple[str, Html, gr.Dropdown]:
        _ask(session, AskForm(*values))
        return "", _conversation(session), _past_chats(session)

    outputs = [question, panel, past]
    context.on_action([send.click, question.submit], order, form, outputs)
    context.on_action(
        [clear.click],
        lambda: (_clear(session), _past_chats(session)),
        [],
        [panel, past],
    )


@dataclass(frozen=True)
class AskForm:
    """What a person has typed and chosen."""

    question: str
    left: int
    right: int
    open_book: bool
    refine: bool
    temperature: float | None = 0.0
    length: int | None = LENGTH
    system: str = ""

    def sampling(self) -> Sampling:
        """Return how answers are drawn.

        Raises:
            InputError: A number is missing or out of its range.
        """
        if self.temperature is None or not 0 <= self.temperature <= 2:
            raise InputError("Enter a temperature from 0 to 2.")
        if not self.length or self.length < 1:
            raise InputError("Enter a length of at least 1 token.")
        return Sampling(self.temperature, max_new_tokens=self.length)


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
    sampling = wish.sampling()
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
            sampling,
            refine=wish.refine and column != "open",
            place=actions.ChatPlace(
                _number(store), turn, column, passage_ids, wish.system.strip() or None
            ),
        )
    session.order(run)


def _past_chats(session: Session) -> gr.Dropdown:
    """Offer the conversations with the model that is shown, the newest first."""
    store = session.store
    choices = [
        (_title(run), ChatRunSettings.of(run).conversation or 0)
        for run in store.runs.conversations(shown_digest(store))
    ]
    now = _number(store)
    if all(number != now for _, number in choices):
        choices.insert(0, ("New chat", now))
    return gr.Dropdown(choices=choices, value=now)


def _title(run: Run) -> str:
    question = ChatRunSettings.of(run).messages[-1].content
    words = " ".join(question.split())
    short = words if len(words) <= N_TITLE else f"{words[:N_TITLE]}…"
    return f"{labels.local_time(run.created_at)}: {short}"


def _open(session: Session, number: int) -> Html:
    """Go on with an earlier conversation."""
    session.store.choices.set(CHOICE, number)
    return _conversation(session)


def _stop(session: Session) -> None:
    """Stop the answers that are being written.

    Raises:
        JobError: None is.
    """
    store = session.store
    active = [
        run
        for run in store.runs.conversation(_number(store))
        if run.state in ("queued", "running")
    ]
    if not active:
        raise JobError("No answer is being written, so there is nothing to stop.")
    for run in reversed(active):
        queues.cancel(store, run.id)


def _again(session: Session) -> Html:
    """Queue other answers to the last question, in place of those it has.

    Raises:
        JobError: Nothing was asked, or the answers are still being written.
    """
    store = session.store
    past = _past(session, chosen_model(store).model)
    if not past:
        raise JobError("Ask a question first.")
    last = _latest(past)[-1]
    turn = ChatRunSettings.of(last).turn
    for run in _latest(past):
        settings = ChatRunSettings.of(run)
        if settings.turn != turn:
            continue
        sampling = replace(settings.sampling, seed=settings.sampling.seed + 1)
        if not sampling.temperature:  # else it would be the same answer again
            sampling = replace(sampling, temperature=AGAIN)
        place = actions.ChatPlace(
            settings.conversation,
            turn,
            settings.column,
            settings.passages,
            settings.system,
        )
        queued = actions.chat(
            store,
            settings.model,
            settings.messages,
            sampling,
            refine=settings.refine,
            place=place,
        )
    session.order(queued)
    return _conversation(session)


def _latest(past: Sequence[Run]) -> list[Run]:
    """Return the newest run of each turn and column, in their order."""
    by_place = {}
    for run in past:
        settings = ChatRunSettings.of(run)
        by_place[settings.turn, settings.column] = run
    return list(by_place.values())


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
    model_references.check(store, model.model)
    if model.round_id:
        check_base(store, finished_round(store, model.round_id), model)
    return model


def _newest(store: Store) -> int | None:
    """Return the newest round that is finished, None before there is one."""
    return next((round_id for _, round_id in _rounds(store)), None)


def _passages(store: Store, question: str, model: ModelSettings) -> list[int]:
    """Return the passages to look into; half of what the model reads is for them."""
    context = model_references.context(store, model.model) or SHORTEST_CONTEXT
    passages = store.library.passages_about(question, n_tokens=context // 2)
    if not passages:
        raise InputError(
            "No passage shares a word with this question; switch open book off."
        )
    return [passage.id for passage in passages]


def _before(past: Sequence[Run], column: str) -> list[Message]:
    """Return what was asked and answered in a column so far."""
    messages: list[Message] = []
    for run in _latest(past):
        settings = ChatRunSettings.of(run)
        if settings.column == column and run.state == "done":
            prompt, answer = settings.messages[-1].content, ChatResult.of(run).final
            messages += [Message("user", prompt), Message("assistant", answer)]
    return messages
