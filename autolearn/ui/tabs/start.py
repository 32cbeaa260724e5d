"""The first page: what this is, three ways to begin, and the state of the workspace."""

import gradio as gr

from autolearn.ui.session import PageContext, html_panel
from autolearn.ui.views import control_offer
from autolearn.ui.views import start as views

TITLE = "Start"


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    store = context.session.store
    context.links.append(html_panel("start-about", views.about()))
    # Drawn at once, so that a new page shows it before it has asked the server.
    ways = html_panel("start-ways", views.ways(store))
    context.redraw_on_change(lambda: views.ways(context.session.store), [], [ways])
    context.links.append(ways)

    def press(event: gr.EventData) -> str | None:
        if event.pick == control_offer.ADD:
            return control_offer.accept(context.session.store)
        if event.pick == views.WHOLE:
            context.session.start_round()
        return None

    context.on_action([ways.click], press)
