"""Train a round: choose its samples, freeze them, train, and keep the adapter."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from autolearn.core.errors import InputError, TrainingError
from autolearn.core.gold import MetaExample
from autolearn.core.model_calls import Generation
from autolearn.core.ports import Backend, Cancelled, Trainer
from autolearn.core.records import Round, Sample, SelfGeneratedItem, TrainItem
from autolearn.core.run_results import RoundScores, TrainResult
from autolearn.core.run_settings import StudyRunSettings, TrainRunSettings
from autolearn.core.settings import StudySettings, TrainSettings
from autolearn.ingest import corpora
from autolearn.models import files as model_files
from autolearn.runs.context import RunContext
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter, SampleSources
from autolearn.study import prompts, statements
from autolearn.study.answers import keeps_sense
from autolearn.study.generation import Generator, of
from autolearn.training import dataset, replay
from autolearn.training.dataset import ApprovedExample, Dataset

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
    if rounds:
        mine, n_leaked = rounds[0], RoundScores.of(rounds[0]).leaked
    else:
        mine, n_leaked = _freeze(context, backend, settings)
    items = store.rounds.items(mine.id)
    parent = store.rounds.get(mine.parent_id) if mine.parent_id else None
    start = context.workspace / parent.adapter if parent and parent.adapter else None
    adapter = f"adapters/round-{mine.id}"
    states = checkpoints(context.workspace, mine.id)
    try:
        outcome = backend.train(
            items,
            settings,
            _Watcher(context),
            start=start,
            checkpoints=states,
            output=context.workspace / adapter,
        )
    except TrainingError:
        store.rounds.update(replace(mine, state="failed"))
        raise
    if not outcome.finished:
        raise Cancelled
    digest = model_files.adapter_digest(context.workspace / adapter)
    store.rounds.update(
        replace(
            mine,
            state="trained",
            adapter=adapter,
            adapter_digest=digest,
            n_steps=outcome.n_steps,
            scores=mine.scores | outcome.scores,
        )
    )
    shutil.rmtree(states, ignore_errors=True)
    return replace(
        TrainResult.from_dict(outcome.scores),
        round=mine.id,
        items=sum(item.teaches for item in items),
        replay=sum(item.kind == "replay" for item in items),
        samples=len({item.sample_id for item in items if item.sample_id}),
        dropped=len(outcome.dropped),
        kept_out_for_the_quiz=n_leaked,
        kept_out_for_validation=sum(item.kind == "validation" for item in items),
        steps=outcome.n_steps,
    )


def why_nothing(settings: TrainSettings) -> str:
    """Return why a round has no items, and what to do."""
    if settings.method == "meta":
        return corpora.MISSING
    return (
        f"The approved samples give method {settings.method!r} nothing to train on; "
        "approve more, or train on all pairs instead of gaps only."
    )


def checkpoints(workspace: Path, round_id: int) -> Path:
    """Return where the states of a round in training are kept."""
    return workspace / "checkpoints" / f"round-{round_id}"


def _freeze(
    context: RunContext, backend: TrainableBackend, settings: TrainSettings
) -> tuple[Round, int]:
    """Keep the round with what it will train on; from here on nothing changes it."""
    store, run_settings = context.store, TrainRunSettings.of(context.run)
    examples = approved_examples(store, settings, run_settings.parent)
    data = build(store, settings, examples, run_settings.corpus, run_settings.corpora)
    if not data.items:
        raise InputError(why_nothing(settings))
    new = Round(
        settings.method,
        context.run.id,
        context.run.settings,
        replace(backend.identity, round_id=None, adapter_digest=None),
        run_settings.parent,
        scores={"leaked": data.leaked},
    )
    new_items = [*data.items, *_stated(context, backend, settings, data.items)]
    n_replay = settings.replayed(len(new_items))
    own = _imagine(context, backend, replay.GAUGE + n_replay)
    made_up = own[replay.GAUGE :]
    n_read = beside(settings, n_replay)
    items = [
        *new_items,
        *data.validation,
        *replay.items("gauge", own[: replay.GAUGE]),
        *replay.items("replay", made_up),
        *_read(context, backend, to_read(examples, n_read)),
        *_checked(context, backend, made_up, n_read),
    ]
    return store.rounds.create(new, items), data.leaked


def build(
    store: Store,
    settings: TrainSettings,
    approved: Sequence[ApprovedExample],
    corpus: Sequence[MetaExample],
    corpus_ids: Sequence[int],
) -> Dataset:
    """Return the items of a round: of lessons, of a corpus file, and of the library's.

    Raises:
        InputError: A corpus has been removed from the library.
    """
    skills, examples, n_blocked = corpora.skills(store, settings, corpus_ids)
    data = dataset.build(
        settings, approved, [*corpus, *examples], corpora.asked(store), skills
    )
    return replace(data, leaked=data.leaked + n_blocked)


def _stated(
    context: RunContext,
    backend: TrainableBackend,
    settings: TrainSettings,
    items: Sequence[TrainItem],
) -> list[TrainItem]:
    """Return what the model says that the raw texts of the items say."""
    texts = [item.chosen for item in items if item.kind == "text"]
    if not settings.statements:
        return []
    writer = _writer(context, backend, "statements", len(texts))
    return _logged(context, statements.state(writer, texts, settings.statements))


def beside(settings: TrainSettings, n_replay: int) -> int:
    """Return for how many made-up items texts are read and answers checked, too.

    A round of meta-skills is to change just how the model does that.
    """
    return 0 if settings.method == "meta" else n_replay


def to_read(
    examples: Sequence[ApprovedExample], n_replay: int
) -> list[replay.RereadText]:
    """Return the texts of the round that are read beside its replay."""
    texts = [
        (example.passage, example.sample.prompt, example.closed) for example in examples
    ]
    return replay.to_read([parts for parts in texts if all(parts)], n_replay)


def _read(
    context: RunContext, backend: TrainableBackend, texts: Sequence[replay.RereadText]
) -> list[TrainItem]:
    writer = _writer(context, backend, "texts read again", len(texts))
    return _logged(context, replay.read(writer, texts))


def to_check(store: Store, n_replay: int) -> tuple[list[str], int]:
    """Return what is asked without a text and checked beside the replay.

    And how many made-up questions stand in for what there is not.
    """
    n = round(replay.CHECKING * n_replay)
    put = [instruction.text for instruction in store.library.instructions()]
    sample = replay.to_check(put, n)
    return sample, n - len(sample)


def _checked(
    context: RunContext,
    backend: TrainableBackend,
    made_up: Sequence[SelfGeneratedItem],
    n_replay: int,
) -> list[TrainItem]:
    put, others = to_check(context.store, n_replay)
    writer = _writer(context, backend, "answers checked", len(put) + others)
    return _logged(context, replay.checked(writer, put, made_up[:others]))


def _logged(
    context: RunContext, pairs: Sequence[tuple[TrainItem, Generation]]
) -> list[TrainItem]:
    """Keep how the items were written."""
    context.store.journal(context.run.id).log(generation for _, generation in pairs)
    return [item for item, _ in pairs]


def study_settings(store: Store) -> StudySettings:
    """Return how it was studied last: replay is written within the same limits."""
    last = store.runs.last("study")
    return StudyRunSettings.of(last).study if last else StudySettings()


def _writer(
    context: RunContext, backend: TrainableBackend, stage: str = "", n: int = 0
) -> Generator:
    """Return the model as writer; of ``n`` texts it tells how many are written."""

    def report(share: float) -> None:
        if n:
            context.progress(stage, round(n * share), n)

    return Generator(backend, study_settings(context.store), context.stop, report)


def _imagine(
    context: RunContext, backend: TrainableBackend, n: int
) -> list[SelfGeneratedItem]:
    """Return so many of the model's own prompts and answers; what is new is kept."""
    prompt = prompts.load(replay.PROMPT)
    pool = context.store.pool.of(backend.identity, prompt.digest)
    return replay.imagine(
        _writer(context, backend),
        context.store.journal(context.run.id),
        pool or _shipped(context, backend),
        n,
        lambda n_done: context.progress("prompts of its own", n_done, n),
    )


def _shipped(context: RunContext, backend: TrainableBackend) -> list[SelfGeneratedItem]:
    """Return what the model's folder brings of what it made up; it is kept."""
    name = TrainRunSettings.of(context.run).model.model
    path = model_files.locate(name) / replay.SHIPPED
    if not path.is_file():
        return []
    try:
        items = replay.shipped(path.read_text(encoding="utf-8"), backend.identity)
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s is not what autolearn ships: %s", path, error)
        return []
    journal = context.store.journal(context.run.id)
    return of(SelfGeneratedItem, journal.step("imagined, shipped", lambda: items))


@dataclass(frozen=True)
class _Watcher:
    """Writes the numbers of a round into the database."""

    context: RunContext

    def stop(self) -> bool:
        return self.context.stop()

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        self.context.measured(step, metrics)

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        self.context.measured(step, metrics)
        self.context.progress("training", step, total)


def approved_examples(
    store: Store, settings: TrainSettings, parent_id: int | None
) -> list[ApprovedExample]:
    """Return the approved samples that a round of this method learns from.

    AL stage 2 learns from what the stage-1 model wrote; SELF's continual-new from
    what no round has learned yet; all others from everything approved so far.
    """
    samples = store.samples.find(SampleFilter(state="approved"))
    sources = store.samples.sources(samples)
    if settings.method == "al2":
        samples = [
            sample for sample in samples if sources[sample.id].written_by == parent_id
        ]
    if settings.evolution == "continual-new" and settings.method == "self":
        old_ids = {
            item.sample_id
            for round_ in store.rounds.all()
            if round_.state != "training"
            for item in store.rounds.items(round_.id)
        }
        samples = [sample for sample in samples if sample.id not in old_ids]
    wordings = _wordings(store, samples)
    return [
        _approved_example(
            sample, sources[sample.id], wordings.get(sample.question_id, ())
        )
        for sample in samples
    ]


def _wordings(store: Store, samples: Sequence[Sample]) -> dict[int, tuple[str, ...]]:
    """Return the checked wordings of each question that are not for the quiz."""
    parents = [sample.question_id for sample in samples]
    questions = store.library.questions(
        QuestionFilter(parent_ids=parents, split="study")
    )
    answers = store.library.answers([question.id for question in questions])
    sound = {a.question_id for a in answers if keeps_sense(a)}
    by_question: dict[int, tuple[str, ...]] = {}
    for question in questions:
        if question.id in sound and question.parent_id:
            texts = by_question.get(question.parent_id, ())
            by_question[question.parent_id] = (*texts, question.text)
    return by_question


def _approved_example(
    sample: Sample, sources: SampleSources, wordings: tuple[str, ...]
) -> ApprovedExample:
    return ApprovedExample(
        sample,
        passage=sources.passage,
        opened=sample.chosen if sources.opened is None else sources.opened,
        closed=sample.rejected,
        critique=sources.critique,
        wordings=wordings,
        corrected=sources.corrected,
    )
