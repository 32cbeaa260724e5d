"""The filter of the review as it is set on the page."""

from typing import Any, NamedTuple, cast

from autolearn.core.records import SampleState, Verdict
from autolearn.services.review_actions import ReviewQueue
from autolearn.store import SampleFilter
from autolearn.store.samples import Order

ANY = "any"
UNFLAGGED = "none"
"""The choice of samples without any flag."""
ORDERS: dict[str, Order] = {
    "most useful first": "doubt",
    "best first": "demerit",
    "oldest first": "id",
}


class FilterForm(NamedTuple):
    """The values of the filter's fields, in their order on the page."""

    state: str = "pending"
    order: str = "most useful first"
    text: str = ""
    flag: str = ANY
    verdict: str = ANY
    gap: str = ANY
    low: float = 0.0
    """Least gap probability."""
    high: float = 1.0
    """The gap probability is below it; 1: any."""
    document: int = 0
    """0: any; so for the study."""
    run: int = 0

    def queue(self) -> ReviewQueue:
        """Return the queue that the filter chooses."""
        criteria = SampleFilter(
            state=None if self.state == ANY else cast(SampleState, self.state),
            flag=None if self.flag in (ANY, UNFLAGGED) else self.flag,
            flagged=False if self.flag == UNFLAGGED else None,
            verdict=None if self.verdict == ANY else cast(Verdict, self.verdict),
            gap=None if self.gap == ANY else self.gap == "gap",
            min_gap_probability=self.low or None,
            gap_probability_below=None if self.high >= 1 else self.high,
            document_id=self.document or None,
            run_id=self.run or None,
            text=self.text.strip() or None,
        )
        return ReviewQueue(criteria, ORDERS[self.order])


FRESH = FilterForm()
"""The filter as it is at first."""


def review_queue(*values: Any) -> ReviewQueue:
    """Return the queue that the fields of the filter choose."""
    return FilterForm(*values).queue()
