"""The proof: take the quiz, see what a round changed, keep it or roll it back."""

from typing import Any

import gradio as gr

from autolearn.core.errors import JobError
from autolearn.services import actions, quiz_runs
from autolearn.store import Store
from autolearn.ui.html import Html
from autolearn.ui.session import Board, Desk, picture, watch
from autolearn.ui.views import evaluation as views
from autolearn.ui.views import labels

TITLE = "Proof"

NEWEST = 0
"""Stands for the newest finished round."""
BASE, PARENT = "base", "parent"


def build(board: Board) -> None:
    """Lay out the tab and wire it to the board."""
    desk = board.desk
    known = gr.State(())
    with gr.Row(equal_height=True):
        chosen = gr.Dropdown(
            [("the newest round", NEWEST)],
            value=NEWEST,
            label="Round",
            info="The round that is measured.",
            elem_id="proof-round",
        )
        before = gr.Radio(
            [("the base model", BASE), ("the round it was begun from", PARENT)],
            value=BASE,
            label="Compared with",
            info="What answered the same questions before.",
            elem_id="proof-before",
        )
    with gr.Row():
        take = gr.Button("Take the quiz", variant="primary", elem_id="proof-take")
        keep = gr.Button("Keep this round", elem_id="proof-keep")
        back = gr.Button("Roll this round back", elem_id="proof-back")
    shown = picture("proof-result")
    table = picture("proof-rounds")
    questions = picture("proof-questions")
    given = [chosen, before]
    board.follow(lambda known: _list(desk, known), [known], [chosen, known])
    board.follow(lambda *one: _result(desk, *one), given, [shown, questions])
    board.follow(lambda: views.rounds(desk.store), [], [table])
    watch(
        [chosen.change, before.change],
        lambda *one: _result(desk, *one),
        given,
        [shown, questions],
    )
    board.act([take.click], lambda *one: _take(desk, *one), given)
    board.act([keep.click], lambda one: _keep(desk, one), [chosen])
    board.act([back.click], lambda one: _roll_back(desk, one), [chosen])


def _list(desk: Desk, known: object) -> tuple[Any, Any]:
    """Return the choices of rounds where there are new ones."""
    names = [("the newest round", NEWEST), *labels.finished(desk.store)]
    if tuple(names) == known:
        return gr.skip(), gr.skip()
    return gr.Dropdown(choices=names), tuple(names)


def _round(store: Store, round_id: int) -> int:
    """Return the round that is looked at, the newest by default; 0 for none."""
    found = labels.finished(store)
    return round_id or (found[0][1] if found else 0)


def _named(store: Store, round_id: int) -> int:
    found = _round(store, round_id)
    if not found:
        raise JobError("No round is finished yet; train one first.")
    return found


def _before(store: Store, round_id: int, before: str) -> int | None:
    """Return the round to compare with; None for the base model."""
    if before == BASE or not round_id:
        return None
    return store.rounds.get(round_id).parent_id


def _result(desk: Desk, chosen: int, before: str) -> tuple[Html, Html]:
    store = desk.store
    round_id = _round(store, chosen)
    return views.result(store, round_id, _before(store, round_id, before))


def _take(desk: Desk, chosen: int, before: str) -> None:
    store = desk.store
    round_id = _named(store, chosen)
    for run in quiz_runs.order(store, round_id, _before(store, round_id, before)):
        desk.order(run)


def _keep(desk: Desk, chosen: int) -> str:
    kept = actions.keep(desk.store, _named(desk.store, chosen))
    return f"Round {kept.id} is kept and is worked with from now on."


def _roll_back(desk: Desk, chosen: int) -> str:
    store = desk.store
    gone = actions.roll_back(store, _named(store, chosen))
    now = actions.chosen_model(store).round_id
    told_of = f"round {now}" if now else "the base model"
    return f"Round {gone.id} is rolled back; {told_of} is worked with from now on."
