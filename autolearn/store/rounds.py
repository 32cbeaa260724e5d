"""What was learned: rounds with their frozen items, and where each comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.records import NOT_LEARNED, Round, RoundState, TrainItem
from autolearn.store.database import Database, listed
from autolearn.store.encoding import as_json, to_row


class Rounds:
    """The rounds of a workspace.

    Each change writes its own columns: a quiz may end while a person decides.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(self, new: Round, items: Sequence[TrainItem]) -> Round:
        """Store a round with the items it trains on, which never change again."""
        with self._db.atomic():
            (number,) = self._db.insert("rounds", [to_row(new)])
            rows = [
                {"round_id": number, "position": position} | to_row(item)
                for position, item in enumerate(items)
            ]
            self._db.insert("round_items", rows)
        return replace(new, id=number)

    def get(self, round_id: int) -> Round:
        """Return one round.

        Raises:
            InputError: There is none of this id.
        """
        for round_ in self._db.select(Round, "WHERE id = ?", round_id):
            return round_
        raise InputError(f"There is no round {round_id}.")

    def all(self, run_id: int | None = None) -> list[Round]:
        """Return all rounds, or those of one run, the oldest first."""
        tail = "WHERE ? IS NULL OR run_id = ? ORDER BY id"
        return self._db.select(Round, tail, run_id, run_id)

    def items(self, round_id: int) -> list[TrainItem]:
        """Return what a round trains on, in its order."""
        tail = "WHERE round_id = ? ORDER BY position"
        return self._db.select(TrainItem, tail, round_id)

    def trained_samples(self, round_ids: Iterable[int]) -> frozenset[int]:
        """Return the ids of the samples that these rounds trained on."""
        rows = self._db.rows(
            "SELECT DISTINCT sample_id FROM round_items WHERE sample_id IS NOT NULL"
            " AND kind NOT IN (SELECT value FROM json_each(?))"
            " AND round_id IN (SELECT value FROM json_each(?))",
            listed(NOT_LEARNED),
            listed(round_ids),
        )
        return frozenset(row["sample_id"] for row in rows)

    def raw_texts(self, round_ids: Iterable[int]) -> frozenset[str]:
        """Return the texts that these rounds were trained on as they are."""
        rows = self._db.rows(
            "SELECT DISTINCT chosen FROM round_items WHERE kind = 'text'"
            " AND round_id IN (SELECT value FROM json_each(?))",
            listed(round_ids),
        )
        return frozenset(row["chosen"] for row in rows)

    def learned_from(self, document_id: int) -> list[int]:
        """Return the ids of the rounds that trained on samples of a document."""
        rows = self._db.rows(
            "SELECT DISTINCT round_id FROM round_items"
            " WHERE sample_id IN (SELECT id FROM samples WHERE passage_id IN"
            " (SELECT id FROM passages WHERE document_id = ?))"
            " AND kind NOT IN (SELECT value FROM json_each(?)) ORDER BY round_id",
            document_id,
            listed(NOT_LEARNED),
        )
        return [row["round_id"] for row in rows]

    def set_state(self, round_id: int, state: RoundState) -> Round:
        """Store the state of a round."""
        self._db.write("UPDATE rounds SET state = ? WHERE id = ?", state, round_id)
        return self.get(round_id)

    def set_steps(self, round_id: int, n_steps: int) -> None:
        """Store how many steps a round has made when it is stopped."""
        sql = "UPDATE rounds SET n_steps = ? WHERE id = ?"
        self._db.write(sql, n_steps, round_id)

    def finish(
        self, round_id: int, adapter: str, adapter_digest: str, n_steps: int
    ) -> Round:
        """Store that a round was trained, with its adapter, in so many steps."""
        self._db.write(
            "UPDATE rounds SET state = 'trained', adapter = ?, adapter_digest = ?,"
            " n_steps = ? WHERE id = ?",
            adapter,
            adapter_digest,
            n_steps,
            round_id,
        )
        return self.get(round_id)

    def add_scores(self, round_id: int, scores: Mapping[str, Any]) -> Round:
        """Add scores to those of a round, in place of earlier ones of these names."""
        sql = "UPDATE rounds SET scores = ? WHERE id = ?"
        with self._db.atomic():
            merged_scores = {**self.get(round_id).scores, **scores}
            self._db.write(sql, as_json(merged_scores), round_id)
        return self.get(round_id)

    def lineage(self, round_id: int | None) -> list[Round]:
        """Return a round and those that it continues, itself first.

        None is the base model, which continues no round.
        """
        return self._db.select(
            Round,
            "WHERE id IN (WITH RECURSIVE line(id) AS ("
            " SELECT ? UNION SELECT parent_id FROM rounds JOIN line USING (id)"
            ") SELECT id FROM line) ORDER BY id DESC",
            round_id,
        )
