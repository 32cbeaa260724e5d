"""How long a run takes, estimated from sizes and from earlier runs."""

from dataclasses import dataclass, replace
from math import ceil, fsum

from autolearn.core.records import Run
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import StudyRunSettings, TrainRunSettings
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import skill_items
from autolearn.models import compute
from autolearn.models.memory import MemoryEstimator
from autolearn.models.protocols import is_guided
from autolearn.services.estimates import replay_writing
from autolearn.services.estimates.memory_needs import estimator_of
from autolearn.services.estimates.round_contents import RoundContents
from autolearn.store import RunFilter, Store
from autolearn.study.loop import stage_weights
from autolearn.training import replay

_LATEST = 50
"""Steps of the last round over which its pace is taken."""


@dataclass(frozen=True)
class _Work:
    """What a full study does for a question that it should ask, on average."""

    n_read: int
    """Tokens, without the shared beginnings of prompts."""
    n_written: int
    n_in_sequence: int
    """Tokens of a whole step that are written one after the other: those of the longest
    text of each stage."""
    seconds: float
    """Besides the matrix products: constraints, sampling and records."""


_GUIDED = _Work(n_read=320, n_written=108, n_in_sequence=216, seconds=0.6)
_BARE = _Work(n_read=260, n_written=360, n_in_sequence=100, seconds=0.2)
"""Measured with three models; see docs/lab-notes.md."""


@dataclass(frozen=True)
class TrainingEstimate:
    """How long a round takes, at most: it may have learned enough before."""

    steps: int
    tokens_per_step: int
    seconds: float | None
    """None while it is not known how fast this computer is."""
    seconds_before: float | None = None
    """Until the first step, while the base model writes the replay; None: not known."""
    is_first: bool = False
    """Whether no round with this model has shown its pace yet."""


def effort(
    settings: TrainSettings,
    contents: RoundContents,
    pace: float | None,
    seconds_per_text: float | None = None,
) -> TrainingEstimate:
    """Return the steps and, by the tokens a second, the time that the round takes.

    ``seconds_per_text``: how long the base model takes for a text of the replay.

    A token that is only read takes half the time of one that is learned. Read are: the
    base model's logits on the replay, the validation after each epoch, and the drift
    probe with and without the adapter. The largest step runs once more beforehand, as
    the memory test.
    """
    n = len(contents.dataset.items)
    most = settings.max_tokens
    # Longer items are dropped, and take no step.
    learned = [size for size in contents.lengths(most) if size <= most]
    per_epoch = ceil(len(learned) / settings.batch_size)
    steps = settings.steps(per_epoch)
    an_epoch: float = sum(learned) * (1 + settings.traits.trains_preferences)
    replay_tokens = settings.n_replay(n) * contents.instruction.tokens
    replay_tokens += sum(item.tokens for item in contents.other_replay)
    an_epoch += replay_tokens / settings.replay_epochs(n)
    per_step = round(an_epoch / max(1, per_epoch))
    before = seconds_per_text and seconds_per_text * contents.n_written
    if not pace:
        return TrainingEstimate(steps, per_step, None, before)
    tokens_read = replay.N_PROBE * contents.instruction.tokens * 2
    if settings.replays:
        tokens_read += replay_tokens
    n_validations = steps // max(1, per_epoch) + 1
    tokens_read += n_validations * sum(contents.validation)
    seconds = ((steps + 1) * per_step + tokens_read / 2) / pace
    return TrainingEstimate(steps, per_step, seconds, before)


def training_time(
    store: Store, model: ModelSettings, settings: TrainSettings, contents: RoundContents
) -> TrainingEstimate:
    """Return how long a round takes: by earlier runs, or by this computer's speed.

    Raises:
        AutolearnError: The model cannot be used.
    """
    known_pace = pace(store, model, settings.devices)
    per_text = replay_writing.seconds_per_text(store, model)
    estimate = effort(
        settings,
        contents,
        known_pace or first_pace(model, settings, contents),
        first_text_seconds(model) if per_text is None else per_text,
    )
    return replace(estimate, is_first=known_pace is None)


def first_text_seconds(model: ModelSettings) -> float | None:
    """Return how long a text of the replay should take by the speed of this computer.

    It reads an instruction and writes an answer, both as long as they may be. None if
    that is not known; see ``first_study_seconds``.
    """
    estimator = estimator_of(model)
    if not _by_products(estimator):
        return None
    return compute.generation_seconds(
        estimator.shape, replay.INSTRUCTION_TOKENS, replay.ANSWER_TOKENS
    )


def first_pace(
    model: ModelSettings, settings: TrainSettings, contents: RoundContents
) -> float | None:
    """Return the tokens a second that this computer should train, from its speed.

    None if that is not known: on a GPU, and if 4-bit weights are unpacked at every
    step. In 16 bit it is no lower than in 32 bit; see docs/engine.md.
    """
    estimator = estimator_of(model)
    if not _by_products(estimator):
        return None
    width = sum(contents.tokens) / max(1, len(contents.tokens))
    share = contents.n_learned / max(1, sum(contents.tokens))
    return compute.tokens_per_second(estimator.shape, settings.rank, width, share)


def _by_products(estimator: MemoryEstimator) -> bool:
    """Return whether matrix products on the CPU are most of the work."""
    is_plain = estimator.quantization == "none" or estimator.unpacks
    return is_plain and estimator.device.kind == "cpu"


def pace(store: Store, model: ModelSettings, devices: int = 1) -> float | None:
    """Return the tokens a second of the last training with this model, if any.

    Only those that load it in the same way, on as many devices, count.
    """
    for run in store.runs.find(RunFilter.of_model("train", model)):
        if TrainRunSettings.of(run).train.devices != devices:
            continue
        if speed := latest_speed(store, run):
            return speed
    return None


def latest_speed(store: Store, run: Run) -> float | None:
    """Return the tokens a second of the newest steps of a training, taken together.

    Not the mean of their speeds: a short step is slower, and weighs less.
    """
    after = max(-1, run.done - _LATEST)
    speeds = store.runs.metrics(run.id, "tokens_per_second", after)
    sizes = {m.step: m.value for m in store.runs.metrics(run.id, "tokens", after)}
    # Steps of earlier versions have no size; all weigh alike.
    tokens = [sizes.get(speed.step, 1.0) for speed in speeds]
    seconds = fsum(n / m.value for n, m in zip(tokens, speeds, strict=True))
    return fsum(tokens) / seconds if seconds else None


def check_seconds(store: Store, model: ModelSettings) -> float | None:
    """Return how long the last skill check of a model took; None: there was none.

    All checks ask the same.
    """
    checks = RunFilter.of_model("skills", model, "done")
    return next((run.seconds for run in store.runs.find(checks, limit=1)), None)


def first_check_seconds(model: ModelSettings) -> float | None:
    """Return how long a skill check should take by the speed of this computer.

    For each gold question it writes about as much as a study: an open-book answer, two
    verdicts, a refinement, and the model's own questions with their answers. None if
    that is not known; see ``first_study_seconds``.
    """
    if is_server(model.model):
        return None
    n_gold = sum(len(text.items) for text in skill_items.texts())
    settings = StudySettings(questions_per_passage=1, passages_per_step=n_gold)
    return first_study_seconds(model, settings, n_gold)


def quiz_seconds(store: Store, model: ModelSettings, n: int) -> float | None:
    """Return how long a model takes to answer so many questions of a quiz.

    By its earlier answers from memory, or by the speed of this computer; None: not
    known.

    Raises:
        AutolearnError: The model cannot be used.
    """
    per_text = replay_writing.seconds_per_answer(store, model)
    if per_text is None and not is_server(model.model):
        per_text = first_text_seconds(model)
    return None if per_text is None else n * per_text


@dataclass(frozen=True)
class StudyTime:
    """How long a study takes."""

    seconds: float | None
    """None: not known."""
    is_first: bool
    """Whether no study with these weights and stages has shown its pace yet."""


def study_time(
    store: Store, model: ModelSettings, settings: StudySettings, passages: int
) -> StudyTime:
    """Return how long a study takes: by an earlier one, or by this computer's speed.

    The first full study is estimated from a quick one, which does a part of the work.

    Raises:
        AutolearnError: The model cannot be used.
    """
    seconds = study_seconds(store, model, settings, passages)
    if seconds is not None:
        return StudyTime(seconds, is_first=False)
    if not settings.quick:
        quick = study_seconds(store, model, replace(settings, quick=True), passages)
        if quick is not None:
            # Servers run instruct models, which are guided.
            guided = is_server(model.model) or is_guided(model, settings.protocol)
            full = quick / _share_of_work(quick=True, guided=guided)
            return StudyTime(full, is_first=True)
    if not is_server(model.model):
        seconds = first_study_seconds(model, settings, passages)
    return StudyTime(seconds, is_first=True)


def study_seconds(
    store: Store, model: ModelSettings, settings: StudySettings, passages: int
) -> float | None:
    """Return how long a study takes at the pace of the last one that did the same.

    None: not known.
    """
    alike = last_alike(store, model, settings)
    if alike is None:
        return None
    each: float = (alike.run.seconds or 0) / alike.n_questions
    return passages * settings.questions_per_passage * each


@dataclass(frozen=True)
class EarlierStudy:
    """A study that shows what another one takes."""

    run: Run
    n_questions: int
    """Questions that it should ask."""


def last_alike(
    store: Store, model: ModelSettings, settings: StudySettings
) -> EarlierStudy | None:
    """Return the last study of a model that did the same for each question, if any."""
    for run in store.runs.find(RunFilter.of_model("study", model)):
        n_passages, request = StudyResult.of(run).passages, StudyRunSettings.of(run)
        if not n_passages or request.instructions:  # which take time, too
            continue
        then = request.study
        if _work_settings(then) == _work_settings(settings):
            return EarlierStudy(run, n_passages * then.questions_per_passage)
    return None


def _work_settings(settings: StudySettings) -> tuple[bool, int, int]:
    """Return the settings that determine how much a study does for a question."""
    return settings.quick, settings.closed_book_samples, settings.paraphrases


def first_study_seconds(
    model: ModelSettings, settings: StudySettings, passages: int
) -> float | None:
    """Return how long a study should take by the speed of this computer.

    None if that is not known: on a GPU, and if 4-bit weights are unpacked at every
    step. In 16 bit it takes no longer than in 32 bit.
    """
    estimator = estimator_of(model)
    if not _by_products(estimator):
        return None
    guided = is_guided(model, settings.protocol)
    work = _GUIDED if guided else _BARE
    n = passages * settings.questions_per_passage
    seconds = compute.generation_seconds(
        estimator.shape, n * work.n_read, n * work.n_written
    )
    seconds += n * work.seconds
    n_steps = ceil(passages / settings.passages_per_step)
    in_sequence = compute.sequence_seconds(
        estimator.shape, n_steps * work.n_in_sequence
    )
    share = _share_of_work(quick=settings.quick, guided=guided)
    return seconds * share + in_sequence


def _share_of_work(*, quick: bool, guided: bool) -> float:
    """Return the share of the work of a full study, by the weights of the stages."""
    own, full = (
        sum(stage_weights(quick=part, is_guided=guided).values())
        for part in (quick, False)
    )
    return own / full
