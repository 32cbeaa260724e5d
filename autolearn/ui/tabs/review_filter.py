"""The filter of the review as it stands on the page."""

from typing import Any

from autolearn.services.review_actions import ReviewQueue
from autolearn.store import SampleFilter
from autolearn.store.samples import Order

ANY = "any"
UNFLAGGED = "none"
"""Stands for samples without any flag where a flag can be chosen."""
ORDERS: dict[str, Order] = {
    "most useful first": "doubt",
    "best first": "demerit",
    "oldest first": "id",
}
FRESH = ("pending", "most useful first", "", ANY, ANY, ANY, 0.0, 1.0, 0, 0)
"""The filter as it is at first, in the order of its fields on the page."""


def review_queue(*values: Any) -> ReviewQueue:
    """Return the queue that the fields of the filter choose."""
    state, order, text, flag, verdict, gap, low, high, document, run = values
    criteria = SampleFilter(
        state=None if state == ANY else state,
        flag=None if flag in (ANY, UNFLAGGED) else flag,
        flagged=False if flag == UNFLAGGED else None,
        verdict=None if verdict == ANY else verdict,
        gap=None if gap == ANY else gap == "gap",
        min_gap_probability=low or None,
        max_gap_probability=None if high >= 1 else high,
        document_id=document or None,
        run_id=run or None,
        text=text.strip() or None,
    )
    return ReviewQueue(criteria, ORDERS[order])
