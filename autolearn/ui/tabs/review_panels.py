"""What the review shows: a sample, the counts of the filter, and the choices."""

from typing import Any

import gradio as gr

from autolearn.services.model_scope import shown_digest
from autolearn.services.review_actions import ReviewQueue
from autolearn.store import RunFilter
from autolearn.ui import html
from autolearn.ui.dropdowns import offer
from autolearn.ui.html import Html
from autolearn.ui.session import Session
from autolearn.ui.tabs.review_filter import ANY
from autolearn.ui.views import review as views
from autolearn.ui.views import sample


def show(
    session: Session, queue: ReviewQueue, number: int = 0, note: str = ""
) -> tuple[Any, ...]:
    """Return what ``Parts.shown`` shows; 0 means the first sample."""
    store = session.store
    number = number or queue.next(store)
    if number:
        card, version = card_of(session, number)
    else:
        card, version = views.empty(store, queue.criteria(store)), 0
    notice = html.tag("p", html.text(note), "al-note", role="status")
    panel = gr.Column(visible=False)
    return card, number, version, panel, notice if note else Html("")


def card_of(session: Session, number: int) -> tuple[Html, int]:
    """Return the card of a sample, and the newest decision that it can show."""
    # Read first: what is decided in between is then refused, not overwritten.
    version = session.store.decisions.version()
    return sample.card(session.store.samples.view(number)), version


def counters(session: Session, queue: ReviewQueue) -> tuple[Any, ...]:
    """Return the progress, both bulk buttons with their counts, and the histogram."""
    store = session.store
    counts = store.samples.counts(queue.criteria(store))
    total = sum(counts.values())
    approve, reject = total - counts["approved"], total - counts["rejected"]
    return (
        views.progress(store),
        _bulk_button("Approve", approve),
        _bulk_button("Reject", reject),
        views.histogram(store, queue.criteria(store)),
    )


def _bulk_button(verb: str, n: int) -> gr.Button:
    """Return the button that decides all filtered samples; its label counts them."""
    if not n:
        return gr.Button(f"No filtered sample to {verb.lower()}", interactive=False)
    n_samples = html.count(n, "filtered sample")
    return gr.Button(f"{verb} {'all ' * (n > 1)}{n_samples}", interactive=True)


def choices(
    session: Session, document: int, study: int
) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Offer the documents and the studies."""
    store = session.store
    documents = [(d.name, d.id) for d in store.library.document_sizes()]
    studies = [
        (views.study_name(run), run.id)
        for run in store.runs.find(
            RunFilter(("study",), model_digest=shown_digest(store))
        )
    ]
    return (
        offer([(ANY, 0), *documents], document, 0),
        offer([(ANY, 0), *studies], study, 0),
    )
