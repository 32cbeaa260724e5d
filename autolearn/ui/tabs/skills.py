"""The part of the Model tab that checks the skills of a model and shows them."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from autolearn.core.settings import ModelSettings, Quantization
from autolearn.services import actions, model_actions, skill_actions
from autolearn.ui.html import Html
from autolearn.ui.session import Board, Desk, picture, watch
from autolearn.ui.views import skills as views


def build(board: Board, inputs: Sequence[gr.components.Component]) -> None:
    """Lay out the part; ``inputs`` are name, loading and adapter of the model."""
    desk = board.desk
    check = gr.Button("Check skills", size="sm", elem_id="model-skills-check")
    shown = picture("model-skills")

    def draw(*given: Any) -> Html:
        return views.draw(desk.store, _model(desk, *given))

    name, loading, adapter = inputs
    board.follow(draw, inputs, [shown])
    changed: list[Callable[..., Any]] = [
        name.submit,  # type: ignore[attr-defined]
        name.blur,  # type: ignore[attr-defined]
        loading.change,  # type: ignore[attr-defined]
        adapter.change,  # type: ignore[attr-defined]
    ]
    watch(changed, draw, inputs, [shown])
    board.act(
        [check.click],
        lambda *given: _check(desk, _model(desk, *given)),
        inputs,
        [shown],
    )


def _model(desk: Desk, name: str, loading: Quantization, adapter: int) -> ModelSettings:
    name = name.strip() or actions.chosen_model(desk.store).model
    folder = model_actions.as_folder(desk.store, name)
    return ModelSettings(folder, loading, adapter or None)


def _check(desk: Desk, model: ModelSettings) -> Html:
    desk.order(skill_actions.check(desk.store, model))
    return views.draw(desk.store, model)
