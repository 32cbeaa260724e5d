"""Compute the results of an evolution from its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from autolearn.core.experiments import EvolveSettings, Experiment
from autolearn.core.quiz_records import QuizMode, QuizResult
from autolearn.core.records import Run, Sample
from autolearn.core.run_results import TrainResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.evaluation import quiz_modes, quiz_sets, statistics
from autolearn.evaluation.arm_statistics import ShareInterval
from autolearn.evaluation.paired_quizzes import change_between
from autolearn.evaluation.quiz import right_answers
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.services.experiments import evolution_tasks, gate, schedule
from autolearn.services.experiments.schedule import TaskState
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter


@dataclass(frozen=True)
class FilterReport:
    """Which answers the model's own check has kept in one round."""

    n: int
    n_kept: int
    n_with_gold: int = 0
    """Answers whose gold is known; the shares below are of these."""
    right_before: float | None = None
    """Share of right first answers."""
    right_kept: float | None = None
    """Share of right answers among those that the filter keeps."""
    agreement: float | None = None
    """Share of clear first verdicts that agree with gold."""


@dataclass(frozen=True)
class EvolutionRow:
    """The model after a round; round 0 is the model before."""

    number: int
    quiz: dict[QuizMode, ShareInterval]
    control: ShareInterval | None
    n_quiz: int
    seconds: float = 0.0
    items: int = 0
    forgetting_kl: float | None = None
    filter: FilterReport | None = None
    change: ShareInterval | None = None
    """Of the closed-book quiz since the round before."""
    p: float | None = None
    keeps: bool | None = None
    """The proposal of the gate."""


@dataclass(frozen=True)
class EvolutionReport:
    """The results of an evolution so far."""

    experiment: Experiment
    settings: EvolveSettings
    tasks: tuple[TaskState, ...]
    rows: tuple[EvolutionRow, ...]
    ended_by_gate: bool

    @property
    def n_done(self) -> int:
        """Return how many tasks are done."""
        return schedule.n_done(self.tasks)

    @property
    def modes(self) -> tuple[QuizMode, ...]:
        """Return the ways in which the quiz was asked."""
        modes = {mode for row in self.rows for mode in row.quiz}
        return tuple(mode for mode in quiz_modes.MODES if mode in modes)

    @property
    def sentence(self) -> str:
        """Return whether the quiz rose from round to round, and what ended it."""
        changes = [row.change for row in self.rows if row.change]
        if not changes:
            return "No round has been measured yet."
        rises = sum(change.low > 0 for change in changes)
        falls = sum(change.high < 0 for change in changes)
        end = ""
        if self.ended_by_gate:
            end = f" The gate ended it after round {self.rows[-1].number}."
        return (
            f"“Accuracy rises from round to round” holds for {rises} of {len(changes)} "
            f"rounds (interval above zero); {falls} fell, "
            f"{len(changes) - rises - falls} undecided.{end}"
        )


def report(store: Store, experiment: Experiment) -> EvolutionReport:
    """Return the results of an evolution so far."""
    settings = EvolveSettings.from_dict(experiment.settings)
    tasks = schedule.states(store, experiment)
    runs = {t.name: t.run for t in tasks if t.run and t.run.state == "done"}
    reader = _RoundReader(store, settings, runs)
    rows = tuple(reader.row(t) for t in range(len(reader.quizzes)))
    is_over = ended_by_gate(store, experiment, tasks)
    return EvolutionReport(experiment, settings, tuple(tasks), rows, is_over)


def ended_by_gate(
    store: Store, experiment: Experiment, tasks: Sequence[TaskState]
) -> bool:
    """Return whether the gate has ended an evolution before its last round.

    Reads the quizzes before and after its last round alone: the list of experiments
    asks it of each at every redraw.
    """
    settings = EvolveSettings.from_dict(experiment.settings)
    begun_runs = {task.name: task.run for task in tasks if task.run}
    finished_runs = {
        name: run.id for name, run in begun_runs.items() if run.state == "done"
    }
    for t in range(1, settings.rounds):
        is_next = evolution_tasks.study_task(t + 1) not in begun_runs
        if is_next and evolution_tasks.quiz_task(t) in finished_runs:
            return evolution_tasks.gate_ends(store, settings, t, finished_runs)
    return False


class _RoundReader:
    """Reads the rows of an evolution from finished runs."""

    def __init__(
        self, store: Store, settings: EvolveSettings, runs: dict[str, Run]
    ) -> None:
        self.store, self.settings, self.runs = store, settings, runs
        self.quizzes = self._finished_quizzes()
        """The answers after each round that was measured, from round 0 on."""
        self.quiz = quiz_sets.measured(store, "quiz", self.quizzes)
        self.control = quiz_sets.measured(store, "control", self.quizzes)

    def _finished_quizzes(self) -> list[list[QuizResult]]:
        names = map(evolution_tasks.quiz_task, range(self.settings.rounds + 1))
        finished = takewhile(self.runs.__contains__, names)
        return [self.store.runs.quiz_results(self.runs[name].id) for name in finished]

    def row(self, t: int) -> EvolutionRow:
        """Return how the model answers after round ``t``, and what was trained."""
        results = self.quizzes[t]
        shares = {
            mode: share
            for mode in quiz_modes.MODES
            if (share := _share(results, mode, self.quiz))
        }
        control = _share(results, "closed_book", self.control)
        n_quiz = len(right_answers(results, "closed_book", self.quiz))
        row = EvolutionRow(t, shares, control, n_quiz)
        return self._trained(row) if t else row

    def _trained(self, row: EvolutionRow) -> EvolutionRow:
        """Return the row of a round with what it was trained on and has changed."""
        before, after = self.quizzes[row.number - 1], self.quizzes[row.number]
        training = self.runs[evolution_tasks.train_task(row.number)]
        study = self.runs[evolution_tasks.study_task(row.number)]
        counts = TrainResult.of(training)
        quiz = change_between(before, after, self.quiz.values())
        control = change_between(before, after, self.control.values())
        return replace(
            row,
            seconds=sum(run.seconds or 0.0 for run in (study, training)),
            items=counts.items,
            forgetting_kl=counts.forgetting_kl,
            filter=_filtered(self.store, study, training),
            change=ShareInterval(quiz.change, *quiz.interval) if quiz.n else None,
            p=quiz.p if quiz.n else None,
            keeps=gate.passes(quiz, control, self.settings.margin),
        )


def _share(
    results: Sequence[QuizResult], mode: QuizMode, questions: Mapping[int, QuizQuestion]
) -> ShareInterval | None:
    right = right_answers(results, mode, questions).values()
    if not right:
        return None
    low, high = statistics.wilson(sum(right), len(right))
    return ShareInterval(sum(right) / len(right), low, high)


def _filtered(store: Store, study: Run, training: Run) -> FilterReport:
    """Return what the filter has kept of a study, compared with known answers.

    Kept is what the round was trained on, whatever a person has rejected since.
    """
    found = store.samples.find(SampleFilter(run_id=study.id))
    samples = [sample for sample in found if sample.passage_id is None]
    trained_ids = set(TrainRunSettings.of(training).samples or ())
    kept_ids = {sample.id for sample in samples} & trained_ids
    questions = store.library.questions(
        QuestionFilter(ids=[sample.question_id for sample in samples])
    )
    gold = {q.id: q for q in questions if q.gold_answer}
    with_gold = [sample for sample in samples if sample.question_id in gold]

    def right(sample: Sample, text: str) -> bool:
        question = gold[sample.question_id]
        answer, value = question.gold_answer or "", question.gold_value or ""
        return QuizQuestion(question, answer, value).is_right(text)

    first = [right(sample, sample.rejected) for sample in with_gold]
    chosen_right = [right(s, s.chosen) for s in with_gold if s.id in kept_ids]
    critique_ids = [sample.critique_id or 0 for sample in with_gold]
    verdicts = store.samples.verdicts(critique_ids)
    agreements = [
        is_right == (verdicts[i] == "correct")
        for is_right, i in zip(first, critique_ids, strict=True)
        if verdicts.get(i, "unclear") != "unclear"
    ]
    return FilterReport(
        len(samples),
        len(kept_ids),
        len(with_gold),
        _mean(first),
        _mean(chosen_right),
        _mean(agreements),
    )


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
