"""The queue of runs and what they report: states, progress, heartbeat, metrics.

A change of state is one statement whose condition is the state it starts from, so the
page and the worker cannot overwrite each other's changes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from autolearn.core.errors import JobError
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Metric, Run, RunKind, RunState, Skip
from autolearn.core.settings import ModelSettings
from autolearn.store.database import NOW, Database, filtered, listed
from autolearn.store.encoding import as_json

_SINCE_BEAT = f"coalesce((julianday({NOW}) - julianday(heartbeat_at)) * 86400, 0)"
"""The seconds since the last heartbeat of a run, as SQL; 0 without one."""


@dataclass(frozen=True)
class Pace:
    """How far the stage of a run is, and how fast it goes."""

    stage: str
    done: int
    total: int
    rate: float = 0.0
    """Units a second."""
    eta_seconds: float | None = None


@dataclass(frozen=True)
class RunFilter:
    """Which runs; None: any."""

    kinds: tuple[RunKind, ...] | None = None
    states: tuple[RunState, ...] | None = None
    model: str | None = None
    quantization: str | None = None
    round_id: int | None = None
    started: bool | None = None
    """Whether a worker has begun them."""
    model_digest: str | None = None
    """Runs of this model, and runs that need none."""
    before_id: int | None = None
    chats: bool | None = None
    """False: no chats; True: only chats."""

    @classmethod
    def of_model(cls, kind: RunKind, model: ModelSettings, *states: RunState) -> Self:
        """Return the filter for runs of a kind with this model, loaded in this way."""
        return cls(
            (kind,),
            states or None,
            model=model.model,
            quantization=model.quantization,
        )


_RUN_CLAUSES = {
    "kinds": "kind IN (SELECT value FROM json_each(?))",
    "states": "state IN (SELECT value FROM json_each(?))",
    "model": "model = ?",
    "quantization": "quantization = ?",
    "round_id": "round_id = ?",
    "started": "(started_at IS NOT NULL) = ?",
    "model_digest": "coalesce(model_digest, '') IN ('', ?)",
    "before_id": "id < ?",
    "chats": "(kind = 'chat') = ?",
}


class Runs:
    """The runs of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(
        self,
        kind: RunKind,
        settings: Mapping[str, Any],
        versions: Mapping[str, str] | None = None,
    ) -> Run:
        """Put a run into the queue."""
        row = {
            "kind": kind,
            "settings": as_json(dict(settings)),
            "versions": as_json(dict(versions or {})),
        }
        with self._db.atomic():
            (number,) = self._db.insert("runs", [row])
        return self.get(number)

    def get(self, run_id: int) -> Run:
        """Return one run.

        Raises:
            JobError: There is none of this id.
        """
        for run in self._db.select(Run, "WHERE id = ?", run_id):
            return run
        raise JobError(f"There is no run {run_id}.")

    def by_id(self, ids: Iterable[int]) -> dict[int, Run]:
        """Return the runs with these ids, each under its own."""
        return self._db.by_id(Run, ids)

    def newest(self, limit: int = 50, before_id: int | None = None) -> list[Run]:
        """Return runs, the newest first, those below ``before_id`` if it is given."""
        tail = "WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?"
        return self._db.select(Run, tail, before_id, before_id, limit)

    def find(self, criteria: RunFilter, limit: int = -1) -> list[Run]:
        """Return the runs that match a filter, the newest first; -1: all."""
        where, params = filtered(criteria, _RUN_CLAUSES)
        tail = f"WHERE {where} ORDER BY id DESC LIMIT ?"
        return self._db.select(Run, tail, *params, limit)

    def last(self, kind: RunKind) -> Run | None:
        """Return the newest run of a kind, whatever its state."""
        return next(iter(self.find(RunFilter((kind,)), limit=1)), None)

    def last_ended(self) -> Run | None:
        """Return the run that ended last; a resumed one may have a lower id."""
        tail = (
            "WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, id DESC LIMIT 1"
        )
        return self._db.first(Run, tail)

    def last_use_of_model(self) -> Run | None:
        """Return the newest run with a model that continued no other run.

        Skill checks do not count, as they only try a model; nor do the later runs of a
        whole round.
        """
        tail = (
            "WHERE kind IN ('study', 'train', 'quiz', 'chat') AND model IS NOT NULL"
            " AND after_id IS NULL ORDER BY id DESC LIMIT 1"
        )
        return self._db.first(Run, tail)

    def models(self) -> list[str]:
        """Return the names of all models that were used."""
        rows = self._db.rows("SELECT DISTINCT model FROM runs WHERE model IS NOT NULL")
        return [row["model"] for row in rows]

    def other_models(self, digest: str) -> list[str]:
        """Return the names of the other models that have studied or been trained."""
        rows = self._db.rows(
            "SELECT DISTINCT model FROM runs WHERE kind IN ('study', 'train')"
            " AND coalesce(model_digest, '') NOT IN ('', ?) ORDER BY model",
            digest,
        )
        return [row["model"] for row in rows]

    def same(
        self, kind: RunKind, settings: Mapping[str, Any], *states: RunState
    ) -> Run | None:
        """Return the newest run with exactly these settings in one of these states."""
        tail = (
            f"WHERE kind = ? AND state IN ({', '.join('?' * len(states))})"
            " AND settings = ? ORDER BY id DESC LIMIT 1"
        )
        return self._db.first(Run, tail, kind, *states, as_json(dict(settings)))

    def next_in_pipeline(self, run_id: int) -> Run | None:
        """Return the run that was queued after this one in a whole round."""
        return self._db.first(Run, "WHERE after_id = ? ORDER BY id LIMIT 1", run_id)

    def last_in_pipeline(self) -> Run | None:
        """Return the newest run that is part of a whole round."""
        tail = "WHERE json_type(settings, '$.plan') = 'object' ORDER BY id DESC LIMIT 1"
        return self._db.first(Run, tail)

    def quizzes(self, model_digest: str, round_id: int | None) -> list[Run]:
        """Return the finished quizzes of a round of a model, the newest first.

        ``round_id`` None: of the base model.
        """
        tail = (
            "WHERE kind = 'quiz' AND state = 'done' AND model_digest = ?"
            " AND round_id IS ? ORDER BY id DESC"
        )
        return self._db.select(Run, tail, model_digest, round_id)

    def conversation(self, number: int) -> list[Run]:
        """Return the chats of one conversation, oldest first."""
        return self._db.select(Run, "WHERE conversation = ? ORDER BY id", number)

    def conversations(self, model_digest: str | None = None) -> list[Run]:
        """Return the first chat of each conversation, the newest conversation first.

        ``model_digest``: only those with this model.
        """
        return self._db.select(
            Run,
            "WHERE id IN (SELECT min(id) FROM runs WHERE conversation IS NOT NULL"
            " GROUP BY conversation) AND coalesce(model_digest, '') IN"
            " ('', coalesce(?, model_digest)) ORDER BY id DESC",
            model_digest,
        )

    def in_state(self, *states: RunState) -> list[Run]:
        """Return the runs in any of these states, the oldest first."""
        marks = ", ".join("?" * len(states))
        return self._db.select(Run, f"WHERE state IN ({marks}) ORDER BY id", *states)

    def waiting(self, kinds: Collection[RunKind]) -> list[Run]:
        """Return the queued runs of these kinds, the oldest first."""
        return [run for run in self.in_state("queued") if run.kind in kinds]

    def claim(self, pid: int, kinds: Collection[RunKind]) -> Run | None:
        """Take the oldest queued run of these kinds, if any, and set it running."""
        if not self.waiting(kinds):
            return None  # reading takes no lock, and the queue is mostly empty
        with self._db.atomic():
            for run in self.waiting(kinds)[:1]:
                self._db.write(
                    "UPDATE runs SET state = 'running', pid = ?, error = NULL,"
                    f" started_at = coalesce(started_at, {NOW}), heartbeat_at = {NOW}"
                    " WHERE id = ?",
                    pid,
                    run.id,
                )
                return self.get(run.id)
        return None

    def beat(self, run_id: int) -> bool:
        """Write the heartbeat and return whether the run is to be cancelled.

        The estimated time left falls by the time since the last one. A long step
        reports nothing until its end.
        """
        with self._db.unflushed():
            rows = self._db.rows(
                f"UPDATE runs SET worked_seconds = worked_seconds + {_SINCE_BEAT},"
                f" eta_seconds = max(0, eta_seconds - {_SINCE_BEAT}),"
                f" heartbeat_at = {NOW} WHERE id = ? RETURNING cancel_requested",
                run_id,
            )
        return any(row["cancel_requested"] for row in rows)

    def save_progress(self, run_id: int, pace: Pace) -> None:
        """Write how far a run is."""
        with self._db.unflushed():
            self._db.write(
                "UPDATE runs SET stage = ?, done = ?, total = ?, rate = ?,"
                " eta_seconds = ? WHERE id = ?",
                pace.stage,
                pace.done,
                pace.total,
                pace.rate,
                pace.eta_seconds,
                run_id,
            )

    def save_partial_result(self, run_id: int, result: Mapping[str, Any]) -> None:
        """Write the result of a run so far."""
        sql = "UPDATE runs SET result = ? WHERE id = ?"
        with self._db.unflushed():
            self._db.write(sql, as_json(dict(result)), run_id)

    def finish(
        self,
        run_id: int,
        state: RunState,
        error: str | None = None,
        result: Mapping[str, Any] | None = None,
    ) -> Run:
        """End a run in this state."""
        self._db.write(
            "UPDATE runs SET state = ?, error = ?, result = ?, rate = 0, pid = NULL,"
            " worked_seconds = worked_seconds + iif(state = 'running',"
            f" {_SINCE_BEAT}, 0), eta_seconds = NULL, finished_at = {NOW} WHERE id = ?",
            state,
            error,
            as_json(dict(result or {})),
            run_id,
        )
        return self.get(run_id)

    def request_cancel(self, run_id: int) -> bool:
        """Ask a running run to stop, or cancel a queued one; False: it is neither."""
        n_rows = self._db.write(
            "UPDATE runs SET cancel_requested = 1,"
            f" finished_at = CASE state WHEN 'queued' THEN {NOW} END,"
            " state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END"
            " WHERE id = ? AND state IN ('queued', 'running')",
            run_id,
        )
        return n_rows > 0

    def requeue(self, run_id: int) -> bool:
        """Put an ended but unfinished run back into the queue; False: it is not one."""
        n_rows = self._db.write(
            "UPDATE runs SET state = 'queued', cancel_requested = 0, error = NULL,"
            " finished_at = NULL"
            " WHERE id = ? AND state IN ('interrupted', 'cancelled', 'failed')",
            run_id,
        )
        return n_rows > 0

    def change_settings(self, run_id: int, settings: Mapping[str, Any]) -> None:
        """Change the settings of a run, unless it is in progress or done."""
        self._db.write(
            "UPDATE runs SET settings = ?"
            " WHERE id = ? AND state NOT IN ('running', 'done')",
            as_json(dict(settings)),
            run_id,
        )

    def interrupt_running(self, kinds: Collection[RunKind]) -> int:
        """Mark what is left running as interrupted; only for the holder of the lock."""
        # Pages ask for this often, and a write waits while another process writes.
        if not self.find(RunFilter(tuple(kinds), ("running",)), limit=1):
            return 0
        return self._db.write(
            "UPDATE runs SET state = 'interrupted', rate = 0, eta_seconds = NULL,"
            " error = 'The worker ended in the middle of this run; resume it.',"
            f" pid = NULL, finished_at = {NOW} WHERE state = 'running'"
            " AND kind IN (SELECT value FROM json_each(?))",
            listed(kinds),
        )

    def add_metrics(self, run_id: int, metrics: Iterable[Metric]) -> None:
        """Store numbers; those of a repeated step replace the old ones."""
        with self._db.unflushed(), self._db.atomic():
            self._db.write_many(
                "INSERT OR REPLACE INTO metrics (run_id, name, step, value)"
                " VALUES (?, ?, ?, ?)",
                (
                    (run_id, metric.name, metric.step, metric.value)
                    for metric in metrics
                ),
            )

    def metrics(self, run_id: int, name: str, after_step: int = -1) -> list[Metric]:
        """Return the numbers of one name, in order of their steps."""
        rows = self._db.rows(
            "SELECT step, name, value FROM metrics"
            " WHERE run_id = ? AND name = ? AND step > ? ORDER BY step",
            run_id,
            name,
            after_step,
        )
        return [Metric(**dict(row)) for row in rows]

    def all_metrics(self, run_id: int) -> list[Metric]:
        """Return all numbers of a run, in order of their steps."""
        rows = self._db.rows(
            "SELECT step, name, value FROM metrics WHERE run_id = ?"
            " ORDER BY step, name",
            run_id,
        )
        return [Metric(**dict(row)) for row in rows]

    def skips(self, run_id: int) -> list[Skip]:
        """Return the skips of a run."""
        return self._db.select(Skip, "WHERE run_id = ? ORDER BY id", run_id)

    def skips_by_id(self, ids: Iterable[int]) -> dict[int, Skip]:
        """Return these skips with their generations, each under its id."""
        return self._db.by_id(Skip, ids, whole=True)

    def n_tokens(self, run_id: int) -> int:
        """Return how many tokens a run has read and written in its generations."""
        rows = self._db.rows(
            "SELECT coalesce(sum(n_prompt_tokens + n_tokens), 0) AS n"
            " FROM generations WHERE run_id = ?",
            run_id,
        )
        return int(rows[0]["n"])

    def quizzed_rounds(self) -> list[int]:
        """Return the ids of the rounds that were asked a quiz, in their order."""
        rows = self._db.rows(
            "SELECT DISTINCT round_id FROM quiz_results WHERE round_id IS NOT NULL"
            " ORDER BY round_id"
        )
        return [row["round_id"] for row in rows]

    def latest_quiz_results(self, round_id: int) -> list[QuizResult]:
        """Return the scored answers of the newest quiz of a round."""
        return self._db.select(
            QuizResult,
            "WHERE run_id = (SELECT max(run_id) FROM quiz_results WHERE round_id = ?)"
            " ORDER BY id",
            round_id,
        )

    def quiz_results(self, run_id: int) -> list[QuizResult]:
        """Return the scored answers of a quiz run."""
        return self._db.select(QuizResult, "WHERE run_id = ? ORDER BY id", run_id)
