"""The part of the Model tab that checks the skills of a model and shows them."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from autolearn.core.settings import ModelSettings, Quantization
from autolearn.runs.model_choice import chosen_model
from autolearn.services import model_actions, skill_actions
from autolearn.ui.html import Html
from autolearn.ui.session import PageContext, Session, html_panel, redraw_on
from autolearn.ui.views import skills as views


def build(context: PageContext, inputs: Sequence[gr.components.Component]) -> None:
    """Lay out the part; ``inputs`` are name, loading and adapter of the model."""
    session = context.session
    check = gr.Button("Check skills", size="sm", elem_id="model-skills-check")
    shown = html_panel("model-skills")

    def draw(*given: Any) -> Html:
        return views.draw(session.store, _model(session, *given))

    name, loading, adapter = inputs
    context.redraw_on_change(draw, inputs, [shown])
    changed: list[Callable[..., Any]] = [
        name.submit,  # type: ignore[attr-defined]
        name.blur,  # type: ignore[attr-defined]
        loading.change,  # type: ignore[attr-defined]
        adapter.change,  # type: ignore[attr-defined]
    ]
    redraw_on(changed, draw, inputs, [shown])
    context.on_action(
        [check.click],
        lambda *given: _check(session, _model(session, *given)),
        inputs,
        [shown],
    )


def _model(
    session: Session, name: str, loading: Quantization, adapter: int
) -> ModelSettings:
    name = name.strip() or chosen_model(session.store).model
    folder = model_actions.as_folder(session.store, name)
    return ModelSettings(folder, loading, adapter or None)


def _check(session: Session, model: ModelSettings) -> Html:
    session.order(skill_actions.check(session.store, model))
    return views.draw(session.store, model)
