"""The progress of a whole round: its stages, the time left, and its outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from autolearn.core.records import ACTIVE_STATES, Run, RunState
from autolearn.core.run_kinds import is_preparing
from autolearn.core.run_results import TrainResult
from autolearn.core.run_settings import Phase, PipelineRunSettings
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.evaluation.paired_quizzes import RoundComparison
from autolearn.services import pipeline, quiz_runs
from autolearn.services.estimates import durations
from autolearn.store import RunFilter, Store

TITLES: dict[Phase, str] = {"study": "Study", "quiz": "Quiz", "train": "Train"}
FIRST_SHARES: dict[Phase, float] = {"study": 1.0, "quiz": 0.3, "train": 0.7}
"""Seconds of a phase for each second of the study, before a round has shown them.

Rough: measured with the built-in model and library."""


@dataclass(frozen=True)
class Stage:
    """One stage of a whole round."""

    phase: Phase
    title: str
    run: Run | None
    """None while it waits."""


@dataclass(frozen=True)
class RoundProgress:
    """A whole round: the runs so far and the stages that are still to come."""

    model: ModelSettings
    stages: tuple[Stage, ...]
    runs: tuple[Run, ...]

    @property
    def number(self) -> int:
        """Return the number of the stage that was begun last, from 1 on."""
        return len(self.runs)

    @property
    def state(self) -> RunState:
        """Return the state of the whole: that of its newest run."""
        return self.runs[-1].state

    @property
    def is_active(self) -> bool:
        """Return whether it continues automatically."""
        return self.state in ACTIVE_STATES

    @property
    def is_done(self) -> bool:
        """Return whether all stages have ended well."""
        return self.state == "done" and self.number == len(self.stages)

    @property
    def seconds(self) -> float:
        """Return the time from queueing to the end, or to the end of the newest run.

        The time in which it was interrupted counts as well.
        """
        first = datetime.fromisoformat(self.runs[0].created_at or "")
        end = self.runs[-1].finished_at or self.runs[-1].heartbeat_at
        return (datetime.fromisoformat(end) - first).total_seconds() if end else 0.0


@dataclass(frozen=True)
class RoundOutcome:
    """The result of a whole round."""

    round_id: int
    comparison: RoundComparison
    n_learned: int
    """Samples that it was trained on."""


def newest(store: Store) -> RoundProgress | None:
    """Return the whole round in progress, or else the one begun last; None: none.

    One that is resumed may have been begun before another.
    """
    active = pipeline.in_progress(store)
    last = active[-1] if active else store.runs.last_in_pipeline()
    if last is None:
        return None
    runs = [last]
    while (before := PipelineRunSettings.of(runs[0]).after) is not None:
        runs.insert(0, store.runs.get(before))
    settings = PipelineRunSettings.of(last)
    waiting = settings.plan.phases if settings.plan else ()
    return RoundProgress(settings.model, _stages(runs, waiting), tuple(runs))


def quiz_title(*, is_after: bool) -> str:
    """Return the title of the quiz before or after the training."""
    return f"{TITLES['quiz']} {'after' if is_after else 'before'}"


def _stages(runs: list[Run], waiting: tuple[Phase, ...]) -> tuple[Stage, ...]:
    runs_by_phase = [(cast(Phase, run.kind), run) for run in runs]
    phases: list[tuple[Phase, Run | None]] = [
        *runs_by_phase,
        *((phase, None) for phase in waiting),
    ]
    stages: list[Stage] = []
    for phase, run in phases:
        is_after = any(stage.phase == "train" for stage in stages)
        title = quiz_title(is_after=is_after) if phase == "quiz" else TITLES[phase]
        stages.append(Stage(phase, title, run))
    return tuple(stages)


def seconds_left(store: Store, progress: RoundProgress) -> float | None:
    """Return about how long the rest takes; None: not known yet.

    A study tells its own pace: it may read more or less than the last one did.
    """
    current = progress.runs[-1]
    own = _own_seconds(current)
    seconds_by_phase = _expected_seconds(store, progress)
    if own is None and current.kind != "study":
        own = seconds_by_phase.get(cast(Phase, current.kind))
    waiting = [stage.phase for stage in progress.stages if stage.run is None]
    if own is None or any(phase not in seconds_by_phase for phase in waiting):
        return None
    return own + sum(seconds_by_phase[phase] for phase in waiting)


def _own_seconds(run: Run) -> float | None:
    """Return how long a run still takes by its own progress; None: not reported.

    While a training is prepared, it counts only what its preparation takes.
    """
    return None if run.state != "running" or is_preparing(run) else run.eta_seconds


def n_passages(store: Store) -> int:
    """Return how many passages of the library a whole round studies."""
    return sum(document.n_passages for document in store.library.document_sizes())


def seconds_of_all(store: Store, model: ModelSettings, passages: int) -> float | None:
    """Return about how long a round with these passages takes; None: not known.

    Raises:
        AutolearnError: The model cannot be used.
    """
    study = durations.study_time(store, model, StudySettings(), passages).seconds
    if study is None:
        return None
    # Two quizzes: one before and one after the training.
    return study * (sum(FIRST_SHARES.values()) + FIRST_SHARES["quiz"])


def is_rough(store: Store, progress: RoundProgress) -> bool:
    """Return whether no finished round of this model has shown the times yet."""
    return not all(
        _last_duration(store, progress, phase) for phase in ("quiz", "train")
    )


def _expected_seconds(store: Store, progress: RoundProgress) -> dict[Phase, float]:
    """Return the seconds of each phase: as the last one took, or by this study."""
    seconds_by_phase: dict[Phase, float] = {}
    study = _so_far(progress.runs[0]) or _last_duration(store, progress, "study")
    for phase, share in FIRST_SHARES.items():
        seconds = _last_duration(store, progress, phase)
        if seconds is None and study is not None:
            seconds = share * study
        if seconds is not None:
            seconds_by_phase[phase] = seconds
    return seconds_by_phase


def _so_far(run: Run) -> float | None:
    """Return how long a run in progress will have taken in total."""
    if run.seconds is None or run.eta_seconds is None:
        return None
    return run.seconds + run.eta_seconds


def _last_duration(store: Store, progress: RoundProgress, phase: Phase) -> float | None:
    """Return how long the newest finished run of a phase took with this model."""
    criteria = RunFilter.of_model(phase, progress.model, "done")
    return next((run.seconds for run in store.runs.find(criteria, limit=1)), None)


def outcome(store: Store, progress: RoundProgress) -> RoundOutcome | None:
    """Return what a finished round changed; None if it was not quizzed twice."""
    quizzes = [run for run in progress.runs if run.kind == "quiz"]
    trainings = [run for run in progress.runs if run.kind == "train"]
    if not progress.is_done or len(quizzes) < 2 or not trainings:
        return None
    round_ = store.rounds.get(TrainResult.of(trainings[-1]).round)
    comparison = quiz_runs.compare_runs(store, quizzes[0], quizzes[-1], round_)
    sample_ids = store.rounds.trained_samples([round_.id])
    return RoundOutcome(round_.id, comparison, len(sample_ids))
