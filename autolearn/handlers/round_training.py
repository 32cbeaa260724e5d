"""Train a prepared round, and store its adapter and its scores."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from autolearn.core import atomic
from autolearn.core.errors import TrainingError
from autolearn.core.ports import Backend, Cancelled, Trainer, TrainOutcome
from autolearn.core.records import Round, TrainItem
from autolearn.core.run_kinds import TRAINING_STAGE
from autolearn.core.run_results import RoundScores, TrainResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.handlers import tracking
from autolearn.handlers.round_preparation import prepare
from autolearn.handlers.tracking import Tracking
from autolearn.models import files as model_files
from autolearn.rounds import adapters
from autolearn.runs.context import RunContext
from autolearn.store import layout


class TrainableBackend(Backend, Trainer, Protocol):
    """A model that answers and learns."""


def train(context: RunContext, backend: TrainableBackend) -> TrainResult:
    """Train the round of this run, or continue it, and return how it ended.

    Raises:
        Cancelled: Stopped at a checkpoint; the run can be resumed.
        TrainingError: The round cannot continue, or nothing is left to train on.
    """
    store, run = context.store, context.run
    rounds = store.rounds.all(run.id)
    round_ = rounds[0] if rounds else prepare(context, backend)
    if round_.adapter_digest and adapters.is_intact(context.workspace, round_):
        # The worker ended between the end of the round and that of its run.
        return TrainResult.of(store.runs.get(run.id))
    items = store.rounds.items(round_.id)
    try:
        with tracking.of_training(context) as tracker:
            outcome = _outcome(context, backend, round_, items, tracker)
    except TrainingError:
        store.rounds.set_state(round_.id, "failed")
        raise
    if not outcome.finished:
        store.rounds.set_steps(round_.id, outcome.n_steps)
        raise Cancelled
    result = _result(outcome, round_, items)
    result = replace(result, notes=(*result.notes, *tracker.notes))
    _keep(context, round_, outcome, result)
    return result


def _outcome(
    context: RunContext,
    backend: TrainableBackend,
    round_: Round,
    items: Sequence[TrainItem],
    tracker: Tracking,
) -> TrainOutcome:
    """Train on the items of a round; its tracker gets all numbers."""
    # Its memory test and the base logits of the replay come before the first step.
    context.progress("preparing the first step", 0, 0)
    outcome = backend.train(
        items,
        TrainRunSettings.of(context.run).train,
        _MetricsWatcher(context, tracker),
        start=adapters.start_of(context.store, round_),
        checkpoints=layout.checkpoints(context.workspace, round_.id),
        output=context.workspace / layout.adapter(round_.id),
    )
    if outcome.finished:  # the final measurements count as one more step
        scores = outcome.scores.items()
        numbers = {k: v for k, v in scores if isinstance(v, int | float)}
        tracker.log(outcome.n_steps + 1, numbers, "end")
    return outcome


def _keep(
    context: RunContext, round_: Round, outcome: TrainOutcome, result: TrainResult
) -> None:
    """Store a trained round with the result of its run; remove its checkpoints."""
    adapter, rounds = layout.adapter(round_.id), context.store.rounds
    digest = model_files.adapter_digest(context.workspace / adapter)
    with context.store.atomic():
        rounds.finish(round_.id, adapter, digest, outcome.n_steps)
        rounds.add_scores(round_.id, outcome.scores)
        context.save_result(result)
    with suppress(OSError):  # left over, it does no harm
        atomic.remove_folder(layout.checkpoints(context.workspace, round_.id))


def _result(
    outcome: TrainOutcome, round_: Round, items: Sequence[TrainItem]
) -> TrainResult:
    return replace(
        TrainResult.from_dict(outcome.scores),
        round=round_.id,
        items=sum(item.teaches for item in items),
        replay=sum(item.kind == "replay" for item in items),
        samples=len({item.sample_id for item in items if item.sample_id}),
        dropped=len(outcome.dropped),
        kept_out_for_the_quiz=RoundScores.of(round_).leaked,
        kept_out_for_validation=sum(item.kind == "validation" for item in items),
        steps=outcome.n_steps,
        notes=tuple(outcome.notes),
    )


@dataclass(frozen=True)
class _MetricsWatcher:
    """Writes the numbers of a round into the database, then into its tracker."""

    context: RunContext
    tracker: Tracking

    def stop(self) -> bool:
        return self.context.stop()

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        self._add(step, metrics)

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        self._add(step, metrics)
        self.context.progress(TRAINING_STAGE, step, total)

    def _add(self, step: int, metrics: dict[str, float]) -> None:
        self.context.add_metrics(step, metrics)
        self.tracker.log(step, metrics, "train")
