"""The part of the Model tab that checks the skills of a model and shows them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import gradio as gr

from autolearn.core.records import Run
from autolearn.core.settings import ModelSettings
from autolearn.runs import run_control
from autolearn.services import corpus_actions, model_actions, skill_actions
from autolearn.services.estimates import skill_teaching
from autolearn.store import RunFilter, Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.session import LAST, PageContext, Session, html_panel, redraw_on
from autolearn.ui.views import skills as views
from autolearn.ui.views.links import SKILLS

CORPUS_SECONDS = 30.0
"""How long is waited for the built-in corpus, which takes a few seconds."""
ESTIMATING = "Estimating how long teaching takes …"
Drawn = tuple[Html, Html, gr.Button, str]


def build(context: PageContext, inputs: Sequence[gr.components.Component]) -> None:
    """Lay out the part; ``inputs`` are name, loading and adapter of the model."""
    session = context.session
    head = html_panel(SKILLS)
    context.links.append(head)
    check = gr.Button("Check skills", size="sm", elem_id="model-skills-check")
    teach = gr.Button(
        "Teach these skills (meta-skill round)",
        variant="primary",
        visible=False,
        elem_id="model-skills-teach",
    )
    estimate = html_panel("model-skills-estimate")
    result = html_panel("model-skills-result")
    basis = gr.Textbox("", visible="hidden")
    outputs = [head, result, teach, basis]

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
    _draw_estimate(session, basis, inputs, estimate)
    teaching = partial(_teach, session)
    for button, action in ((check, skill_actions.check), (teach, teaching)):
        queue = partial(_queue, session, action)
        context.on_action([button.click], queue, inputs, outputs)


def _draw_estimate(
    session: Session,
    basis: gr.Textbox,
    inputs: Sequence[gr.components.Component],
    estimate: gr.HTML,
) -> None:
    """Show what teaching takes; as this takes seconds, after the rest is drawn."""

    def wait(basis: str) -> Html:
        return html.note(ESTIMATING) if basis else Html("")

    def draw(basis: str, *values: Any) -> Html:
        return _estimate(session, _model(session.store, *values)) if basis else Html("")

    waiting = basis.change(wait, basis, estimate, **LAST)
    redraw_on([waiting.then], draw, [basis, *inputs], [estimate])


def _model(store: Store, *values: Any) -> ModelSettings:
    """Return the model of the form, as it can be loaded."""
    model = model_actions.selected(store, *values)
    return replace(model, model=model_actions.as_folder(store, model.model))


def _teach(session: Session, store: Store, model: ModelSettings) -> Run:
    """Queue a meta-skill round; a library without a corpus gets the built-in one."""
    if not store.corpora.all():
        run = corpus_actions.add(store, None, model.model)
        session.start_worker_for(run)
        run_control.wait(store, run.id, seconds=CORPUS_SECONDS)
    return skill_actions.teach(store, model)


def _queue(
    session: Session, queue: Callable[[Store, ModelSettings], Run], *values: Any
) -> Drawn:
    model = _model(session.store, *values)
    session.start_worker_for(queue(session.store, model))
    return _draw(session, model)


def _draw(session: Session, model: ModelSettings) -> Drawn:
    """Return both panels, the button if a meta-skill round may help, and its basis."""
    panel = views.panel(session.store, model)
    basis = _basis(session.store, model) if panel.needs_teaching else ""
    variant: Literal["primary", "secondary"]
    variant = "secondary" if panel.is_taught else "primary"
    button = gr.Button(variant=variant, visible=panel.needs_teaching)
    return panel.head, panel.result, button, basis


def _basis(store: Store, model: ModelSettings) -> str:
    """Return a text that differs if teaching may take another time.

    That depends on the corpora, and on the pace of the last runs.
    """
    corpora = [(corpus.id, corpus.excluded) for corpus in store.corpora.all()]
    last_runs = store.runs.find(RunFilter(states=("done",)), limit=1)
    return repr((model, corpora, [run.id for run in last_runs]))


def _estimate(session: Session, model: ModelSettings) -> Html:
    """Return what teaching takes, if there is anything to learn from."""
    estimate = skill_teaching.estimate(session.store, model)
    return views.teaching_estimate(*estimate) if estimate else Html("")
