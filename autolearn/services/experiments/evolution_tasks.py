"""Rounds of self-evolution: answer, feedback, refine, filter, fine-tune, again.

Source: arXiv 2310.00533. The first round answers the instructions of the library, later
ones those that the model writes itself (Self-Instruct).
"""

from dataclasses import replace
from functools import partial

from autolearn.core.errors import JobError
from autolearn.core.experiments import EvolveSettings, Experiment
from autolearn.core.quiz_records import QuizMode
from autolearn.core.records import Sample
from autolearn.core.run_settings import RunSettings, StudyRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import quiz_sets
from autolearn.rounds import corpora
from autolearn.runs.model_choice import with_model
from autolearn.services import corpus_actions, gold_actions
from autolearn.services.experiments import gate
from autolearn.services.experiments.tasks import (
    FinishedRuns,
    Task,
    quiz,
    round_of,
    samples_of,
    train,
)
from autolearn.store import Store
from autolearn.training import presets

META = "train meta-skills"


def begin(store: Store, settings: EvolveSettings) -> Experiment:
    """Store an evolution whose first run is still to be queued.

    Raises:
        JobError: There is no instruction, no quiz, or no corpus for the meta-skills.
    """
    gold_actions.check_instructions(store)
    if not quiz_sets.questions(store, "quiz"):
        raise JobError(
            "There is no quiz to measure the rounds with; add one under Library.",
            command="add --quiz FILE",
        )
    if settings.meta and not corpus_actions.ids(store):
        raise JobError(corpora.MISSING, command=corpora.COMMAND)
    return store.experiments.create("evolve", settings.as_dict())


def tasks(store: Store, experiment: Experiment) -> list[Task]:
    """Return the tasks of an evolution, in order."""
    evolution = _Evolution(store, experiment)
    rows = [Task(META, evolution.meta)] if evolution.settings.meta else []
    rows.append(Task(quiz_task(0), partial(evolution.quiz, 0)))
    for t in range(1, evolution.settings.rounds + 1):
        rows += [
            Task(study_task(t), partial(evolution.study, t)),
            Task(train_task(t), partial(evolution.train, t)),
            Task(quiz_task(t), partial(evolution.quiz, t)),
        ]
    return rows


def study_task(t: int) -> str:
    """Return the name of the task in which round ``t`` writes its samples."""
    return f"study, round {t}"


def train_task(t: int) -> str:
    """Return the name of the task that trains round ``t``."""
    return f"train, round {t}"


def quiz_task(t: int) -> str:
    """Return the name of the task that measures round ``t``; 0: before the first."""
    return f"quiz, round {t}"


def gate_ends(
    store: Store, settings: EvolveSettings, t: int, finished_runs: FinishedRuns
) -> bool:
    """Return whether the gate ends an evolution after round ``t``."""
    if not (settings.stop_early and t):
        return False
    before, after = finished_runs[quiz_task(t - 1)], finished_runs[quiz_task(t)]
    return not gate.keeps(store, before, after, settings.margin)


class _Evolution:
    """Makes the settings of the runs of one evolution."""

    def __init__(self, store: Store, experiment: Experiment) -> None:
        self.store = store
        self.settings = EvolveSettings.from_dict(experiment.settings)

    def meta(self, _: FinishedRuns) -> RunSettings:
        model = self.settings.model
        how = replace(self.settings.train, method="meta")
        request = TrainRunSettings(
            train=presets.preset_settings(model, how),
            corpus_ids=tuple(corpus_actions.ids(self.store)),
            study=self.settings.study,
        )
        return train(self.store, model, request)

    def study(self, t: int, finished_runs: FinishedRuns) -> RunSettings | None:
        settings = self.settings
        if gate_ends(self.store, settings, t - 1, finished_runs):
            return None
        n = settings.new_instructions or len(self.store.library.instructions())
        request = StudyRunSettings(
            study=replace(settings.study, seed=settings.study.seed + t - 1),
            documents=(),
            instructions=True,
            new_instructions=n if t > 1 else None,
        )
        return with_model(self.store, request, self._model(t - 1, finished_runs))

    def train(self, t: int, finished_runs: FinishedRuns) -> RunSettings:
        settings, first = self.settings, 1
        if settings.evolution == "continual-new":
            first = t
        samples = [
            sample.id
            for i in range(first, t + 1)
            for sample in self_approved_samples(
                self.store, finished_runs[study_task(i)]
            )
        ]
        if not samples:
            raise JobError(
                f"None of the answers of round {t} passes the model's own check, so "
                "there is nothing to train on; a meta-skill round may help."
            )
        how = replace(
            settings.train,
            method="self",
            evolution=settings.evolution,
            only_gaps=False,
        )
        parent = None
        if settings.evolution != "restart":
            parent = self._model(t - 1, finished_runs).round_id
        request = TrainRunSettings(
            train=how,
            parent=parent,
            corpus_ids=tuple(corpus_actions.ids(self.store)),
            samples=tuple(samples),
            study=settings.study,
        )
        return train(self.store, settings.model, request)

    def quiz(self, t: int, finished_runs: FinishedRuns) -> RunSettings:
        modes: list[QuizMode] = ["closed_book", "refined"]
        if self.settings.votes:
            modes.append("consistent")
        model = self._model(t, finished_runs)
        settings = self.settings
        first = finished_runs.get(quiz_task(0))
        return quiz(self.store, model, settings.study, modes, settings.votes, first)

    def _model(self, t: int, finished_runs: FinishedRuns) -> ModelSettings:
        """Return the model after round ``t``."""
        task = train_task(t) if t else META
        number = (
            round_of(self.store, finished_runs[task]) if task in finished_runs else None
        )
        return replace(self.settings.model, round_id=number)


def self_approved_samples(store: Store, run_id: int) -> list[Sample]:
    """Return the samples of a study that the published filter keeps.

    That is what the model's own check passes: answers that it judged right at once, and
    refinements that it judged right. Answers that were cut off are not among them.
    """
    samples = [s for s in samples_of(store, run_id) if s.passage_id is None]
    ids = [s.check_id if s.gap else s.critique_id for s in samples]
    verdicts = store.samples.verdicts([i for i in ids if i])
    return [
        sample
        for sample, i in zip(samples, ids, strict=True)
        if i and verdicts.get(i) == "correct" and "too_long" not in sample.flags
    ]
