"""Comparisons whose texts, prompts, samples or model change meanwhile."""

import pytest

from autolearn.core.errors import JobError
from autolearn.core.records import Decision
from autolearn.core.run_settings import PromptSettings
from autolearn.runs import model_references
from autolearn.services import prompt_editor, reading_actions
from autolearn.services.experiments import reports, schedule
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts
from tests.support.experiments import (
    ONE_ARM,
    PretendWorker,
    begun,
    comparing,
    comparison_report,
    names,
    run_of,
)


def test_a_report_stays_as_it_is_when_a_document_is_deleted(library):
    experiment, run = begun(library, comparing(library, **ONE_ARM))
    PretendWorker(library).end_all(run)
    before = reports.values(comparison_report(library, experiment))
    for document in library.library.documents():
        reading_actions.remove(library, document.id)
    assert reports.values(comparison_report(library, experiment)) == before


def test_a_comparison_asks_the_same_questions_after_its_document_was_deleted(library):
    settings = comparing(library, arms=("base", "refined_sft"))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while run.kind != "train":
        run = worker.end(run)
    for document in library.library.documents():
        reading_actions.remove(library, document.id)
    worker.end_all(run)
    states = schedule.states(library, experiment)
    assert all(run_of(state).state == "done" for state in states)
    result = comparison_report(library, experiment).result
    assert (result.n_quiz, result.n_control) == (8, 4)


@pytest.fixture
def prompt_folder(library):
    prompts.use(library.folder / prompts.FOLDER)
    yield library.folder
    prompts.use(None)


def test_prompts_that_are_changed_meanwhile_change_no_arm(library, prompt_folder):
    """Rounds were asked by another prompt than the base model."""
    experiment, run = begun(library, comparing(library, **ONE_ARM))
    worker = PretendWorker(library)
    run = worker.end(run)
    text = prompts.default_text("closed_book").replace("one full sentence", "one word")
    assert prompt_editor.save(prompt_folder, "closed_book", text).is_changed
    worker.end_all(run)
    runs = [run_of(state) for state in schedule.states(library, experiment)]
    first, *others = [PromptSettings.of(run).prompts for run in runs]
    assert others == [first] * 3


def edited(store):
    """Give a sound sample another answer; return the decision."""
    sample = next(s for s in store.samples.find(SampleFilter()) if not s.flags)
    edit = Decision(sample.id, "edit", "person", after={"chosen": "Another answer."})
    (decision,) = store.decisions.decide([edit])
    return decision


def test_an_arm_does_not_learn_samples_that_were_edited_after_the_first_one(library):
    """Arms and seeds were compared that had learned other answers."""
    settings = comparing(library, arms=("refined_sft",), seeds=(0, 1))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while run.kind != "train":
        run = worker.end(run)
    quiz = worker.end(run)
    decision = edited(library)
    with pytest.raises(JobError, match="Change them back and continue"):
        worker.end(quiz)
    library.decisions.undo_batch(decision.id)
    worker.end_all(schedule.resume(library, experiment.id))
    states = schedule.states(library, experiment)
    assert all(run_of(state).state == "done" for state in states)


def test_an_edited_sample_is_noticed_after_an_arm_that_reads_passages(library):
    """Only the first arm was asked, and passages do not show an edited answer."""
    settings = comparing(library, arms=("cpt", "al1"), seeds=(0, 1))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while names(library, experiment)[-1] != "quiz al1, seed 0":
        run = worker.end(run)
    edited(library)
    with pytest.raises(JobError, match="Change them back and continue"):
        worker.end(run)


def test_seeds_that_have_learned_different_items_are_not_measured_as_one_arm(library):
    """A training that waited, or was resumed, learned what was edited meanwhile."""
    settings = comparing(library, arms=("refined_sft",), seeds=(0, 1))
    experiment, run = begun(library, settings)
    worker = PretendWorker(library)
    while names(library, experiment)[-1] != "train refined_sft, seed 1":
        run = worker.end(run)
    edited(library)
    with pytest.raises(JobError, match="refined_sft have learned different items"):
        worker.end(run)


def test_an_experiment_does_not_mix_two_versions_of_a_model(library, monkeypatch):
    """Arms after a change of its files were compared with the base before it."""
    _, run = begun(library, comparing(library, **ONE_ARM))
    monkeypatch.setattr(model_references, "digest", lambda store, model: "other files")
    with pytest.raises(JobError, match="changed since this experiment began"):
        PretendWorker(library).end(run)
