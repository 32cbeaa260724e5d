"""Show training items as the trainer sees them: token by token, with the loss mask.

The page calls ``show_values`` in a child, so that it neither loads torch nor uses a
foreign tokenizer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autolearn.core import codec
from autolearn.core.records import TrainItem
from autolearn.engine.tokenizer import chat_format, load_untried
from autolearn.engine.trainer.batches import Example, Row, cut, encode

_N_DROPPED = 20
"""Most items over the length limit that are listed individually."""
_INCOMPLETE = "\ufffd"
"""The text that a tokenizer decodes from the incomplete bytes of a character."""


def show(
    folder: Path, items: Sequence[TrainItem], max_tokens: int, n_shown: int
) -> dict[str, Any]:
    """Return the first ``n_shown`` items token by token, and totals over all items."""
    tokenizer = load_untried(folder)
    chat, context = chat_format(folder, tokenizer)
    longest = min(max_tokens, context)
    items = [part for item in items for part in cut(item, chat, longest)]
    examples = [encode(item, chat) for item in items]
    rows = [row for example in examples for row in example.rows]
    too_long = [
        (example.length, item.chosen)
        for item, example in zip(items, examples, strict=True)
        if example.length > longest
    ]
    return {
        "items": [_tokens(example, tokenizer) for example in examples[:n_shown]],
        "n_items": len(items),
        "longest": longest,
        "too_long": len(too_long),
        "dropped": too_long[:_N_DROPPED],
        "end": str(tokenizer.decode([chat.answer("?")[-1]])),
        "empty": sum(any(r.n_answer <= 0 for r in e.rows) for e in examples),
        "tokens": sum(len(row.ids) for row in rows),
        "n_trained": sum(max(0, row.n_answer) for row in rows),
    }


def _tokens(example: Example, tokenizer: Any) -> list[dict[str, Any]]:
    return [
        {"ids": row.ids, "n_prompt": row.n_prompt, "pieces": _pieces(row, tokenizer)}
        for row in example.rows
    ]


def _pieces(row: Row, tokenizer: Any) -> list[str]:
    """Return the text of each token.

    A character of several tokens is shown at its last token.
    """
    pieces: list[str] = []
    before = ""
    for end in range(1, len(row.ids) + 1):
        text = str(tokenizer.decode(row.ids[:end], skip_special_tokens=False))
        # Decode the whole beginning each time: single tokens decode differently.
        if text.endswith(_INCOMPLETE) and end < len(row.ids):
            pieces.append("")
            continue
        pieces.append(text[len(before) :])
        before = text
    return pieces


def show_values(
    folder: str, rows: Sequence[dict[str, Any]], max_tokens: int, n_shown: int
) -> dict[str, Any]:
    """Return the result of ``show`` for items given as JSON values, in a child."""
    items = [codec.decode(TrainItem, row) for row in rows]
    return show(Path(folder), items, max_tokens, n_shown)
