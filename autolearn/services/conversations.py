"""The conversations of a workspace: ask two sets of weights and the texts at once.

A conversation is the runs of kind ``chat`` with its number. Each question of it is a
*turn*; each *column* (left, right, open book) answers by a separate run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_results import ChatResult
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.runs import model_references, run_control, worker_processes
from autolearn.runs.model_choice import check_base, chosen_model, finished_round
from autolearn.services import actions, model_scope
from autolearn.store import Store

NEWEST = -1
"""The round that is the newest usable one when it is asked."""
ANSWER_TOKENS = 256
"""New tokens of an answer at most, unless the user chooses otherwise."""
SHORTEST_CONTEXT = 1024
"""Tokens that a model is taken to read if its files do not say how many."""
REPEAT_TEMPERATURE = 0.8
"""The temperature of another answer if the first was decoded greedily."""
_CHOICE = "conversation"
_PENDING = "The answers to the last question are still being written; wait for them."


@dataclass(frozen=True)
class ChatForm:
    """The question and the choices of a person."""

    question: str
    left: int
    """The round of the left column; 0: the base model; ``NEWEST``."""
    right: int
    open_book: bool
    """Whether a further column answers from the texts."""
    refine: bool
    temperature: float | None = 0.0
    length: int | None = ANSWER_TOKENS
    system: str = ""
    follow_up: bool = False
    """Whether the earlier turns of the conversation are sent along."""


def sampling(temperature: float | None, length: int | None) -> Sampling:
    """Return how answers are drawn.

    Raises:
        InputError: A number is missing or out of its range.
    """
    if temperature is None or not 0 <= temperature <= 2:
        raise InputError("Enter a temperature from 0 to 2.")
    if not length or length < 1:
        raise InputError("Enter a length of at least 1 token.")
    return Sampling(temperature, max_new_tokens=length)


def current(store: Store) -> int:
    """Return the number of the current conversation."""
    return store.choices.get(_CHOICE) or 1


def select(store: Store, number: int) -> None:
    """Continue a conversation."""
    if number != current(store):
        store.choices.set(_CHOICE, number)


def begin(store: Store) -> None:
    """Begin a new conversation; the old ones stay with their runs."""
    select(store, _unused_number(store))


def _unused_number(store: Store) -> int:
    first_runs = store.runs.conversations()
    numbers = [ChatRunSettings.of(run).conversation or 0 for run in first_runs]
    # Not the one after the current one: that may be an old one, which was reopened.
    return 1 + max(numbers, default=0)


def ask(store: Store, number: int, form: ChatForm) -> list[Run]:
    """Queue a question in a conversation, once for each column.

    Without a usable round, the right column gets no question. With another model, a new
    conversation begins.

    Raises:
        InputError: The question is empty, or the texts say nothing about it.
        JobError: The left column has no round either, or earlier answers are still
            being written.
    """
    question = form.question.strip()
    if not question:
        raise InputError("Type a question first.")
    drawn = sampling(form.temperature, form.length)
    columns = {"left": model_of(store, form.left)}
    if form.right != NEWEST or _newest_round(store):
        columns["right"] = model_of(store, form.right)
    past_runs = _finished_runs(store, number)
    if _is_of_another(past_runs, columns["left"].model):
        number, past_runs = _unused_number(store), []
    passages = _passages(store, question, columns["left"]) if form.open_book else []
    if form.open_book:
        columns["open"] = columns["left"]
    turn = 1 + max((ChatRunSettings.of(run).turn or 0 for run in past_runs), default=0)
    system = form.system.strip() or None
    context = past_runs if form.follow_up else []
    requests = [
        actions.chat_request(
            store,
            model,
            [*earlier_messages(context, column), Message("user", question)],
            drawn,
            refine=form.refine and column != "open",
            origin=actions.ChatOrigin(
                number,
                turn,
                column,
                tuple(passages) if column == "open" else None,
                system,
            ),
        )
        for column, model in columns.items()
    ]
    return _queue(store, number, past_runs, requests)


def _queue(
    store: Store,
    number: int,
    past_runs: Sequence[Run],
    requests: Sequence[ChatRunSettings],
) -> list[Run]:
    """Queue what follows on these runs of a conversation, the current one from now on.

    Raises:
        JobError: Another window has asked in it since they were read.
    """
    with store.atomic():
        if store.runs.conversation(number) != past_runs:
            raise JobError(_PENDING)
        select(store, number)
        return [run_control.submit(store, request) for request in requests]


def stop(store: Store, number: int) -> None:
    """Stop the answers that are being written in a conversation.

    Raises:
        JobError: None is.
    """
    runs = store.runs.conversation(number)
    active = [run for run in runs if run.state in ACTIVE_STATES]
    if not active:
        raise JobError("No answer is being written, so there is nothing to stop.")
    for run in reversed(active):
        run_control.cancel(store, run.id)


def regenerate(store: Store, number: int, drawn: Sampling, system: str) -> list[Run]:
    """Queue other answers to the last question of a conversation, in place of its own.

    ``drawn`` and ``system``: how they are drawn, with which system prompt.

    Raises:
        JobError: Nothing was asked, it was asked of another model, or the answers are
            still being written.
    """
    past_runs = _finished_runs(store, number)
    settings = [ChatRunSettings.of(run) for run in _latest(past_runs)]
    if not settings:
        raise JobError("Ask a question first.")
    if _is_of_another(past_runs, chosen_model(store).model):
        raise JobError(
            "This conversation is with another model; ask the question anew."
        )
    last_turn = settings[-1].turn
    requests = [
        _other(store, s, drawn, system.strip() or None)
        for s in settings
        if s.turn == last_turn
    ]
    return _queue(store, number, past_runs, requests)


def _other(
    store: Store, settings: ChatRunSettings, drawn: Sampling, system: str | None
) -> ChatRunSettings:
    """Return a request for another answer to a question, with another seed."""
    drawn = replace(drawn, seed=settings.sampling.seed + 1)
    if not drawn.temperature:  # else it would be the same answer again
        drawn = replace(drawn, temperature=REPEAT_TEMPERATURE)
    origin = actions.ChatOrigin(
        settings.conversation,
        settings.turn,
        settings.column,
        settings.passages,
        system,
    )
    return actions.chat_request(
        store,
        settings.model,
        settings.messages,
        drawn,
        refine=settings.refine,
        origin=origin,
    )


def _latest(runs: Sequence[Run]) -> list[Run]:
    """Return the newest run of each turn and column, in their order."""
    by_cell = {}
    for run in runs:
        settings = ChatRunSettings.of(run)
        by_cell[settings.turn, settings.column] = run
    return list(by_cell.values())


def _is_of_another(runs: Sequence[Run], model: str) -> bool:
    """Return whether some of the runs are those of another model."""
    return any(ChatRunSettings.of(run).model.model != model for run in runs)


def _finished_runs(store: Store, number: int) -> list[Run]:
    """Return the runs of a conversation.

    Raises:
        JobError: One has not ended yet.
    """
    past_runs = store.runs.conversation(number)
    if pending := [run for run in past_runs if run.state in ACTIVE_STATES]:
        worker_processes.start_worker_for(store, pending[0])  # its worker may have died
        raise JobError(_PENDING)
    return past_runs


def model_of(store: Store, choice: int) -> ModelSettings:
    """Return the model in use with the adapter that a column asks for.

    Raises:
        JobError: There is no round yet, or the round belongs to another model.
        ModelNotFound: The model is not there.
    """
    round_id = _newest_round(store) if choice == NEWEST else choice
    if round_id is None:
        raise JobError(
            "There is no trained round yet, or all are rolled back; train one, or "
            "choose the base model on the left."
        )
    model = replace(chosen_model(store), round_id=round_id or None)
    # All columns are checked before the texts are searched.
    model_references.check(store, model.model)
    if model.round_id:
        check_base(store, finished_round(store, model.round_id), model)
    return model


def _newest_round(store: Store) -> int | None:
    """Return the newest usable round of the model in use; None: there is none."""
    digest = model_scope.chosen_digest(store)
    ids = [
        round_.id
        for round_ in store.rounds.all()
        if round_.is_usable and round_.model.digest == digest
    ]
    return ids[-1] if ids else None


def _passages(store: Store, question: str, model: ModelSettings) -> list[int]:
    """Return the passages to answer from; half of the model's context is for them."""
    context = model_references.context(store, model.model) or SHORTEST_CONTEXT
    passages = store.library.passages_about(question, n_tokens=context // 2)
    if not passages:
        raise InputError(
            "No passage shares a word with this question; switch open book off."
        )
    return [passage.id for passage in passages]


def earlier_messages(runs: Sequence[Run], column: str) -> list[Message]:
    """Return the questions and answers of a column so far."""
    messages: list[Message] = []
    for run in _latest(runs):
        settings = ChatRunSettings.of(run)
        if settings.column == column and run.state == "done":
            prompt, answer = settings.messages[-1].content, ChatResult.of(run).final
            messages += [Message("user", prompt), Message("assistant", answer)]
    return messages
