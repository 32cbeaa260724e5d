"""Compute the results of a comparison from its runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from autolearn.core.experiments import ARMS, Arm, CompareSettings, Experiment
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Run
from autolearn.core.run_results import TrainResult
from autolearn.evaluation import arm_statistics, quiz_sets
from autolearn.evaluation.arm_statistics import ArmComparison, ArmOutcome, Cost
from autolearn.evaluation.quiz import right_answers
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.services.experiments import comparison_tasks, schedule
from autolearn.services.experiments.schedule import TaskState
from autolearn.store import Store


@dataclass(frozen=True)
class QuestionRow:
    """A question of the quiz, and the share of seeds that each arm had it right."""

    question: str
    gold: str
    right: dict[Arm, float]
    answers: dict[Arm, str]
    """The answer of the first seed."""


@dataclass(frozen=True)
class ComparisonReport:
    """The results of a comparison so far."""

    experiment: Experiment
    settings: CompareSettings
    tasks: tuple[TaskState, ...]
    result: ArmComparison
    shared_seconds: float
    """Of the study that all arms share."""
    questions: tuple[QuestionRow, ...]
    has_gold: bool
    """Whether the quiz has gold answers; if not, the model's own count as right."""
    left_out: str
    """Which questions count for no arm, or which arm was asked none; empty: none."""

    @property
    def n_done(self) -> int:
        """Return how many tasks are done."""
        return schedule.n_done(self.tasks)


def report(store: Store, experiment: Experiment) -> ComparisonReport:
    """Return the results of a comparison so far."""
    settings = CompareSettings.from_dict(experiment.settings)
    tasks = schedule.states(store, experiment)
    runs = {t.name: t.run for t in tasks if t.run and t.run.state == "done"}
    reader = _ArmReader(store, settings, runs)
    arms_asked = (reader.outcome(arm) for arm in settings.arms)
    outcomes = [o for o in arms_asked if o.quiz and all(o.quiz)]
    result = arm_statistics.compare(outcomes)
    study_run = runs.get(comparison_tasks.STUDY)
    return ComparisonReport(
        experiment,
        settings,
        tuple(tasks),
        result,
        (study_run.seconds or 0.0) if study_run else 0.0,
        tuple(reader.rows(outcomes, result.questions)),
        all(question.is_gold for question in reader.quiz.values()),
        _left_out(settings, reader.quiz.values()),
    )


def _left_out(settings: CompareSettings, quiz: Collection[QuizQuestion]) -> str:
    """Return what is left out since only some questions belong to a passage."""
    n = sum(question.passage is None for question in quiz)
    if "passage" not in settings.arms or not n:
        return ""
    arm = f"The arm “{ARMS['passage'].title}”"
    if n == len(quiz):
        return f"{arm} was asked nothing, since no question belongs to a passage."
    return (
        f"{arm} was not asked {n} of {len(quiz)} questions, which belong to no "
        "passage. They count for no arm; without this arm they would."
    )


class _ArmReader:
    """Reads the outcomes of arms from finished runs."""

    def __init__(
        self, store: Store, settings: CompareSettings, runs: dict[str, Run]
    ) -> None:
        self.store, self.settings, self.runs = store, settings, runs
        self.quizzes = self._finished_quizzes()
        results = tuple(self.quizzes.values())
        self.quiz = quiz_sets.measured(store, "quiz", results, settings.documents)
        self.control = quiz_sets.measured(store, "control", results)
        self.texts: dict[Arm, dict[int, str]] = {}

    def _finished_quizzes(self) -> dict[str, list[QuizResult]]:
        """Return the answers of each finished quiz by the name of its task."""
        names = [comparison_tasks.BASE_QUIZ]
        names += [
            comparison_tasks.quiz_task(arm, seed)
            for seed in self.settings.seeds
            for arm in self.settings.trained_arms
        ]
        return {
            name: self.store.runs.quiz_results(self.runs[name].id)
            for name in names
            if name in self.runs
        }

    def outcome(self, arm: Arm) -> ArmOutcome:
        """Return the answers of an arm, of the seeds that have been measured."""
        mode = ARMS[arm].mode
        names = [comparison_tasks.BASE_QUIZ]
        if ARMS[arm].is_trained:
            names = [comparison_tasks.quiz_task(arm, s) for s in self.settings.seeds]
        quizzes = [self.quizzes[name] for name in names if name in self.quizzes]
        if quizzes:
            first = (r for r in quizzes[0] if r.mode == mode)
            self.texts[arm] = {r.question_id: r.text for r in first}
        return ArmOutcome(
            arm,
            [right_answers(results, mode, self.quiz) for results in quizzes],
            [
                right_answers(results, "closed_book", self.control)
                for results in quizzes
            ],
            self._cost(arm) if ARMS[arm].is_trained else Cost(),
        )

    def _cost(self, arm: Arm) -> Cost:
        costs = [
            self._cost_of_seed(arm, seed)
            for seed in self.settings.seeds
            if comparison_tasks.quiz_task(arm, seed) in self.runs
        ]
        if not costs:
            return Cost()
        drifts = [c.forgetting_kl for c in costs if c.forgetting_kl is not None]
        return Cost(
            fmean(c.seconds for c in costs),
            round(fmean(c.steps for c in costs)),
            round(fmean(c.tokens for c in costs)),
            fmean(drifts) if drifts else None,
        )

    def _cost_of_seed(self, arm: Arm, seed: int) -> Cost:
        names = comparison_tasks.cost_tasks(arm, seed)
        by_id = {run.id: run for name in names if (run := self.runs.get(name))}
        runs = list(by_id.values())  # stage 1 is both stages if nothing was left
        train_results = [TrainResult.of(run) for run in runs if run.kind == "train"]
        return Cost(
            sum(run.seconds or 0.0 for run in runs),
            sum(result.steps for result in train_results),
            sum(self._tokens(run) for run in runs),
            train_results[-1].forgetting_kl if train_results else None,
        )

    def _tokens(self, run: Run) -> int:
        if run.kind == "train":
            rates = self.store.runs.metrics(run.id, "tokens")
            return round(sum(metric.value for metric in rates))
        return self.store.runs.n_tokens(run.id)

    def rows(
        self, outcomes: Sequence[ArmOutcome], ids: Sequence[int]
    ) -> list[QuestionRow]:
        """Return the questions that all arms were asked, with their answers."""
        return [
            QuestionRow(
                self.quiz[i].question.text,
                self.quiz[i].gold_answer,
                {o.arm: fmean(row[i] for row in o.quiz) for o in outcomes},
                {o.arm: self.texts[o.arm].get(i, "") for o in outcomes},
            )
            for i in ids
        ]
