"""The comparison: arms that learn the same documents in different ways.

All trained arms take the same number of optimiser steps with the same items per step,
rate, rank and replay. None stops early or is scaled afterwards. The study is done once
and shared; a seed decides the order of the items and the start of the adapter. If
the model has a round, such as one of meta-skills, that round studies, and all trained
arms continue it.

Source of the arms: the claims of arXiv 2406.00606 and 2310.00533, and the objection of
reviewers that gains may come from the format alone (the placebo).
"""

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from math import ceil

from autolearn.core.errors import InputError, JobError
from autolearn.core.experiments import ARMS, Arm, CompareSettings, Experiment
from autolearn.core.methods import METHODS
from autolearn.core.quiz_records import QuizMode
from autolearn.core.records import Run
from autolearn.core.run_settings import RunSettings, TrainRunSettings
from autolearn.core.settings import TrainSettings
from autolearn.evaluation import quiz_sets
from autolearn.rounds.sources import collect
from autolearn.services import gold_actions
from autolearn.services.experiments.reuse import has_same_items
from autolearn.services.experiments.tasks import (
    FinishedRuns,
    Task,
    quiz,
    round_of,
    samples_of,
    study,
    train,
)
from autolearn.store import Store
from autolearn.study import rules

STUDY, PLACEBO_STUDY, BASE_QUIZ = "study", "study of other documents", "quiz before"
STAGE_1_TO_2 = 8
"""Least number of steps of stage 1 for each step of stage 2."""


def begin(store: Store, settings: CompareSettings) -> Experiment:
    """Store a comparison whose first run is still to be queued.

    Raises:
        InputError: There is no such rule, document or corpus.
        JobError: There is no text to learn from, no instruction although they are to
            be learned, or no quiz to compare by.
    """
    rules.rule(settings.rule)
    for document_id in (*settings.documents, *settings.placebo):
        store.library.document(document_id)
    for corpus_id in settings.corpora:
        store.corpora.get(corpus_id)
    if settings.instructions:
        gold_actions.check_instructions(store)
    if not store.library.has_passages(settings.documents):
        raise JobError(
            "There is no text to compare on; add one under Library.",
            command="add FILE",
        )
    if not settings.study.quiz_share or store.quizzes.is_locked:
        _check_quiz(store, settings.documents)
    return store.experiments.create("compare", settings.as_dict())


def _check_quiz(store: Store, documents: Collection[int]) -> None:
    if quiz_sets.about(documents, quiz_sets.questions(store, "quiz")):
        return
    if store.quizzes.is_locked:
        raise JobError(
            "The quiz is locked and asks nothing about these documents; unlock it "
            "under Evaluation first.",
            command="quizzes --unlock",
        )
    raise JobError(
        "There is no quiz on these documents to compare with; study with a quiz share "
        "above 0, or add one under Library.",
        command="add --quiz FILE",
    )


def tasks(store: Store, experiment: Experiment) -> list[Task]:
    """Return the tasks of a comparison, in order."""
    comparison = _Comparison(store, experiment)
    settings = comparison.settings
    rows = [Task(STUDY, comparison.study)]
    if "placebo" in settings.arms:
        rows.append(Task(PLACEBO_STUDY, comparison.placebo_study))
    rows.append(Task(BASE_QUIZ, comparison.base_quiz))
    for seed in settings.seeds:
        for arm in settings.trained_arms:
            rows += comparison.arm_tasks(arm, seed)
    return rows


def train_task(arm: Arm, seed: int) -> str:
    """Return the name of the task that trains the round of an arm."""
    return f"train {arm}, seed {seed}"


def quiz_task(arm: Arm, seed: int) -> str:
    """Return the name of the task that measures an arm."""
    return f"quiz {arm}, seed {seed}"


def cost_tasks(arm: Arm, seed: int) -> list[str]:
    """Return the names of the tasks that an arm does for itself, without its quiz."""
    training = train_task(arm, seed)
    if _has_two_stages(arm):
        return [_stage_1(arm, seed), _second_study(arm, seed), training]
    return [training]


class _Comparison:
    """Makes the settings of the runs of one comparison."""

    def __init__(self, store: Store, experiment: Experiment) -> None:
        self.store, self.experiment = store, experiment
        self.settings = CompareSettings.from_dict(experiment.settings)
        self.model = self.settings.model

    def study(self, _: FinishedRuns) -> RunSettings:
        settings = self.settings
        return study(
            self.store,
            self.model,
            settings.study,
            settings.documents,
            instructions=settings.instructions,
        )

    def placebo_study(self, _: FinishedRuns) -> RunSettings:
        settings = replace(self.settings.study, quiz_share=0.0)
        return study(self.store, self.model, settings, self.settings.placebo)

    def base_quiz(self, _: FinishedRuns) -> RunSettings:
        _check_quiz(self.store, self.settings.documents)
        modes: list[QuizMode] = ["closed_book", "open_book"]
        modes += [ARMS[arm].mode for arm in self.settings.arms]
        unique_modes = list(dict.fromkeys(modes))
        return quiz(self.store, self.model, self.settings.study, unique_modes)

    def arm_tasks(self, arm: Arm, seed: int) -> list[Task]:
        """Return the tasks of a trained arm."""
        training = train_task(arm, seed)
        rows = [Task(training, partial(self._train, arm, seed))]
        if _has_two_stages(arm):
            first, second = _stage_1(arm, seed), _second_study(arm, seed)
            rows = [
                Task(first, partial(self._train, "al1", seed)),
                Task(second, partial(self._study_again, first)),
                Task(training, partial(self._second_stage, arm, seed, first, second)),
            ]
        return [*rows, Task(quiz_task(arm, seed), partial(self._quiz, arm, seed))]

    def _quiz(self, arm: Arm, seed: int, finished_runs: FinishedRuns) -> RunSettings:
        self._check_seeds(arm, finished_runs)
        number = round_of(self.store, finished_runs[train_task(arm, seed)])
        model = replace(self.model, round_id=number)
        first = finished_runs[BASE_QUIZ]
        return quiz(
            self.store, model, self.settings.study, ["closed_book"], first=first
        )

    def _check_seeds(self, arm: Arm, finished_runs: FinishedRuns) -> None:
        """Refuse to measure an arm whose seeds have learned different items.

        A training that waits in the queue, or was stopped before it had stored its
        items, learns the samples as they are when it goes on.

        Raises:
            JobError: They have.
        """
        tasks = (_first_training(arm, seed) for seed in self.settings.seeds)
        rounds = [
            round_of(self.store, finished_runs[task])
            for task in tasks
            if task in finished_runs
        ]
        learned = {
            frozenset(item for item in self.store.rounds.items(i) if item.teaches)
            for i in rounds
        }
        if len(learned) > 1:
            raise JobError(
                f"The seeds of the arm {arm} have learned different items: samples, "
                "texts or quiz questions were changed before one was trained. Begin a "
                "new comparison."
            )

    def _train(self, arm: Arm, seed: int, finished_runs: FinishedRuns) -> RunSettings:
        settings = self._train_settings(arm, seed, finished_runs)
        reads_passages = settings.traits.reads_passages
        request = TrainRunSettings(
            train=settings,
            parent=self.model.round_id,
            samples=self._samples(arm, finished_runs),
            documents=self.settings.documents if reads_passages else None,
            corpus_ids=self.settings.corpora if ARMS[arm].source == "corpora" else (),
            study=self.settings.study,
        )
        return train(self.store, self.model, request)

    def _samples(self, arm: Arm, finished_runs: FinishedRuns) -> tuple[int, ...]:
        """Return the samples that an arm learns, the same as the first arm of its kind.

        Otherwise arms and seeds would differ in what they learn once a person approves
        or rejects a sample while the comparison runs.

        Raises:
            JobError: Those samples have other texts by now.
        """
        study_task, is_filtered = _kind_of_samples(arm)
        earlier = [
            self.store.runs.get(finished_runs[task])
            for other in self.settings.trained_arms
            for seed in self.settings.seeds
            if _kind_of_samples(other) == (study_task, is_filtered)
            and (task := _first_training(other, seed)) in finished_runs
        ]
        if not earlier:
            choose = self._chosen if is_filtered else self._all
            return tuple(choose(finished_runs[study_task]))
        for run in earlier:
            self._check_items(run)
        return TrainRunSettings.of(earlier[0]).samples or ()

    def _check_items(self, run: Run) -> None:
        """Refuse to go on if an arm would now learn other items than it has.

        Each arm is asked: one that reads passages does not show an edited answer.

        Raises:
            JobError: It would.
        """
        if not has_same_items(self.store, run, TrainRunSettings.of(run)):
            raise JobError(
                "Samples, texts or quiz questions were changed after an arm had "
                "learned from them, so the next one would learn something else. Change "
                "them back and continue, or begin a new comparison."
            )

    def _train_settings(
        self, arm: Arm, seed: int, finished_runs: FinishedRuns
    ) -> TrainSettings:
        """Return the settings that all arms share, with the method of one."""
        common = self.settings.train
        method = ARMS[arm].method
        assert method
        return replace(
            common,
            method=method,
            seed=seed,
            max_steps=self._fix_steps(finished_runs),
            learning_rate=(
                0.0 if METHODS[method].trains_preferences else common.learning_rate
            ),
            only_gaps=common.only_gaps and ARMS[arm].is_filtered,
            validation_share=0.0,
            stop_at=0.0,
            choose_scale=False,
        )

    def _fix_steps(self, finished_runs: FinishedRuns) -> int:
        """Return the optimiser steps of each arm.

        The first trained arm decides and stores them, so that samples approved later
        change no arm.
        """
        if self.settings.steps:
            return self.settings.steps
        common = replace(
            self.settings.train, method="refined_sft", validation_share=0.0
        )
        request = TrainRunSettings(
            train=common, samples=tuple(self._chosen(finished_runs[STUDY]))
        )
        steps = self._steps_by_epochs(request)
        self.settings = replace(self.settings, steps=steps)
        self.store.experiments.set_settings(self.experiment.id, self.settings.as_dict())
        return steps

    def _steps_by_epochs(self, request: TrainRunSettings) -> int:
        """Return how many steps the epochs of a round are."""
        settings = replace(request.train, max_steps=0)
        return settings.steps(ceil(self._n_items(request) / settings.batch_size))

    def _n_items(self, request: TrainRunSettings) -> int:
        return len(collect(self.store, request).build().items)

    def _study_again(self, first: str, finished_runs: FinishedRuns) -> RunSettings:
        model = replace(self.model, round_id=round_of(self.store, finished_runs[first]))
        # No question may join the quiz while the comparison uses it.
        settings = replace(self.settings.study, quiz_share=0.0)
        return study(self.store, model, settings, self.settings.documents)

    def _second_stage(
        self, arm: Arm, seed: int, first: str, second: str, finished_runs: FinishedRuns
    ) -> RunSettings:
        """Return the settings of stage 2, which comes on top of a whole stage 1.

        It takes the steps of its own epochs: few pairs are left after stage 1, and
        preferences that are repeated too often ruin what was learned. An eighth of the
        steps of stage 1 is the most. If stage 1 left nothing to learn, its round is
        that of the arm.
        """
        settings = self._train_settings(arm, seed, finished_runs)
        parent = round_of(self.store, finished_runs[first])
        samples = tuple(self._approved(finished_runs[second]))
        request = TrainRunSettings(
            train=settings, parent=parent, samples=samples, study=self.settings.study
        )
        if not self._n_items(request):
            return self._train("al1", seed, finished_runs)
        most = settings.max_steps // STAGE_1_TO_2
        steps = max(1, min(self._steps_by_epochs(request), most))
        settings = replace(settings, max_steps=steps)
        return train(self.store, self.model, replace(request, train=settings))

    def _approved(self, run_id: int) -> list[int]:
        """Return the samples of a study that a person or the rule approves."""
        accepts = rules.rule(self.settings.rule).accepts
        samples = samples_of(self.store, run_id)
        return [s.id for s in samples if s.state == "approved" or accepts(s)]

    def _chosen(self, run_id: int) -> list[int]:
        """Return the samples that an arm learns.

        Raises:
            InputError: There is none.
        """
        ids = self._approved(run_id)
        if not ids:
            raise InputError(
                f"The rule {self.settings.rule!r} approves no sample of run {run_id}; "
                "approve some under Review, choose another rule, or teach the model "
                "the skills first."
            )
        return ids

    def _all(self, run_id: int) -> list[int]:
        return [sample.id for sample in samples_of(self.store, run_id)]


def _has_two_stages(arm: Arm) -> bool:
    method = ARMS[arm].method
    return method is not None and METHODS[method].is_second_stage


def _kind_of_samples(arm: Arm) -> tuple[str, bool]:
    """Return the study whose samples an arm learns, and whether they are filtered."""
    traits = ARMS[arm]
    study_task = PLACEBO_STUDY if traits.source == "placebo" else STUDY
    return study_task, traits.is_filtered


def _first_training(arm: Arm, seed: int) -> str:
    return _stage_1(arm, seed) if _has_two_stages(arm) else train_task(arm, seed)


def _stage_1(arm: Arm, seed: int) -> str:
    return f"train {arm} stage 1, seed {seed}"


def _second_study(arm: Arm, seed: int) -> str:
    return f"study {arm}, seed {seed}"
