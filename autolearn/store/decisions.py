"""Every decision about a sample, and its undo.

All decisions have one form: ``before`` and ``after`` hold the columns of the sample
that change, and an undo is a decision with the two swapped. Nothing is overwritten
unseen, and the texts of the model stay in its answers and feedback.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from autolearn.core.errors import InputError, Outdated
from autolearn.core.records import Action, Decision
from autolearn.store.database import Database, listed
from autolearn.store.encoding import Row, to_row
from autolearn.store.search import index_samples, unindex_samples

EDITABLE = ("prompt", "chosen", "feedback", "refined", "gap")
"""What an edit may change; a refined answer that is edited is also the chosen one."""

_CHANGING = ("state", *EDITABLE)
_PAST_TENSE: dict[Action, str] = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "edited",
    "undo": "a decision was undone",
}
_INDEX_COLUMNS = ("prompt", "chosen")
_AFTER = {"approve": {"state": "approved"}, "reject": {"state": "rejected"}}


class Decisions:
    """The decisions of a workspace; those made in one call are one batch."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def decide(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Store decisions and change their samples, all of them or none.

        ``before`` is filled in; ``after`` is asked for only by an edit.

        Raises:
            InputError: A sample does not exist, or an edit changes nothing editable or
                leaves a text empty.
            Outdated: A sample was decided on after it was shown.
        """
        complete = [replace(d, after=_consequence(d)) for d in decisions]
        with self._db.atomic():
            self._refuse_outdated(complete)
            return self._apply(complete)

    def version(self) -> int:
        """Return the id of the newest decision, undone or not; 0 if there is none.

        A person who decides on what is shown now has seen all decisions up to it.
        """
        rows = self._db.rows("SELECT coalesce(max(id), 0) AS id FROM decisions")
        return int(rows[0]["id"])

    def _refuse_outdated(self, decisions: Sequence[Decision]) -> None:
        versions = {
            d.sample_id: d.known_version
            for d in decisions
            if d.known_version is not None
        }
        if not versions:
            return
        later = self._db.select(
            Decision,
            "WHERE sample_id IN (SELECT value FROM json_each(?)) AND id > ?"
            " ORDER BY id DESC",
            listed(versions),
            min(versions.values()),
        )
        newest_by_sample = {
            d.sample_id: d for d in later if d.id > versions[d.sample_id]
        }
        if newest_by_sample:
            number, newest = next(iter(newest_by_sample.items()))
            others = (
                f" So were {len(newest_by_sample) - 1} others."
                if len(newest_by_sample) > 1
                else ""
            )
            raise Outdated(
                f"Sample {number} was changed elsewhere after you had opened it: "
                f"{_PAST_TENSE[newest.action]} by {newest.author}.{others} Nothing was "
                "overwritten; check the sample again, then decide."
            )

    def undo_batch(self, decision_id: int) -> list[Decision]:
        """Undo all decisions that were made together with this one.

        Samples that were decided about again since then are left as they are.

        Raises:
            InputError: Nothing of the batch is left to undo.
        """
        with self._db.atomic():
            standing = self._db.select(
                Decision,
                "AS d WHERE batch = (SELECT batch FROM decisions WHERE id = ?)"
                " AND id IN (SELECT id FROM standing_decisions)"
                " AND NOT EXISTS (SELECT 1 FROM standing_decisions AS later"
                " WHERE later.sample_id = d.sample_id AND later.batch > d.batch)"
                " ORDER BY id DESC",
                decision_id,
            )
            if not standing:
                raise InputError(
                    f"Nothing decided together with decision {decision_id} is left"
                    " to undo."
                )
            return self._apply([_undo_of(decision) for decision in standing])

    def last(self) -> Decision | None:
        """Return the newest decision that is not undone."""
        tail = (
            "WHERE id IN (SELECT id FROM standing_decisions ORDER BY id DESC LIMIT 1)"
        )
        return self._db.first(Decision, tail)

    def of_person(self, limit: int) -> list[Decision]:
        """Return the newest approvals and rejections of a person, the newest first.

        Only those made one at a time: samples decided in bulk were not each checked.
        """
        return self._db.select(
            Decision,
            "AS d WHERE id = batch AND author = 'person'"
            " AND action IN ('approve', 'reject')"
            " AND NOT EXISTS (SELECT 1 FROM decisions AS other"
            " WHERE other.undoes_id = d.id"
            " OR other.batch = d.batch AND other.id > d.id)"
            " ORDER BY id DESC LIMIT ?",
            limit,
        )

    def of(self, sample_ids: Iterable[int]) -> list[Decision]:
        """Return all decisions about these samples, oldest first."""
        tail = "WHERE sample_id IN (SELECT value FROM json_each(?)) ORDER BY id"
        return self._db.select(Decision, tail, listed(sample_ids))

    def _apply(self, decisions: Sequence[Decision]) -> list[Decision]:
        present = self._present({decision.sample_id for decision in decisions})
        rows = {number: dict(columns) for number, columns in present.items()}
        complete = []
        for decision in decisions:
            columns = rows[decision.sample_id]
            before = {name: columns[name] for name in decision.after}
            columns.update(decision.after)
            complete.append(replace(decision, before=before))
        self._change(present, rows)
        return self._keep(complete)

    def _present(self, sample_ids: set[int]) -> dict[int, Row]:
        """Return the present columns of these samples that decisions may change."""
        rows = self._db.rows(
            f"SELECT id, {', '.join(_CHANGING)} FROM samples"
            " WHERE id IN (SELECT value FROM json_each(?))",
            listed(sample_ids),
        )
        present = {
            row["id"]: {name: row[name] for name in _CHANGING}
            | {"gap": bool(row["gap"])}
            for row in rows
        }
        for missing_id in sorted(sample_ids - present.keys()):
            raise InputError(f"There is no sample {missing_id}.")
        return present

    def _change(self, before: dict[int, Row], after: dict[int, Row]) -> None:
        reindex_ids = [
            number
            for number, columns in after.items()
            if any(columns[name] != before[number][name] for name in _INDEX_COLUMNS)
        ]
        unindex_samples(self._db, reindex_ids)
        self._db.write_many(
            f"UPDATE samples SET {', '.join(f'{name} = ?' for name in _CHANGING)}"
            " WHERE id = ?",
            ((*columns.values(), number) for number, columns in after.items()),
        )
        index_samples(self._db, reindex_ids)

    def _keep(self, decisions: Sequence[Decision]) -> list[Decision]:
        ids = self._db.insert("decisions", [to_row(decision) for decision in decisions])
        self._db.write(
            "UPDATE decisions SET batch = ?"
            " WHERE id IN (SELECT value FROM json_each(?))",
            ids[0] if ids else None,
            listed(ids),
        )
        return [replace(d, id=number) for d, number in zip(decisions, ids, strict=True)]


def _consequence(decision: Decision) -> dict[str, Any]:
    """Return the columns that a decision sets."""
    if decision.action in _AFTER:
        return dict(_AFTER[decision.action])
    if decision.action == "undo":
        raise InputError("An undo names the decision that it takes back.")
    after = dict(decision.after)
    if not after or not after.keys() <= set(EDITABLE):
        raise InputError(
            f"An edit must change some of {', '.join(EDITABLE)}, and nothing else."
        )
    if any(isinstance(text, str) and not text.strip() for text in after.values()):
        raise InputError("This text cannot be left empty; reject the sample instead.")
    if "refined" in after:
        after.setdefault("chosen", after["refined"])
    return after


def _undo_of(decision: Decision) -> Decision:
    return Decision(
        sample_id=decision.sample_id,
        action="undo",
        author="person",
        after=decision.before,
        undoes_id=decision.id,
    )
