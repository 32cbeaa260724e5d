"""Parts of the page, laid out without a browser."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import gradio as gr
from gradio.context import get_blocks_context

from autolearn.ui.session import PageContext

T = TypeVar("T")


def laid_out(lay_out: Callable[[], T]) -> T:
    """Return the parts that a function lays out on a page."""

    async def make() -> T:  # without a loop, Gradio makes some and leaves them open
        with gr.Blocks():
            return lay_out()

    return asyncio.run(make())


def events() -> list[Any]:
    """Return the events of the page that is being laid out, in their order."""
    blocks = get_blocks_context()
    assert blocks
    return [*blocks.fns.values()]


def opened(
    context: PageContext, values: Mapping[gr.components.Component, Any]
) -> dict[gr.blocks.Block, Any]:
    """Return what the parts show once their tab is opened, given their values."""
    shown: dict[gr.blocks.Block, Any] = {}
    for drawing in (*context.redrawn_on_change, *context.redrawn_on_opening):
        drawn = zip(drawing.outputs, drawing(values), strict=True)
        shown |= {output: part for output, part in drawn if part != gr.skip()}
    return shown
