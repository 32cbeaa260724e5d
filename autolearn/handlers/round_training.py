"""Train a round: collect its sources, build its items, write its replay, train."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from autolearn.core.errors import InputError, TrainingError
from autolearn.core.ports import Backend, Cancelled, Trainer, TrainOutcome
from autolearn.core.records import DRIFT_PROBE, GeneratedInstruction, Round, TrainItem
from autolearn.core.run_results import RoundScores, TrainResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import TrainSettings
from autolearn.handlers import tracking
from autolearn.handlers.tracking import Tracking
from autolearn.models import files as model_files
from autolearn.rounds import adapters
from autolearn.rounds.sources import collect, study_settings, why_nothing
from autolearn.runs.context import RunContext
from autolearn.store import layout
from autolearn.study import prompts, statements
from autolearn.study.generation import Generator, of_type
from autolearn.training import replay
from autolearn.training.replay_plan import ReplayPlan

log = logging.getLogger(__name__)


class TrainableBackend(Backend, Trainer, Protocol):
    """A model that answers and learns."""


def train(context: RunContext, backend: TrainableBackend) -> TrainResult:
    """Train the round of this run, or go on with it, and return how it ended.

    Raises:
        Cancelled: Stopped at a checkpoint; the run can be resumed.
        TrainingError: The round cannot go on, or nothing is left to train on.
    """
    store, run = context.store, context.run
    settings = TrainRunSettings.of(run).train
    rounds = store.rounds.all(run.id)
    mine = rounds[0] if rounds else _freeze(context, backend, settings)
    if mine.adapter_digest and adapters.is_intact(context.workspace, mine):
        # The worker ended between the end of the round and that of its run.
        return TrainResult.of(store.runs.get(run.id))
    items = store.rounds.items(mine.id)
    start = adapters.start_of(store, mine)
    adapter = layout.adapter(mine.id)
    states = layout.checkpoints(context.workspace, mine.id)
    try:
        with tracking.of_training(context) as tracker:
            outcome = backend.train(
                items,
                settings,
                _Watcher(context, tracker),
                start=start,
                checkpoints=states,
                output=context.workspace / adapter,
            )
            _track_end(tracker, outcome)
    except TrainingError:
        store.rounds.update(replace(mine, state="failed"))
        raise
    if not outcome.finished:
        raise Cancelled
    result = _result(outcome, mine, items)
    result = replace(result, notes=(*result.notes, *tracker.notes))
    with store.atomic():
        store.rounds.update(
            replace(
                mine,
                state="trained",
                adapter=adapter,
                adapter_digest=model_files.adapter_digest(context.workspace / adapter),
                n_steps=outcome.n_steps,
                scores=mine.scores | outcome.scores,
            )
        )
        context.save_result(result)
    shutil.rmtree(states, ignore_errors=True)
    return result


def _track_end(tracker: Tracking, outcome: TrainOutcome) -> None:
    """Send what was measured at the end, one step behind the last."""
    if outcome.finished:
        scores = outcome.scores.items()
        numbers = {k: v for k, v in scores if isinstance(v, int | float)}
        tracker.log(outcome.n_steps + 1, numbers, "end")


def _result(
    outcome: TrainOutcome, mine: Round, items: Sequence[TrainItem]
) -> TrainResult:
    return replace(
        TrainResult.from_dict(outcome.scores),
        round=mine.id,
        items=sum(item.teaches for item in items),
        replay=sum(item.kind == "replay" for item in items),
        samples=len({item.sample_id for item in items if item.sample_id}),
        dropped=len(outcome.dropped),
        kept_out_for_the_quiz=RoundScores.of(mine).leaked,
        kept_out_for_validation=sum(item.kind == "validation" for item in items),
        steps=outcome.n_steps,
        notes=tuple(outcome.notes),
    )


def _freeze(
    context: RunContext, backend: TrainableBackend, settings: TrainSettings
) -> Round:
    """Store the round with what it will train on; from here on nothing changes it."""
    store, order = context.store, TrainRunSettings.of(context.run)
    sources = collect(store, order)
    result = sources.build()
    if not result.items:
        raise InputError(why_nothing(settings))
    new_items = [*result.items, *_statements(context, backend, settings, result.items)]
    plan = sources.replay(new_items)
    probe, replay_items = _write_replay(context, backend, plan)
    new = Round(
        settings.method,
        context.run.id,
        context.run.settings,
        replace(backend.identity, round_id=None, adapter_digest=None),
        order.parent,
    )
    items = [*new_items, *result.validation, *probe, *replay_items]
    admission = sources.guard.admit(items)
    new = replace(new, scores={"leaked": result.leaked + admission.n_blocked})
    return store.rounds.create(new, admission.items)


def _statements(
    context: RunContext,
    backend: TrainableBackend,
    settings: TrainSettings,
    items: Sequence[TrainItem],
) -> list[TrainItem]:
    """Return the statements that the model writes about the raw texts of the items."""
    texts = [item.chosen for item in items if item.kind == "text"]
    if not settings.statements:
        return []
    stage = "statements"
    writer = _writer(context, backend, stage, len(texts))
    generations = context.journal.generations(
        stage, lambda: statements.state(writer, texts, settings.statements)
    )
    return [statements.as_item(generation) for generation in generations]


def _write_replay(
    context: RunContext, backend: TrainableBackend, plan: ReplayPlan
) -> tuple[list[TrainItem], list[TrainItem]]:
    """Let the base model write what the plan says.

    Returns:
        The items of the drift probe, and those that are replayed.
    """
    instructions = _instructions(context, backend, replay.N_PROBE + plan.n_instructions)
    probe, replay_instructions = (
        instructions[: replay.N_PROBE],
        instructions[replay.N_PROBE :],
    )
    return replay.items(DRIFT_PROBE, probe), [
        *replay.items("replay", replay_instructions),
        *_read_again(context, backend, plan),
        *_check(context, backend, plan, replay_instructions),
    ]


def _read_again(
    context: RunContext, backend: TrainableBackend, plan: ReplayPlan
) -> list[TrainItem]:
    """Return items in which the base model reads the texts of the plan."""
    stage = "texts read again"
    reader = _writer(context, backend, stage, len(plan.texts))
    generations = context.journal.generations(
        stage, lambda: replay.read(reader, plan.texts)
    )
    replay_generations = replay.without_skills(generations, plan.excluded_skills)
    return [replay.as_item(generation) for generation in replay_generations]


def _check(
    context: RunContext,
    backend: TrainableBackend,
    plan: ReplayPlan,
    instructions: Sequence[GeneratedInstruction],
) -> list[TrainItem]:
    """Return items in which the base model checks its own answers."""
    stage = "answers checked"
    n_checked = len(plan.library_instructions) + plan.n_checked
    checker = _writer(context, backend, stage, n_checked)
    generations = context.journal.generations(
        stage,
        lambda: replay.self_checks(
            checker, plan.library_instructions, instructions[: plan.n_checked]
        ),
    )
    return [replay.as_item(generation) for generation in generations]


def _writer(
    context: RunContext, backend: TrainableBackend, stage: str = "", n: int = 0
) -> Generator:
    """Return a generator that reports its progress on ``n`` texts, if there are any."""

    def report(share: float) -> None:
        if n:
            context.progress(stage, round(n * share), n)

    settings = study_settings(context.store)
    return Generator(backend, settings, context.stop, report)


def _instructions(
    context: RunContext, backend: TrainableBackend, n: int
) -> list[GeneratedInstruction]:
    """Return so many generated instructions and their answers; what is new is kept."""
    prompt = prompts.load(replay.PROMPT)
    pool = context.store.instructions.of(backend.identity, prompt.digest)
    return replay.generate_instructions(
        _writer(context, backend),
        context.journal,
        pool or _model_pool(context, backend),
        n,
        lambda n_done: context.progress("generated instructions", n_done, n),
    )


def _model_pool(
    context: RunContext, backend: TrainableBackend
) -> list[GeneratedInstruction]:
    """Return the instructions that the model's folder brings along; they are kept."""
    name = TrainRunSettings.of(context.run).model.model
    folder = model_files.locate(name)
    paths = [folder / replay.POOL_FILE, folder / replay.OLD_POOL_FILE]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return []
    try:
        items = replay.parse_pool(path.read_text(encoding="utf-8"), backend.identity)
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s has no generated instructions: %s", path, error)
        return []
    return of_type(
        GeneratedInstruction,
        context.journal.step(f"{replay.STAGE}, shipped", lambda: items),
    )


@dataclass(frozen=True)
class _Watcher:
    """Writes the numbers of a round into the database, then into its tracker."""

    context: RunContext
    tracker: Tracking

    def stop(self) -> bool:
        return self.context.stop()

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        self._add(step, metrics)

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        self._add(step, metrics)
        self.context.progress("training", step, total)

    def _add(self, step: int, metrics: dict[str, float]) -> None:
        self.context.add_metrics(step, metrics)
        self.tracker.log(step, metrics, "train")
