"""The results of skill checks, by weights and round."""

import json
from collections.abc import Mapping
from typing import Any

from autolearn.store.database import Database, listed
from autolearn.store.encoding import as_json


class SkillChecks:
    """The reports of a workspace: a newer one does not replace an older one.

    A report is stored as the dictionary that ``SkillReport.as_dict`` gives.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, run_id: int, report: Mapping[str, Any]) -> None:
        """Store the report of a run, in place of the one that it had."""
        self._db.write(
            "INSERT INTO skill_checks (run_id, model_digest, quantization, protocol,"
            " round_id, report) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (run_id) DO UPDATE SET report = excluded.report,"
            " protocol = excluded.protocol",
            run_id,
            report["model_digest"],
            report["quantization"],
            report["protocol"],
            report["round_id"],
            as_json(report),
        )

    def newest(
        self,
        model_digest: str,
        quantization: str,
        round_id: int | None,
        *protocols: str,
    ) -> dict[str, Any] | None:
        """Return the newest report on these weights; None: they were not checked.

        ``protocols``: the ways in which the model may have been asked; none: any.
        """
        names = listed(protocols)
        rows = self._db.rows(
            "SELECT report FROM skill_checks WHERE model_digest = ?"
            " AND quantization = ? AND round_id IS ? AND (? = '[]'"
            " OR protocol IN (SELECT value FROM json_each(?)))"
            " ORDER BY id DESC LIMIT 1",
            model_digest,
            quantization,
            round_id,
            names,
            names,
        )
        return dict(json.loads(rows[0]["report"])) if rows else None
