"""The exact tokens that a round would train on, from a separate process.

The tokenizer and the encoding of the training need torch, which the page must not
load; so another process encodes, by the very function that the training uses.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autolearn.containment import Limits, run
from autolearn.core.errors import BackendError, ChildFailed
from autolearn.core.records import TrainItem

N_SHOWN = 3
"""Items that are shown token by token."""
LIMITS = Limits(seconds=120.0, memory=4 << 30)
"""Limits for loading the tokenizer and encoding all items."""


@dataclass(frozen=True)
class PreviewRow:
    """One text as the model sees it; what follows the prompt is learned."""

    ids: tuple[int, ...]
    n_prompt: int
    pieces: tuple[str, ...]
    """The text of each token."""


@dataclass(frozen=True)
class TokenPreview:
    """The first items token by token, and totals over all of them."""

    items: tuple[tuple[PreviewRow, ...], ...]
    """Each with one row, or two: the chosen and the rejected answer."""
    n_items: int
    longest: int
    """Tokens that an item may have."""
    too_long: int
    empty: int
    """Items without an answer: nothing can be learned from them."""
    tokens: int
    n_trained: int
    """Tokens that are learned."""
    end: str
    """The end of each answer; it is learned too."""
    dropped_items: tuple[tuple[int, str], ...]
    """Tokens and answer of the first items that are too long."""


def preview(
    folder: Path, items: Sequence[TrainItem], max_tokens: int, n_shown: int = N_SHOWN
) -> TokenPreview:
    """Return how the model in a folder would see the items.

    Raises:
        BackendError: Its tokenizer cannot be used.
    """
    rows_of = [asdict(item) for item in items]
    try:
        answer = run(
            "autolearn.engine.token_preview:show_values",
            *(folder, rows_of, max_tokens, n_shown),
            limits=LIMITS,
        )
    except ChildFailed as error:
        raise BackendError(
            f"The tokens cannot be made: the tokenizer in {folder} {error}; choose "
            "another model."
        ) from error
    rows = [[_row(row) for row in item] for item in answer.pop("items")]
    dropped_items = tuple((n, text) for n, text in answer.pop("dropped"))
    return TokenPreview(tuple(map(tuple, rows)), dropped_items=dropped_items, **answer)


def _row(row: dict[str, Any]) -> PreviewRow:
    return PreviewRow(tuple(row["ids"]), row["n_prompt"], tuple(row["pieces"]))
