"""Documents with their counts, and passages as they stand in the text."""

from collections.abc import Sequence

from autolearn.records import Document, Passage
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html


def documents(store: Store) -> Html:
    """Return all documents; a click on one shows its passages."""
    found = store.library.shelf()
    if not found:
        return html.note(
            "No text yet. Upload or paste one, or press “Run a whole round” to begin "
            "with the built-in library."
        )
    rows = [
        (
            html.pick(html.text(one.name), one.id, "al-link"),
            html.number(one.n_characters),
            html.number(one.n_passages),
            html.number(one.n_tokens),
        )
        for one in found
    ]
    return html.table(
        ("Document", "Characters", "Passages", "Tokens"), rows, "Documents"
    )


def passages(store: Store, document_id: int) -> Html:
    """Return one document passage by passage, each with its place and its switch.

    0 stands for the first document.
    """
    shelf = store.library.shelf()
    if not shelf:
        return html.note("The passages of a document are read here.")
    document = store.library.document(document_id or shelf[0].id)
    found = store.library.passages([document.id], with_excluded=True)
    covered = sum(p.end - p.start for p in found)
    share = covered / max(1, len(document.text))
    title = html.tag("h3", html.text(document.name), "al-head")
    told = f"{len(found)} passages cover {100 * share:.0f} % of the characters"
    cards = html.join(_passage(one) for one in found)
    return Html(title + html.tag("p", html.text(told), "al-faint") + cards)


def _passage(one: Passage) -> Html:
    place = f"{one.position + 1}. characters {one.start} to {one.end}, "
    place += f"{one.n_tokens} tokens"
    word = "Take in again" if one.excluded else "Leave out"
    head = html.tag("span", html.text(place), "al-faint") + html.pick(
        html.text(word), one.id, aria_label=f"{word}: passage {one.position + 1}"
    )
    return html.tag(
        "section",
        html.tag("header", head, "al-spread")
        + html.tag("div", html.text(one.text), "al-text"),
        "al-card al-out" if one.excluded else "al-card",
    )


def added(new: Sequence[Document], refused: Sequence[str]) -> Html:
    """Return what came in, and why the rest did not."""
    names = ", ".join(document.name for document in new)
    good = html.tag("p", html.text(f"Added: {names}."), "al-good") if new else Html("")
    return Html(good + html.join(html.problem(one) for one in refused))
