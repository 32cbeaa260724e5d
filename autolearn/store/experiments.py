"""Experiments, and the runs that do their work."""

from autolearn.core.errors import InputError
from autolearn.core.experiments import Experiment, ExperimentKind, ExperimentRun
from autolearn.store.database import Database
from autolearn.store.encoding import as_json


class Experiments:
    """The experiments of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(self, kind: ExperimentKind, settings: dict[str, object]) -> Experiment:
        """Store a new experiment."""
        row = {"kind": kind, "settings": as_json(settings)}
        with self._db.atomic():
            (number,) = self._db.insert("experiments", [row])
        return self.get(number)

    def get(self, experiment_id: int) -> Experiment:
        """Return one experiment.

        Raises:
            InputError: There is none with this id.
        """
        records = self._db.select(Experiment, "WHERE id = ?", experiment_id)
        if not records:
            raise InputError(f"There is no experiment {experiment_id}.")
        return records[0]

    def all(self) -> list[Experiment]:
        """Return all experiments, the newest first."""
        return self._db.select(Experiment, "ORDER BY id DESC")

    def set_settings(self, experiment_id: int, settings: dict[str, object]) -> None:
        """Replace the settings, once a value that was left open is known."""
        self._db.write(
            "UPDATE experiments SET settings = ? WHERE id = ?",
            as_json(settings),
            experiment_id,
        )

    def link(self, experiment_id: int, task: str, run_id: int, *, reused: bool) -> None:
        """Store which run does a task, in place of an earlier one."""
        self._db.write(
            "INSERT INTO experiment_runs (experiment_id, task, run_id, reused)"
            " VALUES (?, ?, ?, ?) ON CONFLICT (experiment_id, task)"
            " DO UPDATE SET run_id = excluded.run_id, reused = excluded.reused",
            experiment_id,
            task,
            run_id,
            reused,
        )

    def runs(self, experiment_id: int) -> list[ExperimentRun]:
        """Return the runs of an experiment, in the order of their tasks."""
        tail = "WHERE experiment_id = ? ORDER BY id"
        return self._db.select(ExperimentRun, tail, experiment_id)

    def of_run(self, run_id: int) -> list[int]:
        """Return the ids of the experiments that a run does a task of."""
        rows = self._db.rows(
            "SELECT DISTINCT experiment_id AS id FROM experiment_runs"
            " WHERE run_id = ? ORDER BY id",
            run_id,
        )
        return [row["id"] for row in rows]
