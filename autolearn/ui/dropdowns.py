"""Dropdowns whose choices come and go with the workspace."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

Option = tuple[str, int | str]
"""The title of a choice, and its value."""


def offer(choices: Sequence[Option], chosen: Any, default: Any = None) -> gr.Dropdown:
    """Offer these choices; what was chosen and is no longer among them is dropped.

    Otherwise Gradio (6.31) would show an empty field and refuse every event that reads
    it. Of a list, each value that is still offered stays; ``default`` takes the place
    of a single one.
    """
    offered = {value for _, value in choices}
    if isinstance(chosen, list):
        value = [item for item in chosen if item in offered]
    else:
        value = chosen if chosen in offered else default
    if value == chosen:  # the field must not report this as a change
        return gr.Dropdown(choices=list(choices))
    return gr.Dropdown(choices=list(choices), value=value)
