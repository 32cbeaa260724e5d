"""A whole round is a chain of runs, each of which carries what is still to come."""

import pytest

from autolearn.cli import experiment_commands, main
from autolearn.core.errors import AutolearnError, JobError
from autolearn.core.records import Question, Sample
from autolearn.core.run_results import RunResult, TrainResult
from autolearn.core.run_settings import (
    ImportRunSettings,
    PipelineRunSettings,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import queues
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.services import actions, demo_library, pipeline
from autolearn.store import RunFilter
from autolearn.store.samples import SampleFilter
from autolearn.training import presets
from tests.support.rounds import one_round
from tests.support.texts import put_text

MODEL = ModelSettings()


@pytest.fixture
def library_store(store):
    put_text(store, "avel.md", "Avel was founded in 1711.")
    gold = Question(
        "When was Avel founded?", "quiz", "gold", gold_answer="1711.", gold_value="1711"
    )
    store.library.add_questions([gold])
    return store


def end(store, run, result=None):
    """What the worker does when a run has ended well."""
    result = result or RunResult()
    following = pipeline.queue_next(store, run, result)
    store.runs.finish(run.id, "done", None, result.as_dict())
    return following


def studied(store, run):
    def make():
        return [Sample(question.id, "Q?", "A.", "B.", True, 0.9)]

    (question,) = store.library.add_questions([Question("Q?", "study", "person")])
    return store.journal(run.id).step("samples", make)[0]


def test_each_run_queues_the_next_until_the_round_is_whole(library_store):
    study = pipeline.begin(library_store, MODEL, StudySettings(paraphrases=1))
    assert study.kind == "study"
    assert StudyRunSettings.of(study).study.paraphrases == 1
    studied(library_store, study)
    before = end(library_store, study)
    assert ["quiz", "open_book"] in before.settings["parts"]
    train = end(library_store, before)
    assert train.kind == "train"
    assert TrainRunSettings.of(train).study == StudySettings(paraphrases=1)
    assert library_store.samples.find(SampleFilter(state="approved")), (
        "the rule has decided"
    )
    round_ = one_round(library_store, "refined_sft")
    after = end(library_store, train, TrainResult(round=round_.id))
    assert after.settings["model"]["round_id"] == round_.id
    assert after.settings["parts"] == [["quiz", "closed_book"]]
    assert end(library_store, after) is None
    assert library_store.runs.next_in_pipeline(after.id) is None


def test_what_follows_is_queued_once_however_often_a_run_ends(library_store):
    study = pipeline.begin(library_store, MODEL)
    studied(library_store, study)
    first = pipeline.queue_next(library_store, study, RunResult())
    assert pipeline.queue_next(library_store, study, RunResult()) is None
    assert library_store.runs.next_in_pipeline(study.id) == first
    assert len(library_store.runs.in_state("queued")) == 2


def test_what_follows_is_found_however_many_runs_are_newer(library_store):
    study = pipeline.begin(library_store, MODEL)
    studied(library_store, study)
    before = pipeline.queue_next(library_store, study, RunResult())
    for _ in range(60):
        library_store.runs.create("chat", {})
    assert library_store.runs.next_in_pipeline(study.id) == before
    assert pipeline.queue_next(library_store, study, RunResult()) is None
    assert [run.after_id for run in library_store.runs.find(RunFilter(("quiz",)))] == [
        1
    ]


def test_a_run_by_itself_is_followed_by_nothing(library_store):
    run = actions.study(library_store, MODEL, StudySettings())
    assert PipelineRunSettings.of(run).plan is None
    assert end(library_store, run) is None


def test_a_chain_ends_where_nothing_can_be_trained(library_store):
    study = pipeline.begin(library_store, MODEL)
    before = end(library_store, study)
    with pytest.raises(JobError, match="no samples"):
        pipeline.queue_next(library_store, before, RunResult())


def test_stage_2_studies_again_with_the_model_of_stage_1(library_store):
    train = TrainSettings(method="al2", max_steps=100)
    study = pipeline.begin(library_store, MODEL, train=train)
    studied(library_store, study)
    stage_1 = end(library_store, end(library_store, study))
    round_ = one_round(library_store, "al1")
    assert stage_1.settings["train"]["method"] == "al1"
    assert stage_1.settings["train"]["max_steps"] == 50
    again = end(library_store, stage_1, TrainResult(round=round_.id))
    assert (again.kind, again.settings["model"]["round_id"]) == ("study", round_.id)
    while library_store.runs.get(again.id).state == "queued":
        library_store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    stage_2 = pipeline.queue_next(library_store, again, RunResult())
    assert stage_2
    settings = TrainRunSettings.of(stage_2)
    assert settings.train.method == "al2"
    assert settings.parent == round_.id
    assert settings.plan
    assert settings.plan.phases == ("quiz",)


def test_a_round_of_one_step_in_two_stages_takes_one_in_each(library_store):
    """Half of it was 0, which means as many steps as the epochs take."""
    train = TrainSettings(method="al2", max_steps=1)
    study = pipeline.begin(library_store, MODEL, train=train)
    plan = PipelineRunSettings.of(study).plan
    assert plan
    assert [stage.max_steps for stage in plan.trains] == [1, 1]


def test_each_of_two_stages_has_the_learning_rate_of_its_method(
    library_store, monkeypatch
):
    """Preferences were trained at the rate of the answers, ten times their own."""
    monkeypatch.setattr(presets, "preset_for", lambda *_: "small")
    args = main.parser().parse_args(["run", "a.md", "--method", "al2"])
    train = experiment_commands._train_settings(MODEL, args)
    study = pipeline.begin(library_store, MODEL, train=train)
    plan = PipelineRunSettings.of(study).plan
    assert plan
    assert [stage.peak_rate for stage in plan.trains] == [1e-3, 1e-4]


def test_a_new_workspace_is_stocked_with_the_built_in_library(store):
    demo_library.add(store)
    assert len(store.library.documents()) == 8
    assert pipeline.begin(store, MODEL).kind == "study"


def test_a_round_without_texts_is_refused(store):
    with pytest.raises(AutolearnError, match="no text to study"):
        pipeline.begin(store, MODEL)


def test_the_chosen_model_is_remembered_and_one_that_is_not_there_refused(store):
    assert chosen_model(store) == MODEL
    choice = ModelSettings(quantization="none")
    choose_model(store, choice)
    assert chosen_model(store) == choice
    for wrong in (ModelSettings("nowhere"), ModelSettings(round_id=7)):
        with pytest.raises(AutolearnError):
            choose_model(store, wrong)
    assert chosen_model(store) == choice


def test_a_second_whole_round_is_refused_while_one_is_under_way(library_store):
    first = pipeline.begin(library_store, ModelSettings())
    with pytest.raises(JobError, match=r"is queued already \(run 1, study\)"):
        pipeline.refuse_second(library_store)
    following = end(library_store, first)
    assert following
    with pytest.raises(JobError, match=rf"queued already \(run {following.id}, quiz\)"):
        pipeline.refuse_second(library_store)
    library_store.runs.finish(following.id, "failed", "no")
    pipeline.refuse_second(library_store)


def test_a_whole_round_can_begin_while_texts_are_read(library_store):
    """The settings of the import were read as those of a run with a model."""
    library_store.runs.create("import", ImportRunSettings().as_dict())
    assert pipeline.begin_only(library_store, MODEL).kind == "study"
