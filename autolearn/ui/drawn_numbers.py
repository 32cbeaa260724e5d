"""Numbers that belong to what is drawn, such as the id of the sample on a card.

A ``gr.State`` is kept by the server. It changes when an event is done, which is before
its answer is drawn, and an older answer that is drawn after that does not change it
back. A click would then act on something that is not seen. These numbers come with the
drawing and are kept by the browser, which sends them with the click.
"""

import gradio as gr


def drawn_number() -> gr.Number:
    """Return the place of a number; 0: nothing is drawn yet.

    To be an output of every event that draws what it belongs to.
    """
    return gr.Number(0, precision=0, visible="hidden", container=False)
