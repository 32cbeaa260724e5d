"""Prepare a round: collect its sources, build its items, write its replay, store it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from autolearn.core.errors import InputError
from autolearn.core.ports import Backend
from autolearn.core.records import DRIFT_PROBE, GeneratedInstruction, Round, TrainItem
from autolearn.core.run_settings import TrainRunSettings
from autolearn.models import files as model_files
from autolearn.rounds.sources import collect, study_settings, why_nothing
from autolearn.runs.context import RunContext
from autolearn.study import prompts, statements
from autolearn.study.generation import Generator, of_type
from autolearn.training import replay, replay_pool, similar_questions
from autolearn.training.replay_plan import ReplayPlan

log = logging.getLogger(__name__)

KEPT_SHARE = 0.4
"""Share of the drawn instructions that is usually kept: half are guesses, and some are
repeated."""


def prepare(context: RunContext, backend: Backend) -> Round:
    """Store the round of a run with what it will train on; nothing changes it later.

    Raises:
        InputError: There is nothing to train on.
        Cancelled: The user stopped the run.
    """
    run_settings = TrainRunSettings.of(context.run)
    sources = collect(context.store, run_settings)
    result = sources.build()
    if not result.items:
        raise InputError(why_nothing(run_settings.train))
    writer = _BaseWriter(context, backend)
    new_items = [*result.items, *writer.statements(result.items)]
    replay_items = writer.replay(sources.replay(new_items))
    admission = sources.guard.admit([*new_items, *result.validation, *replay_items])
    new = Round(
        run_settings.train.method,
        context.run.id,
        context.run.settings,
        replace(backend.identity, round_id=None, adapter_digest=None),
        run_settings.parent,
        scores={"leaked": result.leaked + admission.n_blocked},
    )
    return context.store.rounds.create(new, admission.items)


@dataclass
class _InstructionCount:
    """Counts generated instructions, also within a batch of draws.

    How many a batch adds is known only at its end; the count never falls.
    """

    report: Callable[[int], None]
    n: int
    n_before: int = 0
    """Those of the earlier batches."""
    n_reported: int = 0

    def begin_batch(self, n_before: int) -> None:
        """Report how many there are before a batch."""
        self.n_before = n_before
        self.within_batch(0.0)

    def within_batch(self, share: float) -> None:
        """Report how many there should be at this share of the batch."""
        n_expected = min(KEPT_SHARE * replay.STEP, self.n - self.n_before)
        n_now = self.n_before + int(share * n_expected)
        self.n_reported = max(self.n_reported, n_now)
        self.report(self.n_reported)


@dataclass(frozen=True)
class _BaseWriter:
    """Lets the base model write the texts that a round needs, and stores them."""

    context: RunContext
    backend: Backend

    def statements(self, items: Sequence[TrainItem]) -> list[TrainItem]:
        """Return the statements that the model writes about the raw texts of items."""
        n_each = TrainRunSettings.of(self.context.run).train.statements
        if not n_each:
            return []
        texts = [item.chosen for item in items if item.kind == "text"]
        stage = "statements"
        writer = self._generator(stage, len(texts))
        generations = self.context.journal.generations(
            stage, lambda: statements.state(writer, texts, n_each)
        )
        return [statements.as_item(generation) for generation in generations]

    def replay(self, plan: ReplayPlan) -> list[TrainItem]:
        """Return the drift probe, and the replay items of the plan."""
        n_similar = plan.n_similar(self._generator().protocol.guided)
        n_free = plan.n_instructions - n_similar
        instructions = self._instructions(replay.N_PROBE + n_free)
        probe = instructions[: replay.N_PROBE]
        replay_instructions = instructions[replay.N_PROBE :]
        return [
            *replay.items(DRIFT_PROBE, probe),
            *replay.items("replay", replay_instructions),
            *self._similar_questions(plan, n_similar),
            *self._texts_read_again(plan),
            *self._answers_checked(plan, replay_instructions),
        ]

    def _similar_questions(self, plan: ReplayPlan, n: int) -> list[TrainItem]:
        """Return items in which the base model answers questions like the round's."""
        if not n:
            return []
        stage = "similar questions"
        writer = self._generator(stage, n)
        generations = self.context.journal.generations(
            stage,
            lambda: similar_questions.answer(writer, plan.questions, n, plan.wordings),
        )
        return [replay.as_item(generation) for generation in generations]

    def _texts_read_again(self, plan: ReplayPlan) -> list[TrainItem]:
        """Return items in which the base model reads the texts of the plan."""
        stage = "texts read again"
        reader = self._generator(stage, len(plan.texts))
        generations = self.context.journal.generations(
            stage, lambda: replay.read(reader, plan.texts)
        )
        replay_generations = replay.without_skills(generations, plan.excluded_skills)
        return [replay.as_item(generation) for generation in replay_generations]

    def _answers_checked(
        self, plan: ReplayPlan, instructions: Sequence[GeneratedInstruction]
    ) -> list[TrainItem]:
        """Return items in which the base model checks its own answers."""
        stage = "answers checked"
        n_checked = len(plan.library_instructions) + plan.n_checked
        checker = self._generator(stage, n_checked)
        generations = self.context.journal.generations(
            stage,
            lambda: replay.self_checks(
                checker, plan.library_instructions, instructions[: plan.n_checked]
            ),
        )
        return [replay.as_item(generation) for generation in generations]

    def _instructions(self, n: int) -> list[GeneratedInstruction]:
        """Return ``n`` generated instructions and their answers."""
        prompt = prompts.load(replay.PROMPT)
        stored = self.context.store.instructions.of(
            self.backend.identity, prompt.digest
        )
        report = partial(self.context.report, "generated instructions", n)
        count = _InstructionCount(report, n)
        return replay.generate_instructions(
            replace(self._generator(), report=count.within_batch),
            self.context.journal,
            stored or self._model_pool(),
            n,
            count.begin_batch,
        )

    def _model_pool(self) -> list[GeneratedInstruction]:
        """Return the instructions that the folder of the model has, and store them."""
        name = TrainRunSettings.of(self.context.run).model.model
        path = replay_pool.find(model_files.locate(name))
        if path is None:
            return []
        try:
            text = path.read_text(encoding="utf-8")
            items = replay_pool.parse(text, self.backend.identity)
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s has no generated instructions: %s", path, error)
            return []
        return of_type(
            GeneratedInstruction,
            self.context.journal.step(f"{replay.STAGE}, shipped", lambda: items),
        )

    def _generator(self, stage: str = "", n: int = 0) -> Generator:
        """Return a generator that reports its progress on ``n`` texts, if any."""

        def report(share: float) -> None:
            if n:
                self.context.progress(stage, round(n * share), n)

        run_settings, store = TrainRunSettings.of(self.context.run), self.context.store
        settings = run_settings.study or study_settings(store)
        return Generator(self.backend, settings, self.context.stop, report)
