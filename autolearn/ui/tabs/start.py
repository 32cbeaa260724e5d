"""The first page: what this is, three ways to begin, and the state of the workspace."""

from typing import Any

import gradio as gr

from autolearn.ui.session import PageContext, html_panel
from autolearn.ui.views import control_offer
from autolearn.ui.views import start as views

TITLE = "Start"


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    store = session.store
    context.links.append(html_panel("start-about", views.about()))
    # Drawn at once, so that a new page shows it before it has asked the server.
    ways = html_panel("start-ways", views.ways(store))
    offer = html_panel("start-offer", control_offer.draw(store))
    context.redraw_on_change(lambda: views.ways(session.store), [], [ways])
    context.redraw_on_change(lambda: control_offer.draw(session.store), [], [offer])
    context.links.append(ways)

    def press(event: gr.EventData) -> Any:
        if event.pick != views.WHOLE:
            return gr.skip()
        return session.ask_or_start_round()

    context.on_action([ways.click], press, [], [context.round_question])
    context.on_action([offer.click], lambda: control_offer.accept(session.store))
