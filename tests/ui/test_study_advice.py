"""What a study that has ended advises, by its results and its model."""

import pytest

from autolearn.core.records import Metric, Question, Round
from autolearn.core.settings import ModelSettings
from autolearn.runs import queues
from autolearn.ui.views import skills, study
from tests.support.faust import MODEL
from tests.support.faust_samples import studied


def test_the_end_of_a_study_says_how_much_may_be_learned_and_what_to_do(store, library):
    _, passages = library
    studied(store, passages[0])
    put_model(store, ModelSettings("/models/1B"))
    run = store.runs.claim(1, queues.MODEL_QUEUE.kinds)
    result = {"samples": 9, "gaps": 9, "flags": {"disputed": 9, "no_evidence": 8}}
    store.runs.finish(run.id, "done", result=result | {"approvable": 1})
    markup = study.newest(store, only_last=True)
    assert "9 samples, 9 of them with a gap; the default rule would" in markup
    # The rule approves disputed samples.
    assert "Most frequent obstacles: no evidence (8)." in markup
    assert "teach it the skills first" in markup.partition("al-warning")[2]
    store.runs.save_partial_result(run.id, result | {"approvable": 6})
    assert "teach it the skills" not in study.newest(store, only_last=True)
    skipped = {"approvable": 6, "skipped": 10}
    store.runs.save_partial_result(run.id, result | skipped)
    markup = study.newest(store, only_last=True)
    assert "10 more gave no sample; see “Skipped” below." in markup
    # Not that it reads poorly: most of what it asked may be approved.
    assert f"{study.FEW_QUESTIONS}teach it the skills first" in markup


def test_a_study_that_adds_no_quiz_question_says_so(store, library):
    """Such questions were looked for under Evaluation."""
    _, passages = library
    told = "This study added no question to the quiz"
    for quick, reason in ((True, ", since a quick study writes"), (False, ";")):
        run = store.runs.create("study", {"study": {"quick": quick}})
        store.runs.finish(run.id, "done", result={"samples": 1, "passages": 1})
        # A locked quiz takes none.
        store.runs.add_metrics(run.id, [Metric(0, "quiz_share", 0.0)])
        assert told not in study.newest(store, only_last=True)
        store.runs.add_metrics(run.id, [Metric(0, "quiz_share", 0.1)])
        assert told + reason in study.newest(store, only_last=True)
    wording = Question("Who has written Faust?", "quiz", "paraphrase", passages[0].id)
    store.journal(run.id).step("wording", lambda: [wording])
    assert told not in study.newest(store, only_last=True)


def put_model(store, model, digest=None):
    """Let the newest run, which has not begun, be one with this model."""
    (run,) = store.runs.newest(1)
    values = {"model": model.as_dict(), "model_digest": digest}
    store.runs.change_settings(run.id, values)
    return run


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("built-in", "choose an instruct model (Model)"),
        ("http://127.0.0.1:1/v1#1B", "choose a larger model."),
        ("/models/1B", "teach it the skills first"),
    ],
)
def test_a_weak_model_is_advised_to_do_what_it_can_do(store, library, name, advice):
    """The built-in one and one on a server were to be taught the skills."""
    store.runs.create("study", {})
    run = put_model(store, ModelSettings(name))
    weak = {"samples": 9, "gaps": 9, "approvable": 0}
    store.runs.finish(run.id, "done", result=weak)
    _, _, warning = study.newest(store, only_last=True).partition("al-warning")
    assert advice in warning
    store.runs.finish(run.id, "done", result={})
    assert f"To do better, {advice}" in study.newest(store, only_last=True)


def test_a_model_that_was_taught_is_not_to_be_taught_again(store, library, monkeypatch):
    """The advice led in a circle."""
    training = store.runs.create("train", {})
    taught = store.rounds.create(
        Round("meta", training.id, {}, MODEL, state="trained"), []
    )
    sentences = {
        None: f"use the adapter of round {taught.id}",
        taught.id: "To do better, choose a larger model.",
    }
    for round_id, sentence in sentences.items():
        store.runs.create("study", {})
        model = ModelSettings("/models/1B", round_id=round_id)
        run = put_model(store, model, "d1")
        store.runs.finish(run.id, "done", result={})
        assert sentence in study.newest(store, only_last=True)
    assert skills.unchecked(taught.id) in study.newest(store, only_last=True)
    store.runs.create("study", {})
    run = put_model(store, ModelSettings("/models/1B"), "d1")
    store.runs.finish(run.id, "done", result={})
    in_use = ModelSettings("/models/1B", round_id=taught.id)
    assert skills.unchecked(taught.id) not in study.newest(store, only_last=True)
    monkeypatch.setattr(study, "chosen_model", lambda _: in_use)
    advice = f"study again with round {taught.id}, which has learned the skills"
    assert advice in study.newest(store, only_last=True)
    store.rounds.set_state(taught.id, "rolled_back")
    store.runs.create("study", {})
    run = put_model(store, ModelSettings("/models/1B"), "d1")
    store.runs.finish(run.id, "done", result={})
    assert "teach it the skills first" in study.newest(store, only_last=True)
