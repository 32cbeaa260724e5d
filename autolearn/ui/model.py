"""The model tab."""

import gradio as gr

from autolearn.ui.desk import Board

TITLE = "Model"


def build(board: Board, tab: gr.Tab) -> None:
    """Lay out the tab and wire it to the board."""
