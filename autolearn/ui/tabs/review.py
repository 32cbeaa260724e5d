"""The review: one sample at a time, or all that pass a filter at once."""

from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.records import Action
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, Board, Desk, begin, watch
from autolearn.ui.tabs import review_queue
from autolearn.ui.tabs.review_layout import Parts, lay_out
from autolearn.ui.tabs.review_queue import ANY, FRESH, Queue
from autolearn.ui.views import review as views
from autolearn.ui.views import sample

TITLE = "Review"
KEYS_CHOICE = "review_keys"


def build(board: Board) -> None:
    """Lay out the tab and wire it to the board."""
    parts = lay_out()
    _wire_drawing(board, parts)
    _wire_steps(board, parts)
    _wire_edit(board, parts)
    _wire_bulk(board, parts)


# --- drawing ------------------------------------------------------------------


def _wire_drawing(board: Board, parts: Parts) -> None:
    desk, shown, filters = board.desk, parts.shown, parts.filters
    counted = [parts.progress, parts.bulk.approve, parts.bulk.reject]

    def first(current: int, of: Queue) -> Any:
        # What is shown stays as it is: a person may just have decided on it.
        if current:
            return [gr.skip()] * len(shown)
        card, number, *_ = _show(desk, of)
        return card, number, gr.skip(), gr.skip()

    def again(current: int) -> Any:
        return sample.card(desk.store.samples.view(current)) if current else gr.skip()

    def anew(*values: Any) -> Any:
        of = Queue.of(*values)
        return (of, *_show(desk, of), *_counted(desk, of), *_unasked())

    board.follow(first, [parts.current, parts.queue], shown)
    board.follow(lambda of: _counted(desk, of), [parts.queue], counted)
    board.on_opening(again, [parts.current], [parts.card])
    board.on_opening(lambda: _choices(desk.store), [], filters[-2:])
    outputs = [parts.queue, *shown, *counted, parts.bulk.confirm, parts.bulk.asked]
    changed = [field.input for field in filters]
    watch(changed, anew, filters, outputs, trigger_mode="always_last")
    cleared = parts.clear.click(lambda: FRESH, None, filters, **QUIET)
    watch([cleared.then], anew, filters, outputs)


def _show(desk: Desk, of: Queue, number: int = 0, note: str = "") -> tuple[Any, ...]:
    """Return card, current sample, closed panel and note; 0 means the first one."""
    store = desk.store
    number = number or of.next(store)
    if number:
        card = sample.card(store.samples.view(number))
    else:
        card = views.empty(store, of.wanted)
    said = html.tag("p", html.text(note), "al-note", role="status")
    return card, number, gr.Column(visible=False), said if note else Html("")


def _unasked() -> tuple[gr.Button, tuple[()]]:
    """Return the second button of a bulk decision, hidden, and nothing asked."""
    return gr.Button(visible=False), ()


def _counted(desk: Desk, of: Queue) -> tuple[Any, ...]:
    """Return the progress and both bulk buttons with their counts."""
    store = desk.store
    counts = store.samples.counts(of.wanted)
    total = sum(counts.values())
    approve, reject = total - counts["approved"], total - counts["rejected"]
    return (
        views.progress(store),
        gr.Button(f"Approve all {approve:,} of this filter", interactive=approve > 0),
        gr.Button(f"Reject all {reject:,} of this filter", interactive=reject > 0),
    )


def _choices(store: Store) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Return the documents and the studies that can be chosen."""
    documents = [(d.name, d.id) for d in store.library.shelf()]
    studies = [
        (views.study_name(run), run.id)
        for run in store.runs.newest(1000)
        if run.kind == "study"
    ]
    return gr.Dropdown([(ANY, 0), *documents]), gr.Dropdown([(ANY, 0), *studies])


# --- one at a time ------------------------------------------------------------


def _wire_steps(board: Board, parts: Parts) -> None:
    desk, shown = board.desk, parts.shown
    buttons, reason = parts.actions.buttons, parts.actions.reason
    here = [parts.current, parts.queue]

    def decide(action: Action, current: int, why: str, of: Queue) -> Any:
        review_queue.decide(desk.store, [current], action, why)
        shown = _show(desk, of, of.around(desk.store, current))
        return *shown, "" if why else gr.skip()

    deciding: tuple[Action, ...] = ("approve", "reject")
    for action in deciding:
        board.act(
            [buttons[action].click],
            partial(decide, action),
            [parts.current, reason, parts.queue],
            [*shown, reason],
        )
    for name in ("skip", "next", "previous"):
        watch([buttons[name].click], partial(_go, desk, name), here, shown)

    def overrule(current: int, event: gr.EventData) -> Html:
        review_queue.overrule(desk.store, current, gap=event.pick == "gap")
        return sample.card(desk.store.samples.view(current))

    board.act([parts.card.click], overrule, [parts.current], [parts.card])
    asked = gr.State(0)

    def undo(asked: int, current: int, of: Queue) -> Any:
        number, note, asked = review_queue.undo(desk.store, asked)
        return (*_show(desk, of, number or current, note), asked)

    board.act([buttons["undo"].click], undo, [asked, *here], [*shown, asked])
    keys = parts.actions.keys
    begin(lambda: desk.store.choices.get(KEYS_CHOICE) is not False, [], [keys])
    keys.input(lambda on: desk.store.choices.set(KEYS_CHOICE, on), keys, None, **QUIET)


def _go(desk: Desk, name: str, current: int, of: Queue) -> tuple[Any, ...]:
    """Show another sample without deciding; only a skip begins again at the end."""
    store = desk.store
    if name == "skip":
        return _show(desk, of, of.around(store, current))
    found = of.next(store, current, back=name == "previous")
    if found or not current:
        return _show(desk, of, found)
    end = "first" if name == "previous" else "last"
    return _show(desk, of, current, f"This is the {end} one of this filter.")


# --- editing ------------------------------------------------------------------


def _wire_edit(board: Board, parts: Parts) -> None:
    desk, panel = board.desk, parts.edit.panel
    focus = "() => setTimeout(() => document.querySelector('#review-answer textarea')"
    board.act(
        [parts.actions.buttons["edit"].click],
        lambda number: (
            gr.Column(visible=True),
            *review_queue.texts(desk.store, number),
        ),
        [parts.current],
        [panel, *parts.edit.boxes],
    ).then(None, js=f"{focus}?.focus(), 50)")
    parts.edit.cancel.click(lambda: gr.Column(visible=False), None, panel, **QUIET)

    def save(current: int, of: Queue, *texts: Any) -> Any:
        note = review_queue.edit(desk.store, current, texts)
        return _show(desk, of, current, note)

    board.act(
        [parts.edit.save.click],
        save,
        [parts.current, parts.queue, *parts.edit.boxes],
        parts.shown,
    )


# --- many at once -------------------------------------------------------------


def _wire_bulk(board: Board, parts: Parts) -> None:
    desk, bulk = board.desk, parts.bulk

    def ask(action: Action, of: Queue) -> tuple[gr.Button, tuple[Action, int]]:
        n = len(of.undecided(desk.store, action))
        return gr.Button(f"Yes, {action} {review_queue.counted(n)}", visible=n > 0), (
            action,
            n,
        )

    def decide(asked: tuple[Action, int], reason: str, of: Queue) -> Any:
        note = review_queue.decide_all(desk.store, of, asked, reason)
        return (*_show(desk, of, 0, note), *_unasked())

    second = [bulk.confirm, bulk.asked]
    asks: tuple[tuple[gr.Button, Action], ...] = (
        (bulk.approve, "approve"),
        (bulk.reject, "reject"),
    )
    for button, action in asks:
        watch([button.click], partial(ask, action), [parts.queue], second)
    board.act(
        [bulk.confirm.click],
        decide,
        [bulk.asked, parts.actions.reason, parts.queue],
        [*parts.shown, *second],
    )
