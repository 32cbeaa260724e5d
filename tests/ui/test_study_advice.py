"""What a study that has ended advises, by its results and its model."""

import pytest

from autolearn.core.records import Answer, Metric, Question, Round
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


TOLD = "This study added no question to the quiz, since "


@pytest.mark.parametrize(
    ("settings", "asks", "reason"),
    [
        ({"quick": True}, True, "a quick study writes no other wordings;"),
        ({"paraphrases": 0}, True, "its settings ask for no paraphrases;"),
        ({}, False, "it asked no question about a text;"),
        ({"quiz_share": 1e-9}, True, "the questions chosen for it were unfit or had"),
        ({"quiz_share": 1.0}, True, "the questions chosen for it were unfit or had"),
    ],
)
def test_a_study_that_adds_no_quiz_question_says_why(
    store, library, settings, asks, reason
):
    """Such questions were looked for under Evaluation; only a quick study said why."""
    _, passages = library
    run = store.runs.create("study", {"study": settings})
    question = Question("Who wrote Faust?", "study", "model", passages[0].id)
    store.journal(run.id).step("ask", lambda: [question] * asks)
    store.runs.finish(run.id, "done", result={"samples": 1, "passages": 1})
    # A locked quiz takes none.
    store.runs.add_metrics(run.id, [Metric(0, "quiz_share", 0.0)])
    assert TOLD not in study.newest(store, only_last=True)
    store.runs.add_metrics(run.id, [Metric(0, "quiz_share", 0.1)])
    assert TOLD + reason in study.newest(store, only_last=True)


@pytest.mark.parametrize(
    ("flags", "is_told"), [(("other_meaning",), True), ((), False)]
)
def test_a_wording_that_lost_the_meaning_is_no_quiz_question(
    store, library, flags, is_told
):
    """Of a study that gave only such wordings, nothing was said."""
    _, passages = library
    run = store.runs.create("study", {"study": {}})
    journal, passage_id = store.journal(run.id), passages[0].id
    question = Question("Who wrote Faust?", "study", "model", passage_id)
    (parent,) = journal.step("ask", lambda: [question])
    new = Question("Who was Faust?", "quiz", "paraphrase", passage_id, parent.id)
    (wording,) = journal.step("reword", lambda: [new])
    answers = [
        Answer(parent.id, "open_book", "Goethe"),
        Answer(wording.id, "open_book", "Goethe", flags=flags),
    ]
    journal.step("answer", lambda: answers)
    store.runs.finish(run.id, "done", result={"samples": 1, "passages": 1})
    store.runs.add_metrics(run.id, [Metric(0, "quiz_share", 0.1)])
    reason = "none of its 1 new wording for it kept the meaning"
    assert (TOLD + reason in study.newest(store, only_last=True)) == is_told


@pytest.mark.parametrize(("in_study", "is_told"), [(True, False), (False, True)])
def test_no_gold_questions_are_asked_for_where_the_quiz_has_some(
    store, library, in_study, is_told
):
    """They were, beside gold questions about the studied text."""
    _, passages = library
    gold = Question(
        "Who wrote Faust?", "quiz", "gold", passages[0].id, gold_answer="Goethe"
    )
    store.library.add_questions([gold])
    document = passages[0].document_id
    documents = [document if in_study else document + 1]
    settings = {"study": {"quick": True}, "documents": documents}
    run = store.runs.create("study", settings)
    store.runs.finish(run.id, "done", result={"samples": 1, "passages": 1})
    store.runs.add_metrics(run.id, [Metric(0, "quiz_share", 0.1)])
    assert (TOLD in study.newest(store, only_last=True)) == is_told


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


def test_a_model_that_was_taught_is_not_to_be_taught_first(store, library, monkeypatch):
    """The advice led in a circle."""
    training = store.runs.create("train", {})
    taught = store.rounds.create(
        Round("meta", training.id, {}, MODEL, state="trained"), []
    )
    sentences = {
        None: f"use the adapter of round {taught.id}",
        taught.id: skills.unchecked(taught.id),
    }
    for round_id, sentence in sentences.items():
        store.runs.create("study", {})
        model = ModelSettings("/models/1B", round_id=round_id)
        run = put_model(store, model, "d1")
        store.runs.finish(run.id, "done", result={})
        assert sentence in study.newest(store, only_last=True)
    weak = {"samples": 9, "gaps": 9, "approvable": 0}
    for result in ({}, weak):  # an unchecked round gets no other note
        store.runs.save_partial_result(run.id, result)
        markup = study.newest(store, only_last=True)
        assert skills.unchecked(taught.id) in markup
        assert study.TOO_WEAK not in markup
        assert "To do better" not in markup
    checked = ModelSettings("/models/1B", round_id=taught.id).as_dict()
    check = store.runs.create("skills", {"model": checked})
    markup = study.newest(store, only_last=True)
    assert f"are being checked (run {check.id}, queued)" in markup
    assert skills.unchecked(taught.id) not in markup
    report = {"model_digest": "d1", "quantization": "nf4", "protocol": "guided"}
    store.skills.add(run.id, report | {"round_id": taught.id})
    markup = study.newest(store, only_last=True)
    assert skills.unchecked(taught.id) not in markup
    assert f"{study.TOO_WEAK}{skills.ANOTHER_CORPUS}; until then" in markup
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
