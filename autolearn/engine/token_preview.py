"""Show items as the training sees them: token by token, and what is learned.

A process of its own, ``python -m autolearn.engine.token_preview``: the page asks it, so
that the page itself never loads torch. JSON comes in and JSON goes out.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from autolearn.core.model_calls import Message
from autolearn.core.records import TrainItem
from autolearn.engine.chat import ChatFormat, context_length, eos_ids
from autolearn.engine.trainer.batches import Example, Row, encode

_N_DROPPED = 20
"""Most items that are too long which are told one by one."""
_HALF = "\ufffd"
"""Stands where the bytes of a sign are not complete yet."""


def show(
    folder: Path, items: Sequence[TrainItem], max_tokens: int, n_shown: int
) -> dict[str, Any]:
    """Return the first items token by token, and what is true of all of them."""
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    config = AutoConfig.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    longest = min(max_tokens, context_length(config, tokenizer))
    chat = ChatFormat(tokenizer, eos_ids(_generation(folder, config)))
    examples = [encode(item, chat) for item in items]
    rows = [row for example in examples for row in example.rows]
    dropped = [
        (example.length, item.chosen)
        for item, example in zip(items, examples, strict=True)
        if example.length > longest
    ]
    return {
        "items": [_shown(example, tokenizer) for example in examples[:n_shown]],
        "n_items": len(items),
        "longest": longest,
        "too_long": len(dropped),
        "dropped": dropped[:_N_DROPPED],
        "end": str(tokenizer.decode([chat.answer("?")[-1]])),
        "empty": sum(any(r.n_answer <= 0 for r in e.rows) for e in examples),
        "tokens": sum(len(row.ids) for row in rows),
        "trained": sum(max(0, row.n_answer) for row in rows),
    }


def _generation(folder: Path, config: Any) -> Any:
    try:
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    except OSError:
        return GenerationConfig.from_model_config(config)


def _shown(example: Example, tokenizer: Any) -> list[dict[str, Any]]:
    return [
        {"ids": row.ids, "n_prompt": row.n_prompt, "pieces": _pieces(row, tokenizer)}
        for row in example.rows
    ]


def _pieces(row: Row, tokenizer: Any) -> list[str]:
    """Return the text of each token; a sign of several tokens stands at its last."""
    pieces: list[str] = []
    before = ""
    for end in range(1, len(row.ids) + 1):
        text = str(tokenizer.decode(row.ids[:end], skip_special_tokens=False))
        if text.endswith(_HALF) and end < len(row.ids):
            pieces.append("")
            continue
        pieces.append(text[len(before) :])
        before = text
    return pieces


def main() -> None:
    """Read what is asked for, and write what there is to show."""
    wanted = json.load(sys.stdin)
    items = [
        TrainItem(**row | {"chat": tuple(Message(**turn) for turn in row["chat"])})
        for row in wanted["items"]
    ]
    folder = Path(wanted["folder"])
    found = show(folder, items, wanted["max_tokens"], wanted["n_shown"])
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
