"""Plays the worker for the runs of an experiment: every run ends well, at once."""

from autolearn.core.experiments import ARMS, CompareSettings, Experiment
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import (
    Answer,
    Feedback,
    Question,
    Round,
    Run,
    Sample,
    Verdict,
)
from autolearn.core.run_results import RunResult, StudyResult, TrainResult
from autolearn.core.run_settings import (
    QuizRunSettings,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import quiz_versions
from autolearn.rounds.sources import collect
from autolearn.services import pipeline
from autolearn.services.experiments import comparison_tasks, reports, schedule
from autolearn.services.experiments.comparison_report import ComparisonReport
from autolearn.services.experiments.evolution_report import EvolutionReport
from autolearn.services.experiments.schedule import TaskState
from autolearn.store import Store
from tests.support.rounds import own_digest

ONE_ARM = {"seeds": (0,), "arms": ("refined_sft",)}


def comparing(store, **changes):
    """The settings of a comparison on the first of two documents."""
    first, second = (document.id for document in store.library.documents())
    return CompareSettings(
        **{
            "model": ModelSettings(),
            "study": StudySettings(quiz_share=0.0),
            "train": TrainSettings(),
            "documents": (first,),
            "placebo": (second,),
            "arms": tuple(ARMS),
            "seeds": (0, 1),
            "corpora": tuple(corpus.id for corpus in store.corpora.all()),
            **changes,
        }
    )


def begun(store, settings):
    """Begin a comparison; return it with its first run, if one has to be done."""
    experiment = comparison_tasks.begin(store, settings)
    return experiment, schedule.advance(store, experiment.id)


def run_of(state: TaskState) -> Run:
    """Return the run of a task that has begun."""
    assert state.run is not None, state.name
    return state.run


def comparison_report(store: Store, experiment: Experiment) -> ComparisonReport:
    """Return what a comparison has shown so far."""
    report = reports.report(store, experiment.id)
    assert isinstance(report, ComparisonReport)
    return report


def evolution_report(store: Store, experiment: Experiment) -> EvolutionReport:
    """Return what an evolution has shown so far."""
    report = reports.report(store, experiment.id)
    assert isinstance(report, EvolutionReport)
    return report


def knows(round_id, question_id):
    """Which questions a model answers: the base some, each round one more."""
    return question_id % 4 < (1 if round_id is None else 2)


class PretendWorker:
    """Ends runs; ``right(round_id, question_id)`` says how quizzes go."""

    def __init__(self, store, right=knows):
        self.store, self.right = store, right
        self.done = []

    def end(self, run):
        """Do a run and return what follows on it."""
        result = self.do(run)
        following = pipeline.queue_next(self.store, run, result)
        self.store.runs.finish(run.id, "done", None, result.as_dict())
        self.done.append(run.id)
        return following or self._queued()

    def do(self, run):
        """Do a run and return its result."""
        do = {"study": self._study, "train": self._train, "quiz": self._quiz}
        return do[run.kind](run)

    def end_all(self, run):
        """Do runs until none is queued."""
        while run:
            run = self.end(run)

    def _queued(self):
        return next(iter(self.store.runs.in_state("queued")), None)

    def _step(self, run, name, records):
        return self.store.journal(run.id).step(name, lambda: records)

    def _study(self, run):
        settings = StudyRunSettings.of(run)
        if settings.instructions:
            self._answer_instructions(run, settings)
        passages = self.store.library.passages(settings.documents)
        for passage in passages:
            text = f"What does passage {passage.id} say?"
            (q,) = self._step(
                run, f"q{passage.id}", [Question(text, "study", "model", passage.id)]
            )
            sample = Sample(q.id, q.text, "It says so.", "No.", True, 0.9, passage.id)
            bad_sample = Sample(
                q.id,
                f"{text} Why?",
                "So.",
                "No.",
                True,
                0.9,
                passage.id,
                flags=("no_evidence",),
            )
            self._step(run, f"s{passage.id}", [sample, bad_sample])
        return StudyResult(passages=len(passages))

    def _answer_instructions(self, run, settings):
        questions = self.store.library.instructions()
        if settings.new_instructions:
            questions = self._step(
                run,
                "new",
                [
                    Question(f"Count to {run.id}{i}.", "study", "model")
                    for i in range(settings.new_instructions)
                ],
            )
        for i, q in enumerate(questions):
            (a,) = self._step(run, f"a{q.id}", [Answer(q.id, "closed_book", "7")])
            verdict: Verdict = "incorrect" if i % 2 else "correct"
            (f,) = self._step(
                run, f"f{q.id}", [Feedback(a.id, "critique", "…", verdict, 0.5)]
            )
            sample = Sample(
                q.id,
                q.text,
                "7",
                "7",
                i % 2 == 1,
                0.5,
                closed_answer_id=a.id,
                critique_id=f.id,
            )
            self._step(run, f"s{q.id}", [sample])

    def _train(self, run):
        round_ = self.store.rounds.create(
            Round(
                "refined_sft",
                run.id,
                run.settings,
                ModelIdentity("built-in", own_digest(), "nf4", "", ""),
                run.settings.get("parent"),
                state="trained",
                adapter=f"adapters/{run.id}",
            ),
            collect(self.store, TrainRunSettings.of(run)).build().items,
        )
        (self.store.folder / round_.adapter).mkdir(parents=True)
        return TrainResult(round=round_.id, steps=5, forgetting_kl=0.1)

    def _quiz(self, run):
        settings = QuizRunSettings.of(run)
        round_id = settings.model.round_id
        for split, mode in settings.parts:
            questions = quiz_versions.questions_of(self.store, settings, split)
            if mode == "open_book":
                questions = [q for q in questions if q.passage]
            rows = []
            for q in questions:
                right = mode == "open_book" or self.right(round_id, q.question.id)
                rows.append(
                    QuizResult(
                        q.question.id,
                        mode,
                        q.gold_answer if right else "text",
                        right,
                        right,
                        1.0 * right,
                        round_id=round_id,
                    )
                )
            self._step(run, f"{split} {mode}", rows)
        return RunResult()


def gold(text, split="quiz", passage_id=None):
    return Question(text, split, "gold", passage_id, gold_answer="7", gold_value="7")


def names(store, experiment):
    return [s.name for s in schedule.states(store, experiment) if s.run]


def orders(store, experiment, word):
    """The settings of the trainings whose task has a word in its name."""
    return [
        TrainRunSettings.of(run_of(state))
        for state in schedule.states(store, experiment)
        if word in state.name and run_of(state).kind == "train"
    ]
