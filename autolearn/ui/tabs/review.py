"""The review: one sample at a time, or all that pass a filter at once."""

from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.errors import Outdated
from autolearn.core.records import Action
from autolearn.services import review_actions
from autolearn.services.review_actions import BulkQuestion, ReviewQueue
from autolearn.ui.session import QUIET, PageContext, Session, draw_on_load, redraw_on
from autolearn.ui.tabs import review_edit
from autolearn.ui.tabs.review_filter import FRESH, review_queue
from autolearn.ui.tabs.review_layout import Parts, lay_out
from autolearn.ui.tabs.review_panels import card_of, choices, counters, show
from autolearn.ui.views import sample

TITLE = "Review"
KEYS_CHOICE = "review_keys"


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    parts = lay_out()
    _wire_drawing(context, parts)
    _wire_filter(context, parts)
    _wire_steps(context, parts)
    review_edit.wire(context, parts)
    _wire_bulk(context, parts)


# --- drawing ------------------------------------------------------------------


def _wire_drawing(context: PageContext, parts: Parts) -> None:
    """Wire what is drawn when the tab is opened, and during a run."""
    session, panels, filters = context.session, parts.shown, parts.filters

    def first(current: int, queue: ReviewQueue) -> Any:
        # The sample that is shown stays, since a person may just have decided on it.
        # Samples of a model that is no longer chosen disappear.
        if current and queue.shows(session.store, current):
            return [gr.skip()] * len(panels)
        # What is being edited belongs to the sample that was shown; the note stays.
        return *show(session, queue)[:-1], gr.skip()

    def again(current: int, queue: ReviewQueue) -> Any:
        # A sample that disappears now has given its place to that of ``first``. The
        # number goes with the card, which may be drawn after a decision on it.
        if current and queue.shows(session.store, current):
            card, version = card_of(session, current)
            return card, current, version
        return (gr.skip(),) * 3

    shown = [parts.current, parts.queue]
    context.redraw_on_change(first, shown, panels)
    context.redraw_on_change(partial(counters, session), [parts.queue], parts.counters)
    drawn = [parts.card, parts.current, parts.known_version]
    context.redraw_on_opening(again, shown, drawn)
    chosen = [filters.document, filters.run]
    context.redraw_on_opening(partial(choices, session), chosen, chosen)


def _wire_filter(context: PageContext, parts: Parts) -> None:
    """Wire what restarts the review: another filter, or a bar of the histogram."""
    session, filters, bulk = context.session, parts.filters, parts.bulk

    def restart(*values: Any) -> Any:
        queue = review_queue(*values)
        return (
            queue,
            *show(session, queue),
            *counters(session, queue),
            *_nothing_asked(),
        )

    outputs = [
        parts.queue,
        *parts.shown,
        *parts.counters,
        bulk.confirm,
        bulk.pending_question,
    ]
    # A choice that is dropped because it no longer exists is not an input of a person.
    dropped = [filters.document.change, filters.run.change]
    events = [*(field.input for field in filters), *dropped]
    redraw_on(events, restart, filters, outputs)
    reset = parts.clear.click(lambda: FRESH, None, list(filters), **QUIET)
    limits = [filters.low, filters.high]
    bar = parts.histogram.click(_of_bar, None, limits, **QUIET)
    redraw_on([reset.then, bar.then], restart, filters, outputs)


def _of_bar(event: gr.EventData) -> tuple[float, float]:
    """Return the limits of a bar; a gap probability is below the second one."""
    low, _, high = str(event.pick).partition("-")
    return float(low), float(high)


def _nothing_asked() -> tuple[gr.Button, tuple[()]]:
    """Return the second button of a bulk decision, hidden, and nothing asked."""
    return gr.Button(visible=False), ()


# --- one at a time ------------------------------------------------------------


def _wire_steps(context: PageContext, parts: Parts) -> None:
    _wire_decisions(context, parts)
    session, panels, buttons = context.session, parts.shown, parts.actions.buttons
    here = [parts.current, parts.queue]
    for name in ("skip", "next", "previous"):
        redraw_on([buttons[name].click], partial(_go, session, name), here, panels)
    question_id = gr.State(0)
    context.on_action(
        [buttons["undo"].click],
        partial(_undo, session),
        [question_id, *here],
        [*panels, question_id],
    )
    keys = parts.actions.keys
    draw_on_load(
        lambda: session.store.choices.get(KEYS_CHOICE) is not False, [], [keys]
    )
    context.on_action(
        [keys.input], lambda on: session.store.choices.set(KEYS_CHOICE, on), [keys]
    )


def _wire_decisions(context: PageContext, parts: Parts) -> None:
    """Wire actions that are refused if another window has decided on the sample."""
    session, panels = context.session, parts.shown
    inputs = [parts.current, parts.known_version, parts.queue]
    deciding: tuple[Action, ...] = ("approve", "reject")
    for action in deciding:
        context.on_action(
            [parts.actions.buttons[action].click],
            partial(_decide, session, action),
            [*inputs, parts.actions.reason],
            [*panels, parts.actions.reason],
        )

    def overrule(
        known_version: int, queue: ReviewQueue, event: gr.EventData
    ) -> tuple[Any, ...]:
        return _overrule(session, str(event.pick), known_version, queue)

    context.on_action([parts.card.click], overrule, inputs[1:], panels)
    context.on_action(
        [parts.actions.buttons["open-book"].click],
        partial(_approve_open_book, session),
        inputs,
        panels,
    )


def _decide(
    session: Session,
    action: Action,
    current: int,
    known_version: int,
    queue: ReviewQueue,
    reason: str,
) -> tuple[Any, ...]:
    """Approve or reject the sample that is shown, and show the next one."""
    store = session.store
    try:
        review_actions.decide(store, [current], action, reason, known_version)
    except Outdated as error:
        return *show(session, queue, current, str(error)), gr.skip()
    panels = show(session, queue, queue.around(store, current))
    return *panels, "" if reason else gr.skip()


def _approve_open_book(
    session: Session, current: int, known_version: int, queue: ReviewQueue
) -> tuple[Any, ...]:
    store = session.store
    try:
        review_actions.approve_open_book(store, current, known_version)
    except Outdated as error:
        return show(session, queue, current, str(error))
    note = f"Sample {current} is approved with its open-book answer; U takes it back."
    return show(session, queue, queue.around(store, current), note)


def _overrule(
    session: Session, key: str, known_version: int, queue: ReviewQueue
) -> tuple[Any, ...]:
    number, is_gap = sample.overruled(key)
    note = ""
    try:
        review_actions.overrule(
            session.store, number, gap=is_gap, known_version=known_version
        )
    except Outdated as error:
        note = str(error)
    return show(session, queue, number, note)


def _undo(
    session: Session, question_id: int, current: int, queue: ReviewQueue
) -> tuple[Any, ...]:
    number, note, question_id = review_actions.undo(session.store, question_id)
    return (*show(session, queue, number or current, note), question_id)


def _go(
    session: Session, name: str, current: int, queue: ReviewQueue
) -> tuple[Any, ...]:
    """Show another sample without deciding; only a skip begins again at the end."""
    store = session.store
    if name == "skip":
        return show(session, queue, queue.around(store, current))
    sample_id = queue.next(store, current, back=name == "previous")
    if sample_id or not current:
        return show(session, queue, sample_id)
    end = "first" if name == "previous" else "last"
    return show(session, queue, current, f"This is the {end} sample of this filter.")


# --- many at once -------------------------------------------------------------


def _wire_bulk(context: PageContext, parts: Parts) -> None:
    session, bulk = context.session, parts.bulk

    def ask(action: Action, queue: ReviewQueue) -> tuple[gr.Button, BulkQuestion]:
        version = session.store.decisions.version()
        n = len(queue.undecided(session.store, action))
        label = f"Yes, {action} {review_actions.n_samples_in_words(n)}"
        return (
            gr.Button(label, visible=n > 0, interactive=True),
            (action, n, version),
        )

    def ask_rule(name: str, queue: ReviewQueue) -> tuple[gr.Button, BulkQuestion]:
        version = session.store.decisions.version()
        n = len(review_actions.accepted_by(session.store, queue, name))
        label = f"Yes, approve {review_actions.n_samples_in_words(n)} by rule {name}"
        if not n:
            label = f"Rule {name} accepts none of these"
        button = gr.Button(label, visible=True, interactive=n > 0)
        return button, (name, n, version)

    def decide(question: BulkQuestion, reason: str, queue: ReviewQueue) -> Any:
        note = review_actions.decide_all(session.store, queue, question, reason)
        return (*show(session, queue, 0, note), *_nothing_asked())

    second = [bulk.confirm, bulk.pending_question]
    asks: tuple[tuple[gr.Button, Action], ...] = (
        (bulk.approve, "approve"),
        (bulk.reject, "reject"),
    )
    for button, action in asks:
        redraw_on([button.click], partial(ask, action), [parts.queue], second)
    redraw_on([bulk.apply.click], ask_rule, [bulk.rule, parts.queue], second)
    context.on_action(
        [bulk.confirm.click],
        decide,
        [bulk.pending_question, parts.actions.reason, parts.queue],
        [*parts.shown, *second],
    )
