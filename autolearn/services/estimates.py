"""What a round would train on and need, told before it is ordered.

The items are made by the very functions that the training uses. Steps, time and
memory are estimates: they are worked out from sizes and from the last round.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean

from autolearn.core.errors import OutOfMemory
from autolearn.core.model_calls import Chat
from autolearn.core.records import Run, RunKind, TrainItem
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import StudyRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.models import compute, hardware
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.models.batch_shape import ItemSizes
from autolearn.models.memory import Memory, MemoryEstimator, too_big
from autolearn.models.memory_calibration import NUMBERS, Correction, correction
from autolearn.rounds.sources import approved_in, collect, study_settings
from autolearn.runs import queues
from autolearn.store import RunFilter, Store
from autolearn.study import prompts
from autolearn.study.questions import LISTED, how_many
from autolearn.training import replay
from autolearn.training.dataset import Dataset
from autolearn.training.replay_plan import ReplayPlan, RereadText

_CHECKPOINTS = 4
"""Two and the best are kept while another is written."""
_LATEST = 50
"""Steps of the last round over which its pace is taken."""


@dataclass(frozen=True)
class ItemLength:
    """About how many tokens an item has, without the signs of the template."""

    shown: float
    said: float

    @property
    def tokens(self) -> float:
        """Return both together."""
        return self.shown + self.said


@dataclass(frozen=True)
class RoundContents:
    """What goes into a round, and what is left out and why."""

    approved: int
    for_method: int
    """Approved samples that this method takes into account."""
    without_gap: int
    """Those of them that are left out because the model knew the answer."""
    made: Dataset
    tokens: tuple[int, ...]
    """About how many tokens each item has, without the signs of the template."""
    learned: int
    """About how many of them are learned."""
    made_up: ItemLength
    """Replay that is made up: the mean of the newest round's, or the most there may be
    before any."""
    beside: tuple[ItemLength, ...]
    """Replay that is not made up: texts read again, and answers checked."""
    validation: tuple[int, ...] = ()
    """About how many tokens each item of validation has."""
    corpora: tuple[str, ...] = ()
    """The names of the corpora that meta-skill items are made of."""

    @property
    def samples(self) -> int:
        """Return how many samples the items come from."""
        return len({item.sample_id for item in self.made.items if item.sample_id})


def round_contents(
    store: Store,
    order: TrainRunSettings,
    count: Callable[[str], int],
    *,
    reads_system: bool = True,
) -> RoundContents:
    """Return what a round that is ordered so would take from the store.

    ``count``: returns the tokens of a text; most texts are the same at the next look.
    ``reads_system``: whether the template of the model has a place for that message.
    """

    def prompt_size(chat: Chat) -> int:
        return sum(count(m.content) for m in chat if reads_system or m.role != "system")

    def length(item: TrainItem) -> int:
        return prompt_size(item.chat) + max(
            count(item.chosen), count(item.rejected or "")
        )

    settings = order.train
    names = {corpus.id: corpus.name for corpus in store.corpora.chosen()}
    sources = collect(store, order)
    examples, dataset = sources.material.examples, sources.build()
    n_known = sum(not e.is_gap for e in examples) if settings.only_gaps else 0
    n_learned = sum(count(item.chosen) for item in dataset.items)
    answer = n_learned // max(1, len(dataset.items))
    limits = study_settings(store)
    replay_sizes = _ReplaySizes(limits, count, prompt_size, answer)
    return RoundContents(
        store.samples.counts(approved_in(order.scope))["approved"],
        len(examples),
        n_known,
        dataset,
        tuple(length(item) for item in dataset.items),
        n_learned,
        _made_up(store, prompt_size, count),
        tuple(replay_sizes.of(sources.replay(dataset.items))),
        tuple(length(item) for item in dataset.validation),
        tuple(names[i] for i in order.corpora if i in names),
    )


def _made_up(
    store: Store, prompt_size: Callable[[Chat], int], count: Callable[[str], int]
) -> ItemLength:
    """Return how long made-up items are: every round has some, to be measured by."""
    for round_ in reversed(store.rounds.all()):
        if items := [i for i in store.rounds.items(round_.id) if i.kind == "gauge"]:
            answer_size = fmean(count(item.chosen) for item in items)
            return ItemLength(
                fmean(prompt_size(item.chat) for item in items), answer_size
            )
    return ItemLength(replay.PROMPT_TOKENS, replay.ANSWER_TOKENS)


@dataclass(frozen=True)
class _ReplaySizes:
    """About how long the items are that a plan replays beside its made-up ones."""

    settings: StudySettings
    count: Callable[[str], int]
    shown: Callable[[Chat], int]
    answer: int
    """Tokens of a usual answer; a comparison or a quote with it has twice as many."""

    def of(self, plan: ReplayPlan) -> Iterator[ItemLength]:
        """Yield the lengths of what ``training.replay`` writes for the plan."""
        for text in plan.texts:
            yield from self._reading(text)
        frame = prompts.load("refine_free").render(question="", answer="", feedback="")
        rest = self.shown(frame.chat)
        questions = [*map(self.count, plan.instructions)]
        questions += [replay.PROMPT_TOKENS] * plan.n_checked
        # A check of each answer, and a better one.
        for size in questions * 2:
            yield ItemLength(rest + size, 2 * self.answer)

    def _reading(self, text: RereadText) -> Iterator[ItemLength]:
        compare, reword = prompts.load("feedback"), prompts.load("paraphrase")
        answers = {"reference": text.answer, "answer": text.answer}
        prompt = compare.render(passage=text.passage, question=text.question, **answers)
        size = ItemLength(self.shown(prompt.chat), 2 * self.answer)
        yield from (size, size, size)
        n, per_question = (
            how_many(self.settings, text.passage),
            self.count(text.question),
        )
        yield ItemLength(size.shown, n * per_question)
        prompt = reword.render(question=text.question, n=LISTED)
        yield ItemLength(self.shown(prompt.chat), LISTED * per_question)


@dataclass(frozen=True)
class TrainingEstimate:
    """How long a round takes, at most: it may have learned enough before."""

    steps: int
    tokens_per_step: int
    seconds: float | None
    """None while nothing has told how fast this computer is."""


def effort(
    settings: TrainSettings, contents: RoundContents, pace: float | None
) -> TrainingEstimate:
    """Return the steps and, by the tokens a second, the time that the round takes.

    What is only read takes half as long: what the base says of the replay, and the
    validation and the gauge, which are looked at with the adapter and without. The
    largest step is taken once more beforehand.
    """
    n = len(contents.made.items)
    per_epoch = ceil(n / settings.batch_size)
    steps = settings.steps(per_epoch)
    an_epoch: float = sum(contents.tokens) * (1 + (settings.method == "al2"))
    an_epoch += settings.replayed(n) * contents.made_up.tokens
    an_epoch += sum(item.tokens for item in contents.beside)
    per_step = round(an_epoch / max(1, per_epoch))
    if not pace:
        return TrainingEstimate(steps, per_step, None)
    read = replay.GAUGE * contents.made_up.tokens * 2
    if settings.replays:
        read += settings.replayed(n) * contents.made_up.tokens
        read += sum(item.tokens for item in contents.beside)
    looks = steps // max(1, per_epoch) + 1
    read += looks * sum(contents.validation)
    return TrainingEstimate(steps, per_step, ((steps + 1) * per_step + read / 2) / pace)


def first_pace(
    model: ModelSettings, settings: TrainSettings, contents: RoundContents
) -> float | None:
    """Return the tokens a second that this computer should train, from its speed.

    None where that is not known: on a GPU, in 16 bit, and where 4-bit weights are
    unpacked at every step.
    """
    estimator = _needs(model)
    is_plain = estimator.quantization == "none" or estimator.unpacks
    if not is_plain or estimator.device.half or estimator.device.kind != "cpu":
        return None
    width = sum(contents.tokens) / max(1, len(contents.tokens))
    share = contents.learned / max(1, sum(contents.tokens))
    return compute.tokens_per_second(estimator.shape, settings.rank, width, share)


def pace(store: Store, model: str) -> float | None:
    """Return the tokens a second of the last training with this model, if any."""
    for run in store.runs.find(RunFilter(("train",), model=model)):
        if speed := latest_speed(store, run):
            return speed
    return None


def latest_speed(store: Store, run: Run) -> float | None:
    """Return the mean tokens a second over the newest steps of a training."""
    after = max(-1, run.done - _LATEST)
    metrics = store.runs.metrics(run.id, "tokens_per_second", after)
    return sum(m.value for m in metrics) / len(metrics) if metrics else None


@dataclass(frozen=True)
class MemoryFit:
    """What a run needs of memory against what it could have."""

    need: Memory
    free: int
    """Bytes, with what the worker holds, which the run takes over."""
    told_by: int | None
    """The run whose measured memory corrected the estimate."""
    problem: str = ""
    """Why it does not fit, if it does not."""

    @property
    def disk(self) -> int:
        """Return what a round writes: its adapter, and four checkpoints at most."""
        state = self.need.adapter + self.need.moments
        return self.need.adapter + _CHECKPOINTS * state


def of_training(
    store: Store, model: ModelSettings, settings: TrainSettings, contents: RoundContents
) -> MemoryFit:
    """Return what a round needs, planned as the training itself will plan it."""
    estimator = _needs(model)
    free, teacher, as_seen = _outlook(store, model, "train")
    room = free - as_seen(estimator.loading()).loaded
    items, problem = _items(settings, contents), ""
    try:
        load = estimator.plan(settings, items, room)
    except OutOfMemory as error:
        load, problem = items.at_once(items.longest, recompute=True), str(error)
    return MemoryFit(
        as_seen(estimator.training(settings, load)), free, teacher, problem
    )


def of_study(
    store: Store, model: ModelSettings, settings: StudySettings, passages: int
) -> MemoryFit:
    """Return what a study of so many passages needs, about."""
    free, teacher, as_seen = _outlook(store, model, "study")
    need = as_seen(_needs(model).study(settings, passages))
    problem = ""
    if too_big(need.total, free):
        problem = "Fewer texts are then written at once, or it ends for want of memory."
    return MemoryFit(need, free, teacher, problem)


def study_seconds(
    store: Store, model: ModelSettings, settings: StudySettings, passages: int
) -> float | None:
    """Return how long a study takes at the pace of the last one; None: not known."""
    for run in _earlier(store, model, "study"):
        if n_passages := StudyResult.of(run).passages:
            then = StudyRunSettings.of(run).study
            now = passages * settings.questions_per_passage
            each: float = (run.seconds or 0) / (n_passages * then.questions_per_passage)
            return now * each
    return None


def lesson_of(
    store: Store, model: ModelSettings, kind: RunKind
) -> tuple[int | None, Correction]:
    """Return the newest run of this kind whose memory was measured, and what it taught.

    Only of the same model, loaded in the same way.
    """
    for run in _earlier(store, model, kind):
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


def _earlier(store: Store, model: ModelSettings, kind: RunKind) -> list[Run]:
    """Return the runs of a kind with this model loaded so, the newest first."""
    same_kind = RunFilter((kind,), model=model.model, quantization=model.quantization)
    return store.runs.find(same_kind)


def _is_with(run: Run, model: ModelSettings) -> bool:
    """Return whether a run of the worker is one with this model, loaded in this way."""
    return (run.model, run.quantization) == (model.model, model.quantization)


def _needs(model: ModelSettings) -> MemoryEstimator:
    shape = model_shape.of(model_files.locate(model.model))
    estimator = MemoryEstimator(shape, model.quantization, hardware.device())
    return estimator.within(hardware.free())


def _outlook(
    store: Store, model: ModelSettings, kind: RunKind
) -> tuple[int, int | None, Callable[[Memory], Memory]]:
    """Return what a run could have of memory, and what mends the estimate for it.

    With the run that taught how; until there is one, what the worker holds with the
    model is counted, since it will go on to hold it. Of a GPU that cannot be told.
    """
    in_worker = 0
    if hardware.device().kind != "cuda":
        in_worker = (
            hardware.worker_memory(store.folder / queues.MODEL_QUEUE.pid_file) or 0
        )
    free = hardware.free() + in_worker
    teacher, adjustment = lesson_of(store, model, kind)
    if teacher:
        return free, teacher, adjustment.apply
    started_runs = RunFilter(queues.MODEL_QUEUE.kinds, started=True)
    last = store.runs.find(started_runs, limit=1)
    in_model = in_worker if last and _is_with(last[0], model) else 0

    def at_least(need: Memory) -> Memory:
        return replace(need, libraries=need.libraries + max(0, in_model - need.loaded))

    return free, None, at_least


def _items(settings: TrainSettings, sizes: RoundContents) -> ItemSizes:
    """Return what is learned and what will be replayed."""
    new_lengths = [n for n in sizes.tokens if n <= settings.max_tokens] or [0]
    self_made = [
        *[sizes.made_up] * settings.replayed(len(sizes.tokens)),
        *sizes.beside,
    ]
    answers = round(sum(item.said for item in self_made))
    lengths = [*new_lengths, *(ceil(item.tokens) for item in self_made)]
    new = settings.batch_size * (2 if settings.method == "al2" else 1)
    # Both go through together only where they are about as long.
    rows = max(new, replay.in_step(settings, max(1, len(sizes.tokens)), len(self_made)))
    longest = max(lengths)
    return ItemSizes(
        longest,
        sum(lengths),
        sizes.learned + answers,
        rows * longest,
        answers,
    )
