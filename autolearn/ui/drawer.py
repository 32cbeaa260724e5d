"""A panel at the right edge: what was clicked is seen without scrolling."""

from autolearn.ui import html
from autolearn.ui.html import Html

CLOSE = "close-drawer"
"""The key of the click that closes it; so does Escape."""
FOCUS_JS = """() => {
  document.body.classList.remove("al-drawer-closed");
  const opener = document.activeElement;
  if (!opener.closest(".al-drawer")) window.alOpener = opener;
  let left = 600;
  const timer = setInterval(() => {
    const drawers = [...document.querySelectorAll(".al-drawer")];
    const drawer = drawers.find((one) => one.getClientRects().length > 0);
    if (drawer) drawer.focus();
    if (drawer || --left === 0) clearInterval(timer);
  }, 50);
}"""
"""Moves the keyboard to it once it is drawn, within half a minute.

What closes it hides it at once (assets/autolearn.js), until it is opened again: an
answer that was on its way meanwhile may still draw it. The keyboard then returns to
what opened it.
"""


def drawer(content: Html, label: str) -> Html:
    """Return content at the right edge of the window, above the page."""
    close = html.pick(html.text("Close (Esc)"), CLOSE, "al-link")
    head = html.tag("header", html.tag("strong", html.text(label)) + close, "al-spread")
    return html.tag(
        "aside", head + content, "al-drawer", aria_label=label, tabindex="-1"
    )
