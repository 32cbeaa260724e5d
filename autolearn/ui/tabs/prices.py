"""The part of the Model tab that takes the price of a model on a server."""

from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.prices import Price
from autolearn.core.server_addresses import is_server
from autolearn.runs.model_choice import chosen_model
from autolearn.services import prices
from autolearn.ui.session import PageContext, Session


def build(context: PageContext) -> None:
    """Lay out the part, which is visible while a model on a server is in use."""
    session, drawn_for = context.session, gr.State("")
    with gr.Column(visible=False, elem_id="model-prices") as part:
        with gr.Row():
            fields: list[gr.components.Component] = [
                gr.Number(label="Price of 1 M prompt tokens", min_width=120),
                gr.Number(label="Price of 1 M answer tokens", min_width=120),
                gr.Textbox(label="Currency", placeholder="EUR", min_width=80),
            ]
        save = gr.Button("Save the price", size="sm", elem_id="model-prices-save")
    outputs: list[gr.blocks.Block] = [drawn_for, part, *fields]
    context.redraw_on_change(partial(_renewed, session), [drawn_for], outputs)
    context.on_action([save.click], partial(_save, session), fields)


def _renewed(session: Session, drawn_for: str) -> tuple[Any, ...]:
    """Return the price of the model in use, if another one was in use before."""
    model = chosen_model(session.store).model
    if model == drawn_for:
        return (gr.skip(),) * 5
    price = prices.price_of(session.store, model)
    values = (price.prompt, price.answer, price.currency) if price else (None, None, "")
    return model, gr.Column(visible=is_server(model)), *values


def _save(
    session: Session, prompt: float | None, answer: float | None, currency: str
) -> str:
    """Keep the price of the model in use; without amounts, forget it."""
    price = None
    if prompt is not None or answer is not None:
        price = Price(prompt or 0.0, answer or 0.0, currency.strip())
    prices.set_price(session.store, chosen_model(session.store).model, price)
    return "Saved; History and Study show the costs." if price else "No price is kept."
