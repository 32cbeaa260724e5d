"""The builder of the built-in model: packed rows, checkpoints, an earlier model."""

import random
from dataclasses import replace
from typing import cast

import pytest
import torch
from transformers import LlamaForCausalLM

from autolearn.core.model_calls import Completion
from autolearn.core.ports import Backend
from autolearn.demo.builder import wiring
from autolearn.demo.builder.build import Builder, BuildPlan, new_model, predictions
from autolearn.demo.builder.evaluate import Examiner
from autolearn.demo.builder.packing import FREE_TASKS, PASSAGE_TASKS, Packer, collate
from autolearn.demo.builder.scores import TaskScore, share
from autolearn.demo.builder.tasks import free_exercise, passage_exercise
from autolearn.demo.builder.tokenizer import build_tokenizer, letter_pieces
from autolearn.demo.passages import study_passage
from autolearn.demo.world import World, known_world
from autolearn.models import files as model_files
from autolearn.models import token_counting

pytestmark = pytest.mark.torch_model


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


def exercise(task, seed):
    world = World(random.Random(seed))
    if task in PASSAGE_TASKS:
        return passage_exercise(task, study_passage(world), world)
    return free_exercise(task, known_world(), world)


def as_chat(tokenizer, example):
    chat = [
        {"role": "user", "content": example.prompt},
        {"role": "assistant", "content": example.target},
    ]
    return list(tokenizer.apply_chat_template(chat, tokenize=True)["input_ids"])


@pytest.mark.parametrize("task", [*PASSAGE_TASKS, *FREE_TASKS])
def test_a_packed_exercise_has_the_tokens_of_the_plain_chat(tokenizer, task):
    packer = Packer(tokenizer, known_world())
    for seed in range(20):
        example = exercise(task, seed)
        prefix = packer.shared(example.passage, 0.0).tokens if example.passage else []
        assert prefix + packer.branch(example).tokens == as_chat(tokenizer, example)


@torch.no_grad()
def test_a_packed_exercise_has_the_logits_of_the_plain_chat(tokenizer):
    packer = Packer(tokenizer, known_world())
    model = new_model(tokenizer, seed=0)
    world = World(random.Random(1))
    passage = study_passage(world)
    first, second = (passage_exercise("refine", passage, world) for _ in range(2))
    prefix = packer.shared(passage.text, 0.0)
    row = [prefix, packer.branch(first), packer.branch(second)]
    logits, targets, _ = predictions(model, collate([row]))
    chat = torch.tensor([as_chat(tokenizer, second)])
    plain = model(chat).logits[0, :-1]
    n = sum(weight > 0 for weight in row[2].weights[1:])
    assert targets[-n:].tolist() == chat[0, -n:].tolist()
    torch.testing.assert_close(logits[-n:], plain[-n:], atol=1e-4, rtol=1e-4)


def test_the_built_in_model_has_the_tokens_that_the_builder_makes(tokenizer):
    count = token_counting.token_counter(model_files.BUILT_IN)
    assert PASSAGE_TASKS
    assert FREE_TASKS
    for task in (*PASSAGE_TASKS, *FREE_TASKS):
        text = exercise(task, 3).prompt
        assert count(text) == len(tokenizer(text)["input_ids"])


def test_a_stopped_build_continues_as_if_it_had_not_stopped(tmp_path):
    plan = BuildPlan(0, 1.0, 1, tmp_path / "model", tmp_path)
    builder = Builder(plan)
    builder.step()
    builder.save_checkpoint()
    losses = [builder.step() for _ in range(2)]
    again = Builder(plan)
    again.load_checkpoint()
    assert [again.step() for _ in range(2)] == losses
    assert (again.n_steps, again.n_tokens) == (builder.n_steps, builder.n_tokens)


@torch.no_grad()
def test_a_deeper_model_starts_with_the_outputs_of_the_earlier_one(
    tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr(wiring, "LAYERS", wiring.LAYERS + 1)
    deeper, ids = new_model(tokenizer, 5), tokenizer.get_vocab()
    earlier = LlamaForCausalLM.from_pretrained(
        model_files.BUILT_IN, dtype=torch.float32
    )
    wiring.take_over(deeper, ids, earlier, ids)
    example = exercise("open_book", 4)
    tokens, n = (
        torch.tensor([as_chat(tokenizer, example)]),
        len(tokenizer(example.target).input_ids),
    )
    was, now = (m(tokens).logits[:, -n - 2 : -1].argmax(-1) for m in (earlier, deeper))
    assert deeper.config.num_hidden_layers == wiring.LAYERS
    assert (was == now).float().mean() > 0.95
    # Drawn anew, ids that stand for nothing would be written now and then.
    spare_rows = deeper.model.embed_tokens.weight[len(ids) :]
    before = earlier.model.embed_tokens.weight[len(ids) :].mean(dim=0)
    assert len(spare_rows) > 0
    torch.testing.assert_close(spare_rows, before.expand_as(spare_rows))
    plan = BuildPlan(5, 1.0, 1, tmp_path / "next", tmp_path, start=model_files.BUILT_IN)
    Builder(plan).export()
    assert '"before": {' in (tmp_path / "next" / "build.json").read_text()


def test_embeddings_of_letter_pieces_stay_apart(tokenizer):
    model = new_model(tokenizer, 5)
    embedding = model.model.embed_tokens.weight
    groups = letter_pieces(tokenizer.get_vocab())
    assert [len(ids) for ids in groups] == [52, 2 * 26**2, 26**2]
    with torch.no_grad():
        embedding[groups[2]] = embedding[groups[2][0]] + 0.01 * embedding[groups[2]]
        others = embedding[:100].clone()
    wiring.spread(model, groups[2:])
    apart = embedding[groups[2]] - embedding[groups[2]].mean(dim=0)
    assert apart.norm(dim=1).min() > 0.9 * wiring.APART
    torch.testing.assert_close(embedding[:100], others)


def test_logits_of_some_tokens_equal_those_of_the_whole_vocabulary(tokenizer):
    model, packer = new_model(tokenizer, 5), Packer(tokenizer, known_world())
    batch = packer.batch("a", n_rows=1)
    among = torch.from_numpy(batch.tokens).unique()
    logits, places, _ = predictions(model, batch, among)
    every, targets, _ = predictions(model, batch)
    assert torch.equal(among[places], targets)
    torch.testing.assert_close(logits, every[:, among])


class Parrot:
    """A model that always says the same."""

    def __init__(self, text):
        self.text = text

    def complete(self, requests, stop, progress=None):
        return [Completion(self.text, "stop", 1, 1) for _ in requests]


def test_the_examiner_measures_every_skill_and_fails_a_poor_model():
    scores = list(
        Examiner(cast(Backend, Parrot("The text does not say.")), 1, 6).scores()
    )
    by_name = {score.name: score for score in scores}
    assert len(by_name) == len(scores) >= 20
    assert by_name["open book: says so if the text does not say"].share == 1.0
    names = [name for name, score in by_name.items() if score.share == 1.0]
    assert names == ["open book: says so if the text does not say"]
    targets = [score for score in scores if score.target and not score.at_most]
    assert len(targets) >= 10
    assert not any(score.reached for score in targets)


def test_a_score_reports_whether_its_target_is_met():
    score = share("x", [True] * 19 + [False], 0.93)
    assert score.reached
    assert "95.0" in str(score)
    assert "reached" in str(score)
    assert "missed" in str(replace(score, n_right=18))
    assert "missed" in str(replace(score, at_most=True))
    assert TaskScore("x", 1, 2).reached is None
