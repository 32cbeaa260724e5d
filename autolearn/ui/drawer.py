"""A panel at the right edge: what was clicked is seen without scrolling."""

from autolearn.ui import html
from autolearn.ui.html import Html

CLOSE = "close-drawer"
"""The key of the click that closes it; so does Escape."""
FOCUS_JS = "() => setTimeout(() => document.querySelector('.al-drawer')?.focus(), 60)"
"""Moves the keyboard to it once it is drawn."""


def drawer(content: Html, label: str) -> Html:
    """Return content at the right edge of the window, above the page."""
    close = html.pick(html.text("Close (Esc)"), CLOSE, "al-link")
    head = html.tag("header", html.tag("strong", html.text(label)) + close, "al-spread")
    return html.tag(
        "aside", head + content, "al-drawer", aria_label=label, tabindex="-1"
    )
