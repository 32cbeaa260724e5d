"""The state that the server keeps for a visit, and when it is dropped.

Gradio (6.31) holds the configuration of all components for each visit to the page, some
0.8 MiB with what they show. Of a closed page it drops the values of the states after an
hour, and never the rest. Here all of it is dropped, except for the pages that were
closed last: a computer that wakes up connects again and continues where it was.
"""

import gradio as gr

KEPT = 8
"""Closed pages that are kept."""
CAPACITY = 64
"""Most visits that are kept, open or closed."""


def drop_closed(page: gr.Blocks) -> None:
    """Let a page drop what is kept of closed visits, whenever one is closed."""
    page.state_session_capacity = CAPACITY

    def closed(request: gr.Request) -> None:
        visits = page.state_holder
        with visits.lock:
            # Gradio makes it again for this call if another one has just dropped it.
            if own := visits.session_data.get(request.session_hash or ""):
                own.is_closed = True
            # In the order of their last use.
            keys = [
                key for key, visit in visits.session_data.items() if visit.is_closed
            ]
            for key in keys[:-KEPT]:
                del visits.session_data[key]
                visits.time_last_used.pop(key, None)

    page.unload(closed)
