"""Runs and a round as autolearn wrote them before their settings had types.

The rows are those of a ``demo`` and of one command of each other kind, with shortened
prompts. Downloads and conversions, which those did not have, are written by hand.
"""

import json
from pathlib import Path

import sqlite_utils

from autolearn.store import Store
from autolearn.store.migrations import MIGRATIONS

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


def old_database(workspace, before):
    """Return the database of a new workspace, as it was before a migration."""
    workspace.mkdir(parents=True)
    db = sqlite_utils.Database(workspace / "autolearn.db")
    MIGRATIONS.apply(db, stop_before=before)
    return db


def write(db):
    """Write the runs into an old database, and close it."""
    for row in rows():
        db.execute(
            "INSERT INTO runs (id, kind, state, settings, result) VALUES (?,?,?,?,?)",
            (
                row["id"],
                row["kind"],
                row["state"],
                json.dumps(row["settings"]),
                json.dumps(row["result"]),
            ),
        )
    db.conn.commit()
    db.close()


def migrated(workspace):
    """Return the rows as this version reads them from an old workspace."""
    write(old_database(workspace, "m012_run_links"))
    columns = ("id", "kind", "state", "settings", "result")
    with Store.open(workspace) as store:
        stored_rows = store.db.rows(
            f"SELECT {', '.join(columns)} FROM runs ORDER BY id"
        )
        return [
            {
                name: json.loads(row[name])
                if name in ("settings", "result")
                else row[name]
                for name in columns
            }
            for row in stored_rows
        ]


def round_scores():
    """Return the scores of the round."""
    return json.loads(FILE.read_text(encoding="utf-8"))["round"]["scores"]
