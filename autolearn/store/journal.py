"""The journal of a run: the output of each step is committed once, as a whole.

It does not know what the steps do. It only ensures that a killed run continues after
the last committed step, with nothing lost or doubled.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from operator import itemgetter

from autolearn.core.model_calls import Generation
from autolearn.core.quiz_records import QuizResult, SkillResult
from autolearn.core.records import (
    Answer,
    Feedback,
    GeneratedInstruction,
    Question,
    Record,
    Sample,
    Skip,
)
from autolearn.store.database import Database
from autolearn.store.encoding import TABLES, Row, to_row
from autolearn.store.search import index_samples

KINDS: tuple[type[Record], ...] = (
    Question,
    Answer,
    Feedback,
    Sample,
    Skip,
    QuizResult,
    GeneratedInstruction,
    SkillResult,
)


class RunJournal:
    """The steps of one run; implements ``autolearn.core.ports.Journal``."""

    def __init__(self, db: Database, run_id: int) -> None:
        self._db = db
        self._run_id = run_id

    def names(self) -> list[str]:
        """Return the names of the stored steps, in the order they were stored."""
        sql = "SELECT name FROM steps WHERE run_id = ? ORDER BY id"
        return [row["name"] for row in self._db.rows(sql, self._run_id)]

    def passage_ids(self) -> set[int]:
        """Return the ids of the passages that the questions and skips are about."""
        rows = self._db.rows(
            "SELECT passage_id AS id FROM questions WHERE run_id = ?1"
            " UNION SELECT passage_id FROM skips WHERE run_id = ?1",
            self._run_id,
        )
        return {row["id"] for row in rows if row["id"] is not None}

    def step(
        self, name: str, make: Callable[[], Sequence[Record]]
    ) -> tuple[Record, ...]:
        """Return the output of the named step; compute and store it if it is new.

        Raises:
            StoreError: The output cannot be stored; nothing of it is.
        """
        records = self._recall(name)
        return self._keep(name, make()) if records is None else records

    def generations(
        self, name: str, make: Callable[[], Iterable[Generation]]
    ) -> list[Generation]:
        """Return the generations of the step of this name, such as those of a chat.

        Like ``step``, for generations that belong to no other record.
        """
        step_id = self._step_id(name)
        if step_id is not None:
            tail = "WHERE step_id = ? ORDER BY id"
            return self._db.select(Generation, tail, step_id)
        new = list(make())
        with self._db.atomic():
            step_id = self._insert_step(name, len(new))
            return self._keep_generations(new, step_id)

    def step_seconds(self, name: str, least: int) -> list[float]:
        """Return the seconds per record of the steps whose names have ``name`` in them.

        Each from the step before it to its own end, so that the first step of a run has
        none. Steps with fewer than ``least`` records are left out.
        """
        rows = self._db.rows(
            "SELECT seconds / n_records AS seconds FROM (SELECT name, n_records,"
            " 86400 * (julianday(created_at)"
            " - lag(julianday(created_at)) OVER (ORDER BY id)) AS seconds"
            " FROM steps WHERE run_id = ?)"
            " WHERE instr(name, ?) AND n_records >= ? AND seconds IS NOT NULL",
            self._run_id,
            name,
            least,
        )
        return [row["seconds"] for row in rows]

    def _step_id(self, name: str) -> int | None:
        sql = "SELECT id FROM steps WHERE run_id = ? AND name = ?"
        steps = self._db.rows(sql, self._run_id, name)
        return steps[0]["id"] if steps else None

    def _insert_step(self, name: str, n_records: int) -> int:
        step: Row = {"run_id": self._run_id, "name": name, "n_records": n_records}
        return self._db.insert("steps", [step])[0]

    def _recall(self, name: str) -> tuple[Record, ...] | None:
        step_id = self._step_id(name)
        if step_id is None:
            return None
        positioned_records: list[tuple[int, Record]] = []
        for cls in KINDS:
            sql = f"SELECT * FROM {TABLES[cls]} WHERE step_id = ?"
            rows = self._db.rows(sql, step_id)
            records = self._db.records(cls, rows, whole=True)
            positions = (row["step_position"] for row in rows)
            positioned_records += zip(positions, records, strict=True)
        return tuple(
            record for _, record in sorted(positioned_records, key=itemgetter(0))
        )

    def _keep(self, name: str, results: Sequence[Record]) -> tuple[Record, ...]:
        with self._db.atomic():
            step_id = self._insert_step(name, len(results))
            records = self._with_generations(results)
            for cls in KINDS:
                self._insert(cls, records, step_id)
        return tuple(records)

    def _insert(self, cls: type[Record], records: list[Record], step_id: int) -> None:
        """Insert the records of one kind, and give them their ids in place."""
        mine = [i for i, record in enumerate(records) if isinstance(record, cls)]
        origin: Row = {"run_id": self._run_id, "step_id": step_id}
        rows = [to_row(records[i]) | origin | {"step_position": i} for i in mine]
        ids = self._db.insert(TABLES[cls], rows)
        for i, number in zip(mine, ids, strict=True):
            records[i] = replace(records[i], id=number)
        if cls is Sample and ids:
            index_samples(self._db, ids)

    def _with_generations(self, records: Sequence[Record]) -> list[Record]:
        """Store the generations of the records; several records may come from one."""
        new = {
            id(record.generation): record.generation
            for record in records
            if not isinstance(record, Sample)
            and record.generation is not None
            and not record.generation.id
        }
        stored_generations = dict(
            zip(new, self._keep_generations(new.values()), strict=True)
        )
        return [
            record
            if isinstance(record, Sample)
            else replace(
                record,
                generation=stored_generations.get(
                    id(record.generation), record.generation
                ),
            )
            for record in records
        ]

    def _keep_generations(
        self, new: Iterable[Generation], step_id: int | None = None
    ) -> list[Generation]:
        new = list(new)
        origin: Row = {"run_id": self._run_id, "step_id": step_id}
        rows = [origin | to_row(generation) for generation in new]
        ids = self._db.insert("generations", rows)
        return [replace(g, id=number) for g, number in zip(new, ids, strict=True)]
