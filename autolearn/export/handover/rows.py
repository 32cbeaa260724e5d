"""The items of a round as rows of JSON Lines, in the forms that trainers read."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from autolearn.export.handover.contents import EncodedItem

Row = dict[str, Any]


def lines(items: Iterable[EncodedItem], row: Callable[[EncodedItem], Row]) -> str:
    """Return items as JSON Lines."""
    return "".join(json.dumps(row(entry), ensure_ascii=False) + "\n" for entry in items)


def readable(entry: EncodedItem) -> Row:
    """Return an item as a person reads it."""
    item = entry.item
    row = {
        "kind": item.kind,
        "prompt": entry.chosen.prompt,
        "answer": entry.chosen.answer,
        "rejected": entry.rejected.answer if entry.rejected else None,
        "weight": item.weight,
        "sample": item.sample_id,
        "is_learnable": entry.is_learnable,
    }
    return {name: value for name, value in row.items() if value is not None}


def tokens(entry: EncodedItem) -> Row:
    """Return an item as token ids; the loss ignores the prompt."""
    text = entry.chosen
    return {
        "input_ids": list(text.ids),
        "attention_mask": [1] * len(text.ids),
        "labels": text.labels,
    }


def texts(entry: EncodedItem) -> Row:
    """Return an item as a prompt and its completion."""
    return {"prompt": entry.chosen.prompt, "completion": entry.chosen.answer}


def pair(entry: EncodedItem) -> Row:
    """Return a preference pair as texts.

    Raises:
        ValueError: The item has no rejected answer.
    """
    if entry.rejected is None:
        raise ValueError("A preference pair needs a rejected answer.")
    return {
        "prompt": entry.chosen.prompt,
        "chosen": entry.chosen.answer,
        "rejected": entry.rejected.answer,
    }
