"""The part of the Model tab that checks the skills of a model and shows them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import gradio as gr

from autolearn.core.errors import AutolearnError, InputError
from autolearn.core.records import Run
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.runs import run_control
from autolearn.services import corpus_actions, model_actions, skill_actions
from autolearn.services.estimates import skill_teaching
from autolearn.store import RunFilter, Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.session import (
    LAST,
    PageContext,
    Session,
    draw_on_load,
    html_panel,
)
from autolearn.ui.tabs.setting_labels import named_by
from autolearn.ui.views import skills as views
from autolearn.ui.views.links import SKILLS, SKILLS_RESULT

CORPUS_SECONDS = 30.0
"""How long is waited for the built-in corpus, which takes a few seconds."""
ESTIMATING = "Estimating how long teaching takes …"
STEPS = "Steps (0: from the preset)"
CHOICE = "skill_steps"
"""The choice that stores the number of steps."""
Drawn = tuple[Html, Html, gr.Number, gr.Button, str]


def build(context: PageContext, inputs: Sequence[gr.components.Component]) -> gr.HTML:
    """Lay out the part; ``inputs`` are name, loading and adapter of the model.

    Returns:
        The panel of the result; a click on it names the round to use.
    """
    session = context.session
    head = html_panel(SKILLS)
    context.links.append(head)
    check = gr.Button("Check skills", size="sm", elem_id="model-skills-check")
    steps = gr.Number(
        TrainSettings().max_steps,
        precision=0,
        label=STEPS,
        info="Optimiser steps of the meta-skill round. Fewer take less time and teach "
        "less.",
        visible="hidden",  # removed from the page, it would lose its number
        elem_id="model-skills-steps",
    )
    teach = gr.Button(
        "Teach these skills (meta-skill round)",
        variant="primary",
        visible=False,
        elem_id="model-skills-teach",
    )
    estimate = html_panel("model-skills-estimate")
    result = html_panel(SKILLS_RESULT)
    basis = gr.Textbox("", visible="hidden")
    outputs = [head, result, steps, teach, basis]

    def draw(*values: Any) -> Drawn:
        return _draw(session, _model(session.store, *values))

    name, loading, adapter = inputs
    triggers: list[Callable[..., Any]] = [
        name.submit,  # type: ignore[attr-defined]
        name.blur,  # type: ignore[attr-defined]
        loading.change,  # type: ignore[attr-defined]
        adapter.change,  # type: ignore[attr-defined]
    ]
    context.redraw_on_change(draw, inputs, outputs, triggers)
    _draw_estimate(session, basis, steps, inputs, estimate)
    draw_on_load(lambda: session.store.choices.get(CHOICE) or 0, [], [steps])
    context.on_action([steps.input], partial(_remember, session), [steps])

    def teach_skills(n_steps: int | None, *values: Any) -> Drawn:
        queue = partial(_teach, session, _checked(n_steps))
        head, result, _, button, basis = _queue(session, queue, *values)
        return head, result, gr.Number(0, visible="hidden"), button, basis

    queue_check = partial(_queue, session, skill_actions.check)
    context.on_action([check.click], queue_check, inputs, outputs)
    context.on_action([teach.click], teach_skills, [steps, *inputs], outputs)
    return result


def _draw_estimate(
    session: Session,
    basis: gr.Textbox,
    steps: gr.Number,
    inputs: Sequence[gr.components.Component],
    estimate: gr.HTML,
) -> None:
    """Show what teaching takes; as this takes seconds, after the rest is drawn.

    The browser clears it on its own, and shows one only for the present number of
    steps: another may have been typed while it was computed.
    """
    computed = gr.Textbox("", visible="hidden")

    def draw(basis: str, n_steps: int | None, *values: Any) -> str:
        shown = Html("")
        if basis:
            try:
                model = _model(session.store, *values)
                shown = _estimate(session, model, _checked(n_steps))
            except AutolearnError as error:
                shown = html.problem(str(error))
        return json.dumps([n_steps, shown])

    note = json.dumps(html.note(ESTIMATING))
    changes = [basis.change, steps.change]
    gr.on(changes, None, basis, estimate, js=f"(basis) => basis ? {note} : ''")
    event = gr.on(changes, draw, [basis, steps, *inputs], computed, **LAST)
    show = f"""(computed, steps) => {{
      const [of, markup] = JSON.parse(computed);
      return of === steps ? markup : {note};
    }}"""
    event.then(None, [computed, steps], estimate, js=show)


def _model(store: Store, *values: Any) -> ModelSettings:
    """Return the model of the form, as it can be loaded."""
    model = model_actions.selected(store, *values)
    return replace(model, model=model_actions.as_folder(store, model.model))


def _remember(session: Session, n_steps: int | None) -> None:
    """Keep the number of steps; the field may be empty while a person types."""
    if n_steps is not None:
        session.store.choices.set(CHOICE, n_steps)


def _checked(n_steps: int | None) -> int:
    """Return the number of steps of a round that teaches the skills.

    Raises:
        InputError: It is empty, or out of the range of the setting.
    """
    if n_steps is None:
        raise InputError(f"Enter a number for “{STEPS}”.")
    with named_by({"max_steps": STEPS}):
        return TrainSettings(max_steps=n_steps).max_steps


def _teach(session: Session, max_steps: int, store: Store, model: ModelSettings) -> Run:
    """Queue a meta-skill round; a library without a corpus gets the built-in one.

    The next one has as many steps as its preset gives, unless others are chosen again.
    """
    if not store.corpora.all():
        run = corpus_actions.add(store, None, model.model)
        session.start_worker_for(run)
        run_control.wait(store, run.id, seconds=CORPUS_SECONDS)
    run = skill_actions.teach(store, model, max_steps)
    store.choices.set(CHOICE, 0)
    return run


def _queue(
    session: Session, queue: Callable[[Store, ModelSettings], Run], *values: Any
) -> Drawn:
    model = _model(session.store, *values)
    session.start_worker_for(queue(session.store, model))
    return _draw(session, model)


def _draw(session: Session, model: ModelSettings) -> Drawn:
    """Return both panels, then steps, button and basis of a round that may help."""
    panel = views.panel(session.store, model)
    basis = _basis(session.store, model) if panel.needs_teaching else ""
    variant: Literal["primary", "secondary"]
    variant = "secondary" if panel.is_taught else "primary"
    button = gr.Button(variant=variant, visible=panel.needs_teaching)
    steps = gr.Number(visible=panel.needs_teaching or "hidden")
    return panel.head, panel.result, steps, button, basis


def _basis(store: Store, model: ModelSettings) -> str:
    """Return a text that differs if teaching may take another time.

    That depends on the corpora, and on the pace of the last runs.
    """
    corpora = [(corpus.id, corpus.excluded) for corpus in store.corpora.all()]
    last_runs = store.runs.find(RunFilter(states=("done",)), limit=1)
    return repr((model, corpora, [run.id for run in last_runs]))


def _estimate(session: Session, model: ModelSettings, max_steps: int) -> Html:
    """Return what teaching takes, if there is anything to learn from."""
    estimate = skill_teaching.estimate(session.store, model, max_steps)
    return views.teaching_estimate(*estimate) if estimate else Html("")
