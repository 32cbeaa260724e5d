"""How much memory a run needs and how much is free, corrected by earlier runs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from autolearn.core.errors import OutOfMemory
from autolearn.core.records import Run, RunKind
from autolearn.core.run_settings import ModelRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.models import shape as model_shape
from autolearn.models.batch_shape import ItemSizes
from autolearn.models.memory import Memory, MemoryEstimator, too_big
from autolearn.models.memory_calibration import NUMBERS, Correction, correction
from autolearn.runs import queues
from autolearn.services.estimates.round_contents import RoundContents
from autolearn.store import RunFilter, Store
from autolearn.training import replay

_MEASURED: tuple[RunKind, ...] = ("study", "train")
"""Kinds of runs whose memory is measured."""
_CHECKPOINTS = 4
"""Two and the best are kept while another is written."""


@dataclass(frozen=True)
class MemoryFit:
    """The memory that a run needs, compared with what is available."""

    need: Memory
    free: int
    """Bytes, including what the worker holds, since the run can use it."""
    calibration_run: int | None
    """The run whose measured memory corrected the estimate."""
    problem: str = ""
    """Why it does not fit, if it does not."""
    devices: int = 1
    """How many devices train together; each needs as much."""

    @property
    def disk(self) -> int:
        """Return what a round writes: its adapter, and four checkpoints at most."""
        state = self.need.adapter + self.need.moments
        return self.need.adapter + _CHECKPOINTS * state


def of_training(
    store: Store, model: ModelSettings, settings: TrainSettings, contents: RoundContents
) -> MemoryFit:
    """Return the memory that a round needs, planned as the training itself plans it."""
    budget = _budget(store, model, "train", settings.devices)
    estimator = estimator_of(model, budget.free)
    room = budget.free - budget.correction.apply(estimator.loading()).n_loaded
    items, problem = _items(settings, contents), ""
    try:
        load = estimator.plan(settings, items, room)
    except OutOfMemory as error:
        load, problem = items.at_once(items.longest, recompute=True), str(error)
    need = budget.correction.apply(estimator.training(settings, load))
    run = budget.calibration_run
    return MemoryFit(need, budget.free, run, problem, settings.devices)


def of_study(
    store: Store, model: ModelSettings, settings: StudySettings, passages: int
) -> MemoryFit:
    """Return about how much memory a study of this many passages needs."""
    budget = _budget(store, model, "study")
    estimator = estimator_of(model, budget.free)
    need = budget.correction.apply(estimator.study(settings, passages))
    problem = ""
    if too_big(need.total, budget.free):
        problem = "Fewer texts are then generated at once, or it runs out of memory."
    return MemoryFit(need, budget.free, budget.calibration_run, problem)


@dataclass(frozen=True)
class MemoryPeak:
    """The most memory that a run used, against its estimate."""

    measured: float
    estimated: float


def peak_of(store: Store, run: Run) -> MemoryPeak | None:
    """Return the peak of a run, and its estimate as it was corrected before it began.

    None: nothing was measured.
    """
    memory = memory_of(store, run)
    if not memory:
        return None
    model = ModelRunSettings.of(run).model
    _, adjustment = _newest_correction(store, model, run.kind, run.id)
    return MemoryPeak(memory["memory_measured"], adjustment.total(memory))


def _newest_correction(
    store: Store, model: ModelSettings, kind: RunKind, before_id: int | None = None
) -> tuple[int | None, Correction]:
    """Return the newest run of this kind whose memory was measured, and its correction.

    Only runs of the same model, loaded in the same way, count; with ``before_id`` only
    those that were queued before that run. If there is none, a run of another kind
    tells what the loaded model uses.
    """
    criteria = replace(RunFilter.of_model(kind, model), before_id=before_id)
    for run, memory in _measured(store, criteria):
        return run.id, correction(memory)
    for _, memory in _measured(store, replace(criteria, kinds=_MEASURED)):
        return None, Correction(correction(memory).n_loaded)
    return None, Correction()


def _measured(
    store: Store, criteria: RunFilter
) -> Iterator[tuple[Run, dict[str, float]]]:
    """Yield the runs whose memory was measured, the newest first, with its numbers."""
    for run in store.runs.find(criteria):
        if memory := memory_of(store, run):
            yield run, memory


def memory_of(store: Store, run: Run) -> dict[str, float]:
    """Return the predicted and the measured memory of a run, if known.

    Names are those of ``models.memory_calibration.NUMBERS``; a resumed run was
    measured again.
    """
    metrics = {name: store.runs.metrics(run.id, name) for name in NUMBERS}
    return {name: rows[-1].value for name, rows in metrics.items() if rows}


def estimator_of(model: ModelSettings, free: int | None = None) -> MemoryEstimator:
    """Return the estimator of this model with so many free bytes; None: as now."""
    shape = model_shape.of(model_files.locate(model.model))
    estimator = MemoryEstimator(shape, model.quantization, hardware.device())
    return estimator.within(hardware.free() if free is None else free)


@dataclass(frozen=True)
class _Budget:
    """The memory that a run could get, and how its estimate is corrected."""

    free: int
    """Bytes."""
    calibration_run: int | None
    correction: Correction


def _budget(
    store: Store, model: ModelSettings, kind: RunKind, devices: int = 1
) -> _Budget:
    """Return the memory budget of a run on each of its devices.

    The memory of the worker counts as free, since the run happens in the worker. It
    does not tell what the run needs: it has what earlier runs left, and all of a run
    that is in progress. On a GPU it is unknown.
    """
    in_worker = 0
    if hardware.device().kind != "cuda":
        in_worker = (
            hardware.worker_memory(store.folder / queues.MODEL_QUEUE.pid_file) or 0
        )
    free = hardware.free(devices) + in_worker // devices
    return _Budget(free, *_newest_correction(store, model, kind))


def _items(settings: TrainSettings, sizes: RoundContents) -> ItemSizes:
    """Return what is learned and what will be replayed."""
    most = settings.max_tokens
    new_lengths = [n for n in sizes.lengths(most) if n <= most] or [0]
    replay_items = [
        *[sizes.instruction] * settings.n_replay(len(sizes.tokens)),
        *sizes.other_replay,
    ]
    answers = round(sum(item.answer for item in replay_items))
    lengths = [*new_lengths, *(ceil(item.tokens) for item in replay_items)]
    new = settings.batch_size * (2 if settings.traits.trains_preferences else 1)
    # Both share a pass only if they are about equally long.
    rows = max(
        new, replay.in_step(settings, max(1, len(sizes.tokens)), len(replay_items))
    )
    longest = max(lengths)
    return ItemSizes(
        longest,
        sum(lengths),
        sizes.n_learned + answers,
        ceil(rows / settings.devices) * longest,
        answers,
    )
