"""A finished run does a task of an experiment only if it read what a new one would."""

from typing import Any

from autolearn.core.experiments import EvolveSettings
from autolearn.core.records import Decision, Metric, Question
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation.skill_report import (
    SHARES,
    RightCount,
    SkillReport,
    VerdictSkill,
)
from autolearn.services.experiments import evolution_tasks, schedule
from tests.support.experiments import ONE_ARM, PretendWorker, begun, comparing, orders
from tests.support.rounds import own_digest
from tests.support.texts import put_text

GOOD = RightCount(9, 10)


def ended(store, settings):
    """Do a whole comparison."""
    _, run = begun(store, settings)
    PretendWorker(store).end_all(run)


def sound_samples(store):
    return [sample for sample in store.samples.find() if not sample.flags]


def test_documents_are_studied_again_after_a_passage_was_excluded(library):
    """The old study was taken, with samples of the passage that had been excluded."""
    documents = tuple(document.id for document in library.library.documents())
    settings = comparing(library, documents=documents, placebo=(), **ONE_ARM)
    ended(library, settings)
    last = library.library.passages()[-1]
    library.library.set_excluded([last.id], excluded=True)
    _, run = begun(library, settings)
    assert run.kind == "study"


def test_documents_are_studied_again_after_a_skill_check_that_guides_otherwise(library):
    """The samples of a model that was then found to be unreliable were taken."""

    def check(questions, threshold):
        shares: dict[str, Any] = dict.fromkeys(SHARES, GOOD) | {"questions": questions}
        about = ("built-in", own_digest(), "nf4", "guided", None)
        verdicts = VerdictSkill(0.9, 60, 60, threshold, GOOD)
        report = SkillReport(*about, **shares, verdicts=verdicts)
        number = library.runs.create("skills", {}).id
        library.skills.add(number, report.as_dict())
        library.runs.finish(number, "done")

    guided = StudySettings(quiz_share=0.0, protocol="guided")
    settings = comparing(library, study=guided, **ONE_ARM)
    ended(library, settings)
    check(GOOD, 0.5)
    assert begun(library, settings)[1] is None, "it guides as no check does"
    check(GOOD, 0.62)
    _, run = begun(library, settings)
    assert run.kind == "study"
    library.runs.add_metrics(run.id, [Metric(0, "verdict_threshold", 0.62)])
    PretendWorker(library).end_all(run)
    assert begun(library, settings)[1] is None, "it was guided by this check"
    check(RightCount(4, 40), 0.62)
    _, run = begun(library, settings)
    assert run.kind == "study"


def test_instructions_are_answered_again_after_one_was_added(library):
    def evolve():
        settings = EvolveSettings(
            ModelSettings(), StudySettings(), TrainSettings(), rounds=1
        )
        experiment = evolution_tasks.begin(library, settings)
        return schedule.advance(library, experiment.id)

    library.library.add_questions([Question("Add 1.", "study", "person")])
    PretendWorker(library).end_all(evolve())
    assert evolve() is None, "nothing has changed"
    library.library.add_questions([Question("Add 2.", "study", "person")])
    assert evolve().kind == "study"


def test_a_round_is_trained_again_after_a_sample_was_edited(library):
    """Its settings name the sample by its id alone."""
    settings = comparing(library, **ONE_ARM)
    ended(library, settings)
    edits = [
        Decision(sample.id, "edit", "person", after={"chosen": "It says more."})
        for sample in sound_samples(library)
    ]
    library.decisions.decide(edits)
    _, run = begun(library, settings)
    assert run.kind == "train"


def test_retrieval_is_asked_again_after_a_text_was_added(library):
    """The arm was judged by what it had found without the text."""
    settings = comparing(library, arms=("retrieval", "refined_sft"), seeds=(0,))
    ended(library, settings)
    put_text(library, "c.md", "c.md was founded in 1713.")
    _, run = begun(library, settings)
    assert run.kind == "quiz"


def test_a_rejection_meanwhile_changes_no_arm(library):
    """Later arms and seeds learned other samples than the first one."""
    settings = comparing(library, arms=("al1", "refined_sft"))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while run.kind != "train":
        run = worker.end(run)
    run = worker.end(run)
    rejections = [Decision(s.id, "reject", "person") for s in sound_samples(library)]
    library.decisions.decide(rejections)
    worker.end_all(run)
    rounds = orders(library, experiment, "train")
    assert len(rounds) == 4
    assert len({order.samples for order in rounds}) == 1
