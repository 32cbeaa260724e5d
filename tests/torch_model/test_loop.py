"""The whole loop on the real built-in model, in a real file.

The worker runs in this process; in ``test_stopping.py``, ``tests/process`` and
``tests/browser`` it has its own.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Decision
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.engine import merging
from autolearn.engine.trainer.adapter_scale import ScaleMeasurement, smallest_sufficient
from autolearn.evaluation import paired_quizzes, quiz_sets
from autolearn.models import files as model_files
from autolearn.models.protocols import study_protocol
from autolearn.services import actions, export_actions, gold_actions
from autolearn.services.demo_library import LIBRARY
from autolearn.store.samples import SampleFilter
from autolearn.text import model_output
from autolearn.training import replay
from tests.support.labs import (
    MODEL,
    STUDY,
    TRAIN,
    finish_here,
    open_library,
    rows,
    work_here,
)

pytestmark = pytest.mark.torch_model


def write_some(name, folder, n):
    """Write the first questions of a file of the library, and return its copy."""
    lines = (LIBRARY / name).read_text().splitlines()[:n]
    (folder / name).write_text("\n".join(lines))
    return folder / name


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A workspace in which everything was done once."""
    folder = tmp_path_factory.mktemp("lab")
    with open_library(folder) as store:
        # Those on the two documents that are studied, and some on the next.
        gold_actions.add_gold(store, write_some("quiz.jsonl", folder, 32), "quiz")
        gold_actions.add_gold(store, write_some("control.jsonl", folder, 20), "control")
        finish_here(store, actions.quiz(store, MODEL, open_book=True))
        finish_here(store, actions.study(store, MODEL, STUDY))
        actions.approve(store, "default")
        finish_here(store, actions.train(store, MODEL, TRAIN))
        finish_here(store, actions.quiz(store, ModelSettings(round_id=1)))
        yield store


@pytest.fixture(scope="module")
def whole(lab):
    """A round on the weights as they are, which merged ones are too.

    After so short a round most answers change with the rounding to 4 bit.
    """
    base, short = ModelSettings(quantization="none"), replace(TRAIN, max_steps=20)
    return finish_here(lab, actions.train(lab, base, short)).result["round"]


def test_the_study_finds_gaps_and_evidence(lab):
    samples = lab.samples.find()
    assert len(samples) >= 6
    assert sum(s.gap for s in samples) >= len(samples) / 2
    view = lab.samples.view(samples[0].id)
    open_answer = view.answer(samples[0].open_answer_id)
    answers = [a for v in lab.samples.views(samples) for a in v.answers if a.start]
    text = "".join(p.text for p in lab.library.passages([view.document.id]))
    assert open_answer is not None
    assert len(answers) > len(samples) / 2
    if open_answer.start is not None:
        assert model_output.is_not_stated(open_answer.text) is False
        assert text[open_answer.start : open_answer.end].strip()


def test_provenance_is_complete(lab):
    missing = rows(
        lab,
        "SELECT q.id FROM questions q LEFT JOIN generations g ON g.id = generation_id"
        " WHERE origin <> 'gold' AND (g.id IS NULL OR prompt_digest = '' OR raw = ''"
        " OR model_digest = '' OR q.run_id IS NULL OR q.passage_id IS NULL)",
    )
    assert missing == []
    digests = rows(lab, "SELECT DISTINCT model_digest FROM generations")
    assert digests == [(model_files.digest(model_files.BUILT_IN),)]
    assert rows(lab, "SELECT count(*) FROM answers WHERE generation_id IS NULL") == [
        (0,)
    ]


def test_every_sample_that_was_trained_has_a_decision(lab):
    untold = rows(
        lab,
        "SELECT sample_id FROM round_items WHERE sample_id IS NOT NULL AND sample_id"
        " NOT IN (SELECT sample_id FROM decisions WHERE action = 'approve')",
    )
    assert untold == []


def test_nothing_of_the_quiz_is_trained(lab):
    quiz_texts = {q.question.text for q in quiz_sets.questions(lab, "quiz")}
    trained_texts = {i.chat[-1].content for i in lab.rounds.items(1) if i.sample_id}
    assert trained_texts
    assert not quiz_texts & trained_texts
    origins = rows(lab, "SELECT DISTINCT origin FROM questions WHERE split = 'quiz'")
    assert {origin for (origin,) in origins} == {"gold", "paraphrase"}


def test_the_round_learned_what_it_studied(lab):
    before, after = (
        lab.runs.quiz_results(run.id)
        for run in lab.runs.in_state("done")
        if run.kind == "quiz"
    )
    change = paired_quizzes.compare(lab, before, after, 1).summary()
    change_studied = change.gold_studied
    assert change_studied is not None
    assert change_studied.closed_book_before is not None
    assert change_studied.closed_book_after is not None
    assert change_studied.open_book is not None
    assert change_studied.n >= 5
    assert change_studied.closed_book_after >= change_studied.closed_book_before + 0.4
    assert 0 < change_studied.open_book <= 1
    scores = lab.rounds.get(1).scores
    parts = ("gold", "self_made", "control")
    quiz_texts = [scores[f"{part}_closed_book"]["n"] for part in parts]
    assert sum(quiz_texts) == len(after)


def test_a_round_tells_what_it_forgot(lab):
    before, after = (
        lab.runs.quiz_results(run.id)
        for run in lab.runs.in_state("done")
        if run.kind == "quiz"
    )
    control = paired_quizzes.compare(lab, before, after, 1).summary().control
    assert control is not None
    assert control.closed_book_before is not None
    scores = lab.rounds.get(1).scores
    assert control.closed_book_before >= 0.9
    assert control.closed_book_after == scores["control_closed_book"]["right"]
    assert scores["forgetting_kl"] > 0
    measured = [ScaleMeasurement(**values) for values in scores["scales"]]
    best = smallest_sufficient(measured)
    assert (scores["validation"], scores["scale"]) == (best.validation, best.scale)
    assert len(measured) > 1


def test_generated_instructions_are_kept_once_with_its_provenance(lab):
    counts = rows(
        lab, "SELECT count(DISTINCT draw), count(*) FROM generated_instructions"
    )
    assert counts[0][0] == counts[0][1] >= replay.N_PROBE
    assert rows(
        lab,
        "SELECT DISTINCT prompt_name, model_digest, round_id"
        " FROM generated_instructions"
        " JOIN generations g ON g.id = generation_id",
    ) == [(replay.PROMPT, model_files.digest(model_files.BUILT_IN), None)]


def test_the_loss_was_written_and_fell(lab):
    (run,) = [run for run in lab.runs.in_state("done") if run.kind == "train"]
    losses = [metric.value for metric in lab.runs.metrics(run.id, "loss")]
    assert len(losses) == TRAIN.max_steps
    assert sum(losses[-5:]) < sum(losses[:5]) / 2


def test_the_adapter_loads_with_plain_peft(lab):
    adapter = lab.folder / lab.rounds.get(1).adapter
    base = AutoModelForCausalLM.from_pretrained(model_files.BUILT_IN)
    model = PeftModel.from_pretrained(base, str(adapter))
    assert any("lora" in name for name, _ in model.named_parameters())


def test_the_model_answers_with_and_without_its_round(lab):
    trained_texts = next(i for i in lab.rounds.items(1) if i.kind == "sft")
    question = [Message("user", trained_texts.chat[-1].content)]
    answers = []
    for round_id in (None, 1):
        model = ModelSettings(round_id=round_id)
        run = finish_here(lab, actions.chat(lab, model, question, Sampling()))
        answers.append(run.result["answer"])
    assert all(answers)
    assert answers[0] != answers[1]
    assert rows(lab, "SELECT count(*) FROM generations WHERE round_id = 1")[0][0] > 0


def test_an_answer_is_checked_and_written_again(lab):
    text = (
        "Avel Drun had 17 cups. Avel Drun bought 15 more. Then Avel Drun lost 3 of "
        "them. How many cups did Avel Drun have then?"
    )
    quiz_texts = [Message("user", text)]
    chat = actions.chat(lab, MODEL, quiz_texts, Sampling(), refine=True)
    run = finish_here(lab, chat)
    assert "Verdict: " in run.result["feedback"]
    assert run.result["refined"]
    names = rows(
        lab, f"SELECT prompt_name FROM generations WHERE run_id = {run.id} ORDER BY id"
    )
    assert names == [("closed_book",), ("feedback_free",), ("refine_free",)]


def test_an_open_book_answer_is_read_from_its_passages(lab):
    passage = lab.library.passages()[0]
    origin = actions.ChatOrigin(passages=(passage.id,))
    quiz_texts = [Message("user", f"What is told about {passage.heading}?")]
    chat = actions.chat(lab, MODEL, quiz_texts, Sampling(), origin=origin)
    run = finish_here(lab, chat)
    assert {"answer", "evidence"} == set(run.result)
    sql = f"SELECT prompt_name, prompt FROM generations WHERE run_id = {run.id}"
    ((name, prompt),) = rows(lab, sql)
    assert name == "open_book"
    assert json.dumps(passage.text.strip(), ensure_ascii=False)[1:-1] in prompt


def test_what_a_round_was_taught_is_exported_with_its_card(lab, tmp_path):
    target = tmp_path / "round" / "data.jsonl"
    run = finish_here(lab, export_actions.export(lab, "chat", target, 1))
    n_taught = sum(item.kind == "sft" for item in lab.rounds.items(1))
    assert run.result["samples"] == len(target.read_text().splitlines()) == n_taught
    assert (
        model_files.digest(model_files.BUILT_IN)
        in (tmp_path / "round/README.md").read_text()
    )


def test_samples_and_adapters_are_exported(lab, tmp_path):
    finish_here(lab, export_actions.export(lab, "preference", tmp_path / "p.jsonl"))
    lines = (tmp_path / "p.jsonl").read_text().splitlines()
    assert len(lines) == lab.samples.counts()["approved"]
    assert json.loads(lines[0])["chosen"][0]["role"] == "assistant"
    export = export_actions.export(lab, "adapter", tmp_path / "adapter", 1)
    run = finish_here(lab, export)
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    assert run.result["n_same_answers"] == run.result["n_questions"] == 5


def test_a_merged_model_in_16_bit_answers_like_the_round(lab, whole, tmp_path):
    target = tmp_path / "merged"
    run = finish_here(lab, export_actions.export(lab, "merged", target, whole))
    assert run.result["n_questions"] == 5
    assert run.result["n_same_answers"] >= 4, "the base is not rounded to 4 bit here"
    assert "word for word" in (target / "README.md").read_text()
    assert sorted(target.parent.glob("*merged*")) == [target]
    assert model_files.locate(str(target)) == target
    merged_model = AutoModelForCausalLM.from_pretrained(target)
    base = AutoModelForCausalLM.from_pretrained(
        model_files.BUILT_IN, dtype=torch.bfloat16
    )
    adapter = lab.folder / lab.rounds.get(whole).adapter
    theirs = PeftModel.from_pretrained(base, str(adapter)).merge_and_unload()
    for name, weight in theirs.state_dict().items():
        assert torch.equal(weight, merged_model.state_dict()[name]), name
    again = export_actions.export(lab, "merged", target, whole)
    last_run = work_here(lab, again)
    assert last_run.error is not None
    assert "exists already" in last_run.error


def test_a_merged_model_is_asked_as_its_round_was_taught(lab, whole, tmp_path):
    """It was asked as its base, with worked examples that it no longer needs."""
    adapter = tmp_path / "adapter"
    shutil.copytree(lab.folder / lab.rounds.get(whole).adapter, adapter)
    (adapter / model_files.ADAPTER_NOTE).write_text('{"protocol": "taught"}')
    merging.merge(model_files.BUILT_IN, adapter, tmp_path / "merged")
    assert study_protocol(tmp_path / "merged") == "taught"


def test_a_gguf_export_is_converted_and_checked(lab, whole, tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_CPP", str(Path(__file__).parent / "llama_cpp"))
    target = tmp_path / "converted"
    run = finish_here(lab, export_actions.export(lab, "gguf", target, whole))
    assert run.result["n_questions"] == 5
    assert run.result["n_same_answers"] >= 4, "the base is not rounded to 4 bit here"
    assert sorted(path.name for path in target.iterdir()) == ["README.md", "model.gguf"]
    assert "llama.cpp" in (target / "README.md").read_text()
    assert not list(lab.folder.glob("tmp*"))


def test_stage_2_prefers_what_the_stage_1_model_reads(lab):
    first = finish_here(
        lab, actions.train(lab, MODEL, TrainSettings(method="al1", max_steps=8))
    )
    parent = first.result["round"]
    one = [lab.library.documents()[0].id]
    finish_here(lab, actions.study(lab, ModelSettings(round_id=parent), STUDY, one))
    actions.approve(lab, "open-book")
    settings = TrainSettings(method="al2", max_steps=4, only_gaps=False)
    second = finish_here(lab, actions.train(lab, MODEL, settings, parent))
    round_ = lab.rounds.get(second.result["round"])
    assert round_.parent_id == parent
    assert {i.kind for i in lab.rounds.items(round_.id) if i.teaches} == {"dpo"}


@pytest.mark.parametrize("method", ["self", "meta", "cpt"])
def test_the_other_methods_train_too(lab, method):
    sample = lab.samples.find(SampleFilter(state="approved", gap=True))[0]
    words = {"feedback": "The answer is wrong.\nVerdict: incorrect"}
    actions.decide(lab, [sample.id], Decision(0, "edit", "person", after=words))
    n_statements = 3 if method == "cpt" else 0
    settings = TrainSettings(
        method=method, max_steps=3, replay_share=0.0, statements=n_statements
    )
    run = finish_here(lab, actions.train(lab, MODEL, settings))
    items = [i for i in lab.rounds.items(run.result["round"]) if i.teaches]
    assert {i.kind for i in items} == {"text" if method == "cpt" else "sft"}
    if method == "cpt":
        passages = {p.text.strip() for p in lab.library.passages()}
        assert {i.chosen in passages for i in items} == {True, False}
    if method == "meta":
        assert items[0].chosen == words["feedback"]


def test_an_adapter_of_another_base_is_refused(lab, tmp_path):
    adapter = lab.folder / lab.rounds.get(1).adapter
    with pytest.raises(BackendError, match="another base"):
        model_files.check_adapter(adapter, "0" * 64)


def test_a_run_that_was_queued_for_other_weights_is_refused(lab):
    chat = actions.chat(lab, MODEL, [Message("user", "Who?")], Sampling())
    order = finish_here(lab, chat)
    stale = lab.runs.create("chat", {**order.settings, "model_digest": "0" * 64})
    last_run = work_here(lab, stale)
    assert last_run.state == "failed"
    assert last_run.error is not None
    assert "have changed" in last_run.error
