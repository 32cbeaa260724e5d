"""Runs and a round as autolearn wrote them before their settings had types.

The rows are those of a ``demo`` and of one command of each other kind, with shortened
prompts. Downloads and conversions, which those did not have, are written by hand.
"""

import json
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")
DIGEST = "dee4caca482054d961838810fea14dc418ece1b5634d0cf9c71356bf8bb928e9"
"""Of the files of the model of these runs."""
BY_HAND = [
    {
        "kind": "download",
        "settings": {"name": "org/name", "bytes": 9, "commit": "c0ffee"},
        "result": {"model": "org/name", "path": "/cache/x", "bytes": 9},
    },
    {
        "kind": "convert",
        "settings": {"file": "/texts/a.gguf", "use": None},
        "result": {"model": "/m", "source": "/texts/a.gguf", "rounding": {"mean": 0.1}},
    },
]


def rows():
    """Return id, kind, state, settings and result of each run."""
    stored_rows = json.loads(FILE.read_text(encoding="utf-8"))["runs"]
    first = stored_rows[-1]["id"] + 1
    more = [{"id": i, "state": "done"} | row for i, row in enumerate(BY_HAND, first)]
    return [*stored_rows, *more]


def round_scores():
    """Return the scores of the round."""
    return json.loads(FILE.read_text(encoding="utf-8"))["round"]["scores"]
