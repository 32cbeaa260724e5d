"""How much memory a run needs and how much is free, corrected by earlier runs."""

from collections.abc import Callable
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
    estimator = estimator_of(model, settings.devices)
    budget = _budget(store, model, "train", settings.devices)
    room = budget.free - budget.correct(estimator.loading()).n_loaded
    items, problem = _items(settings, contents), ""
    try:
        load = estimator.plan(settings, items, room)
    except OutOfMemory as error:
        load, problem = items.at_once(items.longest, recompute=True), str(error)
    need = budget.correct(estimator.training(settings, load))
    run = budget.calibration_run
    return MemoryFit(need, budget.free, run, problem, settings.devices)


def of_study(
    store: Store, model: ModelSettings, settings: StudySettings, passages: int
) -> MemoryFit:
    """Return about how much memory a study of this many passages needs."""
    budget = _budget(store, model, "study")
    need = budget.correct(estimator_of(model).study(settings, passages))
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

    None: nothing was measured. The first run with a model needs at least what the
    loaded model uses, as in ``_budget``.
    """
    memory = memory_of(store, run)
    if not memory:
        return None
    model = ModelRunSettings.of(run).model
    earlier, adjustment = _newest_correction(store, model, run.kind, run.id)
    if earlier is None:
        loaded = memory["memory_loaded_measured"] - memory["memory_loaded_predicted"]
        adjustment = Correction(max(0, round(loaded)))
    return MemoryPeak(memory["memory_measured"], adjustment.total(memory))


def _newest_correction(
    store: Store, model: ModelSettings, kind: RunKind, before_id: int | None = None
) -> tuple[int | None, Correction]:
    """Return the newest run of this kind whose memory was measured, and its correction.

    Only runs of the same model, loaded in the same way, count; with ``before_id`` only
    those that were queued before that run.
    """
    criteria = replace(RunFilter.of_model(kind, model), before_id=before_id)
    for run in store.runs.find(criteria):
        if memory := memory_of(store, run):
            return run.id, correction(memory)
    return None, Correction()


def memory_of(store: Store, run: Run) -> dict[str, float]:
    """Return the predicted and the measured memory of a run, if known.

    Names are those of ``models.memory_calibration.NUMBERS``; a resumed run was
    measured again.
    """
    metrics = {name: store.runs.metrics(run.id, name) for name in NUMBERS}
    return {name: rows[-1].value for name, rows in metrics.items() if rows}


def _is_with(run: Run, model: ModelSettings) -> bool:
    """Return whether a run of the worker is one with this model, loaded in this way."""
    return (run.model, run.quantization) == (model.model, model.quantization)


def estimator_of(model: ModelSettings, devices: int = 1) -> MemoryEstimator:
    """Return the estimator of this model on each of the devices of this computer."""
    shape = model_shape.of(model_files.locate(model.model))
    estimator = MemoryEstimator(shape, model.quantization, hardware.device())
    return estimator.within(hardware.free(devices))


@dataclass(frozen=True)
class _Budget:
    """The memory that a run could get, and how its estimate is corrected."""

    free: int
    """Bytes."""
    calibration_run: int | None
    correct: Callable[[Memory], Memory]


def _budget(
    store: Store, model: ModelSettings, kind: RunKind, devices: int = 1
) -> _Budget:
    """Return the memory budget of a run on each of its devices.

    The memory of the worker counts as free, since the run happens in the worker. Until
    a run has been measured, the need is at least what the worker uses with the model
    loaded. On a GPU the memory of the worker is unknown.
    """
    in_worker = 0
    if hardware.device().kind != "cuda":
        in_worker = (
            hardware.worker_memory(store.folder / queues.MODEL_QUEUE.pid_file) or 0
        )
    free = hardware.free(devices) + in_worker // devices
    run_id, adjustment = _newest_correction(store, model, kind)
    if run_id:
        return _Budget(free, run_id, adjustment.apply)
    started_runs = RunFilter(queues.MODEL_QUEUE.kinds, started=True)
    last = store.runs.find(started_runs, limit=1)
    in_model = in_worker if last and _is_with(last[0], model) else 0

    def at_least(need: Memory) -> Memory:
        return replace(
            need, libraries=need.libraries + max(0, in_model - need.n_loaded)
        )

    return _Budget(free, None, at_least)


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
