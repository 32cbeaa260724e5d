"""A warning if the chosen model cannot read a text well, with what to do."""

from collections.abc import Collection

from autolearn.runs.model_choice import chosen_model
from autolearn.services.tokenizer_fit import hard_documents
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels
from autolearn.ui.views.links import TAB

NAMED = 3
"""Most documents that are named."""


def warning(store: Store, documents: Collection[int] | None = None) -> Html:
    """Return which of these documents, or of all, are hard to read; else nothing."""
    shares = hard_documents(store, documents)
    if not shares:
        return Html("")
    names = [d.name for d in store.library.document_sizes() if d.id in shares]
    named = ", ".join(names[:NAMED])
    if more := len(names) - NAMED:
        named += f" and {more} more" if more > 0 else ""
    model = labels.model(chosen_model(store).model)
    sentence = (
        f"{model} can hardly read {named}: it splits up to "
        f"{100 * max(shares.values()):.0f} % of the letters into pieces of one or two, "
        "as in a language or style that it has not seen. Its questions and answers "
        "would make no sense. "
    )
    way_out = html.pick(html.text("Choose another model"), f"{TAB}Model", "al-go")
    return html.tag(
        "div", html.tag("p", html.text(sentence)) + way_out, "al-warning", role="note"
    )
