"""Read the results of an evolution out of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from autolearn.core.experiments import EvolveSettings, Experiment
from autolearn.core.records import QuizMode, QuizResult, Run, Sample, Split
from autolearn.core.run_results import TrainResult
from autolearn.evaluation import gold_questions, quiz_modes, statistics
from autolearn.evaluation.arms import ShareInterval
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.services.experiments import evolution, gate, schedule
from autolearn.services.experiments.schedule import TaskState
from autolearn.store import Store
from autolearn.store.library import QuestionFilter


@dataclass(frozen=True)
class FilterReport:
    """What the model's own check has kept of its answers, in one round."""

    n: int
    n_kept: int
    n_with_gold: int = 0
    """Answers whose gold is known; the shares below are of these."""
    right_before: float | None = None
    """Share of right first answers."""
    right_kept: float | None = None
    """Share of right answers among those that the filter keeps."""
    agreement: float | None = None
    """Share of first verdicts that agree with gold."""


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
    """What the gate proposes."""


@dataclass(frozen=True)
class EvolutionReport:
    """An evolution as far as it has come."""

    experiment: Experiment
    settings: EvolveSettings
    tasks: tuple[TaskState, ...]
    rows: tuple[EvolutionRow, ...]

    @property
    def n_done(self) -> int:
        """Return how many tasks are done."""
        return schedule.n_done(self.tasks)

    @property
    def modes(self) -> tuple[QuizMode, ...]:
        """Return the ways in which the quiz was asked."""
        asked = {mode for row in self.rows for mode in row.quiz}
        return tuple(mode for mode in quiz_modes.MODES if mode in asked)

    @property
    def sentence(self) -> str:
        """Return whether the quiz rose from round to round."""
        changes = [row.change for row in self.rows if row.change]
        if not changes:
            return "No round has been measured yet."
        rises = sum(change.low > 0 for change in changes)
        falls = sum(change.high < 0 for change in changes)
        return (
            f"“Accuracy rises from round to round” holds for {rises} of {len(changes)} "
            f"rounds (interval above zero); {falls} fell, "
            f"{len(changes) - rises - falls} are not decided."
        )


def report(store: Store, experiment: Experiment) -> EvolutionReport:
    """Return what an evolution has shown so far."""
    settings = EvolveSettings.from_dict(experiment.settings)
    tasks = schedule.states(store, experiment)
    runs = {t.name: t.run for t in tasks if t.run and t.run.state == "done"}
    rows: list[EvolutionRow] = []
    before: list[QuizResult] = []
    for t in range(settings.rounds + 1):
        quizzed = runs.get(evolution.quiz_task(t))
        if quizzed is None:
            break
        results = store.runs.quiz_results(quizzed.id)
        rows.append(_row(store, settings, runs, t, (before, results)))
        before = results
    return EvolutionReport(experiment, settings, tuple(tasks), tuple(rows))


def _row(
    store: Store,
    settings: EvolveSettings,
    runs: dict[str, Run],
    t: int,
    results: tuple[list[QuizResult], list[QuizResult]],
) -> EvolutionRow:
    before, after = results
    shares = {
        mode: share
        for mode in quiz_modes.MODES
        if (share := _share(store, after, "quiz", mode))
    }
    control = _share(store, after, "control", "closed_book")
    n_quiz = len(_right(store, after, "quiz", "closed_book"))
    if not t:
        return EvolutionRow(0, shares, control, n_quiz)
    trained = runs[evolution.train_task(t)]
    studied = runs[evolution.study_task(t)]
    counts = TrainResult.of(trained)
    change, p = _change(store, before, after)
    return EvolutionRow(
        t,
        shares,
        control,
        n_quiz,
        sum(run.seconds or 0.0 for run in (studied, trained)),
        counts.items,
        counts.forgetting_kl,
        _filtered(store, studied.id),
        change,
        p,
        gate.passes(store, before, after, settings.margin),
    )


def _right(
    store: Store, results: Sequence[QuizResult], split: Split, mode: QuizMode
) -> dict[int, bool]:
    ids = {q.question.id for q in gold_questions.measured_by(store, split)}
    return {
        r.question_id: r.right
        for r in results
        if r.mode == mode and r.question_id in ids
    }


def _share(
    store: Store, results: Sequence[QuizResult], split: Split, mode: QuizMode
) -> ShareInterval | None:
    right = list(_right(store, results, split, mode).values())
    if not right:
        return None
    low, high = statistics.wilson(sum(right), len(right))
    return ShareInterval(sum(right) / len(right), low, high)


def _change(
    store: Store, before: Sequence[QuizResult], after: Sequence[QuizResult]
) -> tuple[ShareInterval | None, float | None]:
    was, now = (_right(store, rows, "quiz", "closed_book") for rows in (before, after))
    ids = was.keys() & now.keys()
    if not ids:
        return None, None
    up = sum(now[i] and not was[i] for i in ids)
    down = sum(was[i] and not now[i] for i in ids)
    interval = statistics.paired(up, down, len(ids))
    return ShareInterval((up - down) / len(ids), *interval), statistics.mcnemar(
        up, down
    )


def _filtered(store: Store, run_id: int) -> FilterReport:
    """Return what the filter has kept of a study, held against known answers."""
    samples = evolution.answered(store, run_id)
    kept = {sample.id for sample in evolution.passed(store, run_id)}
    questions = store.library.questions(
        QuestionFilter(ids=[sample.question_id for sample in samples])
    )
    gold = {q.id: q for q in questions if q.gold_answer}
    known = [sample for sample in samples if sample.question_id in gold]

    def right(sample: Sample, text: str) -> bool:
        question = gold[sample.question_id]
        answer, value = question.gold_answer or "", question.gold_value or ""
        return QuizQuestion(question, answer, value).is_right(text)

    first = [right(sample, sample.rejected) for sample in known]
    chosen = [right(s, s.chosen) for s in known if s.id in kept]
    agreed = [r != sample.gap for r, sample in zip(first, known, strict=True)]
    return FilterReport(
        len(samples),
        len(kept),
        len(known),
        _mean(first),
        _mean(chosen),
        _mean(agreed),
    )


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
