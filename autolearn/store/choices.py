"""The user's choices for the next work, such as the model, stored by name."""

import json
from typing import Any

from autolearn.store.database import Database
from autolearn.store.encoding import as_json


class Choices:
    """The choices of a workspace, the same in every tab and after a restart."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, name: str) -> Any:
        """Return a choice, a JSON value; None if it was never made."""
        for row in self._db.rows("SELECT value FROM choices WHERE name = ?", name):
            return json.loads(row["value"])
        return None

    def set(self, name: str, value: object) -> None:
        """Store a choice in place of the one before."""
        self._db.write(
            "INSERT INTO choices (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            as_json(value),
        )
