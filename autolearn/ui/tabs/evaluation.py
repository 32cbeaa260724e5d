"""Evaluation: run the quiz, see what a round changed, keep it or roll it back."""

from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from autolearn.core.errors import JobError
from autolearn.runs.model_choice import chosen_model
from autolearn.services import quiz_actions, quiz_runs, round_actions
from autolearn.services.model_scope import shown_digest
from autolearn.store import Store
from autolearn.ui.drawn_numbers import drawn_number
from autolearn.ui.dropdowns import offer
from autolearn.ui.session import PageContext, Session, html_panel
from autolearn.ui.tabs import quiz_questions
from autolearn.ui.views import control_offer, labels, quiz_due
from autolearn.ui.views import evaluation as views

TITLE = "Evaluation"

NEWEST = 0
"""The choice of the newest finished round."""
BASE, PARENT = "base", "parent"


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    names = gr.State(())
    round_, before = _lay_out_choices()
    # What the buttons act on: a newer round may have ended since the page was drawn.
    shown = drawn_number()
    with gr.Row():
        quiz_button = gr.Button(
            "Run the quiz", variant="primary", elem_id="evaluation-take"
        )
        keep = gr.Button("Keep this round", elem_id="evaluation-keep")
        back = gr.Button("Roll back this round", elem_id="evaluation-back")
    effort = html_panel("evaluation-effort")
    buttons = (quiz_button, keep, back)
    _lay_out_results(context, names, (round_, before), [shown, effort, *buttons])
    context.on_action([quiz_button.click], partial(_run_quiz, session), [shown, before])
    context.on_action([keep.click], partial(_keep, session), [shown])
    context.on_action([back.click], partial(_roll_back, session), [shown])


def _lay_out_choices() -> tuple[gr.Dropdown, gr.Radio]:
    """Lay out which round is evaluated, and with what it is compared."""
    with gr.Row(equal_height=True):
        round_ = gr.Dropdown(
            [("the newest round", NEWEST)],
            value=NEWEST,
            label="Round",
            info="The newest round follows each training; choose one to look back.",
            elem_id="evaluation-round",
        )
        before = gr.Radio(
            [("the base model", BASE), ("the round it started from", PARENT)],
            value=BASE,
            label="Compared with",
            info="The baseline, on the same questions. The base model shows what all "
            "rounds changed together, the other what this one changed.",
            elem_id="evaluation-before",
        )
    return round_, before


def _lay_out_results(
    context: PageContext,
    names: gr.State,
    choices: tuple[gr.Dropdown, gr.Radio],
    above: list[Component],
) -> None:
    """Lay out the result of the round, and wire the clicks in it.

    ``above`` are the number that becomes the id of that round, what its quiz takes, and
    the buttons, which are disabled without a round.
    """
    session, (round_, before) = context.session, choices
    version = html_panel("evaluation-version")
    quiz_questions.build(context)
    panel = html_panel("evaluation-result")
    table = html_panel("evaluation-rounds")
    questions = html_panel("evaluation-questions")
    context.redraw_on_change(partial(_list, session), [names, round_], [round_, names])
    context.redraw_on_change(
        partial(_result, session),
        choices,
        [panel, questions, *above],
        also_on=[round_.change, before.change],
    )
    context.redraw_on_change(
        lambda: views.rounds(session.store) + views.retained(session.store),
        [],
        [table],
    )
    context.redraw_on_change(
        lambda: views.lock(session.store) + control_offer.draw(session.store),
        [],
        [version],
    )

    def accept(event: gr.EventData) -> str:
        return _accept(session.store, str(event.pick))

    context.on_action([questions.click], accept)

    def press_version(event: gr.EventData) -> str:
        if event.pick == control_offer.ADD:
            return control_offer.accept(session.store)
        return _set_locked(session.store, locked=event.pick == views.LOCK)

    context.on_action([version.click], press_version)


def _list(session: Session, old_names: object, chosen: int) -> tuple[Any, Any]:
    """Return the choices of rounds if there are new ones."""
    names = [("the newest round", NEWEST), *_rounds(session.store)]
    if tuple(names) == old_names:
        return gr.skip(), gr.skip()
    return offer(names, chosen, NEWEST), tuple(names)


def _rounds(store: Store) -> list[tuple[str, int]]:
    """Return the finished rounds that are shown, the newest first."""
    return labels.finished(store, shown_digest(store))


def _round(store: Store, round_id: int) -> int:
    """Return the round that is shown, the newest by default; 0 for none."""
    rounds = _rounds(store)
    return round_id or (rounds[0][1] if rounds else 0)


def _check_finished(round_id: int) -> None:
    if not round_id:
        raise JobError("No round is finished yet; train one first.")


def _before(store: Store, round_id: int, before: str) -> int | None:
    """Return the round to compare with; None for the base model."""
    if before == BASE or not round_id:
        return None
    return store.rounds.get(round_id).parent_id


def _result(session: Session, choice: int, before: str) -> tuple[Any, ...]:
    """Return a round's result, questions, id, what its quiz takes, and the buttons."""
    store = session.store
    round_id = _round(store, choice)
    before_id = _before(store, round_id, before)
    buttons = [gr.Button(interactive=round_id > 0)] * 3
    effort = quiz_due.effort(store, round_id, before_id)
    return *views.result(store, round_id, before_id), round_id, effort, *buttons


def _run_quiz(session: Session, round_id: int, before: str) -> None:
    store = session.store
    _check_finished(round_id)
    for run in quiz_runs.queue_quizzes(
        store, round_id, _before(store, round_id, before)
    ):
        session.start_worker_for(run)


def _accept(store: Store, key: str) -> str:
    """Accept the answer that was clicked as right."""
    question_id, _, answer = key.removeprefix(views.ACCEPT).partition("-")
    version = quiz_actions.accept(store, int(question_id), answer)
    return f"The answer is accepted; the quiz is now version {version.version}."


def _set_locked(store: Store, *, locked: bool) -> str:
    """Lock the quiz, or unlock it."""
    version = quiz_actions.set_locked(store, locked=locked)
    state = "locked" if version.locked else "unlocked"
    return f"Version {version.version} of the quiz is {state}."


def _keep(session: Session, round_id: int) -> str:
    _check_finished(round_id)
    round_ = round_actions.keep(session.store, round_id)
    return f"Round {round_.id} is kept and is now in use."


def _roll_back(session: Session, round_id: int) -> str:
    store = session.store
    _check_finished(round_id)
    round_ = round_actions.roll_back(store, round_id)
    now = chosen_model(store).round_id
    model_name = f"round {now}" if now else "the base model"
    return f"Round {round_.id} is rolled back; {model_name} is now in use."
