"""Training: what is learned, what is kept, and how it ends."""

import json
from dataclasses import replace

import pytest
import torch
from bitsandbytes.nn.modules import Linear4bit
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from autolearn.core.errors import BackendError, TrainingError
from autolearn.core.records import TrainItem
from autolearn.core.settings import TrainSettings
from autolearn.engine import adapters, load
from autolearn.engine.trainer.round_examples import RoundExamples
from autolearn.engine.trainer.train import RoundTrainer
from autolearn.models.files import adapter_digest
from tests.support.tiny import (
    Watch,
    build_model,
    chat,
    facts,
    log_prob,
    logits,
    never,
    request,
    training,
)

pytestmark = pytest.mark.torch_model


# What is learned


@pytest.mark.parametrize("kind", ["none", "nf4", "packed"])
def test_thirty_steps_lower_the_loss(open_model, places, kind):
    watch = Watch()
    outcome = open_model(kind).train(facts(), training(max_steps=30), watch, **places)
    losses = [numbers["loss"] for numbers in watch.seen]
    assert outcome.finished
    assert outcome.n_steps == len(losses) == 30
    assert losses[-1] < losses[0] / 4


def test_a_trained_model_gives_the_trained_answers(backend, places):
    backend.train(facts(), training(max_steps=60), Watch(), **places)
    backend.use_adapter(places["output"])
    answers = backend.complete([request(f"colour of {i}?") for i in range(2)], never)
    assert [answer.text for answer in answers] == ["blue as the", "red"]


def test_a_heavier_item_is_learned_first(backend, places):
    items = facts(n=2)
    items[1] = replace(items[1], weight=0.0)
    before = log_prob(backend, "colour of 1?", "red")
    backend.train(items, training(), Watch(), **places)
    backend.use_adapter(places["output"])
    gain = log_prob(backend, "colour of 1?", "red") - before
    backend.use_adapter(None)
    equal = {**places, "output": places["output"].with_name("equal")}
    backend.train(facts(n=2), training(), Watch(), **equal)
    backend.use_adapter(equal["output"])
    assert log_prob(backend, "colour of 1?", "red") - before > gain


def test_dpo_widens_the_margin(backend, places):
    question, good, bad = "colour of 0?", "blue as the sea", "pink"

    def margin():
        return log_prob(backend, question, good) - log_prob(backend, question, bad)

    before, watch = margin(), Watch()
    settings = training(method="al2", nll_weight=0.0, learning_rate=1e-3, max_steps=10)
    backend.train(facts("dpo", n=1, rejected=bad), settings, watch, **places)
    backend.use_adapter(places["output"])
    assert margin() > before + 1
    # The first step stands at its reference: a coin is thrown.
    assert watch.seen[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
    assert watch.seen[0]["reward_margin"] == pytest.approx(0, abs=1e-3)
    assert watch.seen[-1]["reward_margin"] > 0.1


def test_the_reference_of_dpo_is_the_start_adapter(backend, places):
    backend.train(facts(), training(), Watch(), **places)
    second = {**places, "start": places["output"], "output": places["output"] / "two"}
    watch = Watch()
    items = facts("dpo", rejected="pink")
    backend.train(items, training(nll_weight=0.0), watch, **second)
    assert watch.seen[0]["loss"] == pytest.approx(0.6931, abs=1e-3)


def test_replay_keeps_the_round_close_to_the_base(backend, places, tmp_path):
    prompts = [f"tell of {i}" for i in range(4)]
    replay = [
        TrainItem("replay", chat(question), completion.text)
        for question, completion in zip(
            prompts, backend.complete([request(q) for q in prompts], never), strict=True
        )
    ]
    before = [log_prob(backend, item.chat[0].content, item.chosen) for item in replay]
    losses = []
    for items in (facts(), facts() + replay):
        output = {**places, "output": tmp_path / f"round-{len(items)}"}
        settings = training(max_steps=20, replay_share=1.0)
        backend.train(items, settings, watch := Watch(), **output)
        backend.use_adapter(output["output"])
        after = [
            log_prob(backend, item.chat[0].content, item.chosen) for item in replay
        ]
        losses.append(sum(before) - sum(after))
    assert losses[1] < losses[0] / 2
    assert watch.seen[0]["replay_kl"] == pytest.approx(0, abs=1e-5)
    assert watch.seen[-1]["replay_kl"] > 0


# What is kept


@pytest.mark.parametrize("kind", ["none", "nf4", "packed"])
def test_plain_peft_reads_the_adapter_and_gives_the_same_logits(
    open_model, folder, places, kind
):
    backend = open_model(kind)
    backend.train(facts(), training(), Watch(), **places)
    backend.use_adapter(places["output"])
    base = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.float32,
        quantization_config=None if kind == "none" else load._nf4(torch.float32),
    )
    for module in base.modules():
        if isinstance(module, Linear4bit):  # else it computes in bf16 where it can
            module.support_avx512bf16_for_cpu = False
    theirs = PeftModel.from_pretrained(base, str(places["output"]))
    ours = logits(backend._lm.model)
    torch.testing.assert_close(ours, logits(theirs), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(
        ours, logits(base.model if kind == "" else theirs.unload())
    )


def test_an_adapter_names_its_base_without_a_local_path(backend, folder, places):
    backend.train(facts(), training(), Watch(), **places)
    files = sorted(path.name for path in places["output"].iterdir())
    assert files == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "autolearn.json",
    ]
    note = json.loads((places["output"] / "autolearn.json").read_text())
    assert note["base_digest"] == backend.identity.digest
    for path in places["output"].iterdir():
        assert str(folder).encode() not in path.read_bytes()


def test_lora_weights_are_fp32_on_a_bf16_base(backend):
    backend._lm.model.to(torch.bfloat16)
    adapters.attach_new(backend._lm, training())
    assert any("lora_" in name for name, _ in backend._lm.model.named_parameters())
    for name, parameter in backend._lm.model.named_parameters():
        assert parameter.requires_grad == ("lora_" in name)
        dtype = torch.float32 if "lora_" in name else torch.bfloat16
        assert parameter.dtype == dtype


@pytest.mark.parametrize("kind", ["none", "packed"])
def test_a_bf16_base_is_trained_by_fp32_masters(open_model, places, monkeypatch, kind):
    monkeypatch.setattr(load, "compute_dtype", lambda device: torch.bfloat16)
    backend, watch = open_model(kind), Watch()
    assert backend.identity.dtype == "bfloat16"
    backend.train(facts(), training(max_steps=20), watch, **places)
    assert watch.seen[-1]["loss"] < watch.seen[0]["loss"] / 2
    weights = load_file(places["output"] / "adapter_model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    backend.use_adapter(places["output"])
    assert backend.complete([request("colour of 1?")], never)[0].finish != "cancelled"


def test_the_same_seed_gives_the_same_adapter(backend, places, tmp_path):
    digests: list[str] = []
    for seed in (0, 0, 1):
        output = {**places, "output": tmp_path / f"run-{len(digests)}"}
        backend.train(facts(), training(seed=seed), Watch(), **output)
        digests.append(adapter_digest(output["output"]))
    assert digests[0] == digests[1] != digests[2]


def test_adapters_switch_without_reloading(backend, places, tmp_path):
    embedding = backend._lm.model.get_input_embeddings().weight
    base = logits(backend._lm.model)
    answers = {}
    for rank in (2, 4):
        output = {**places, "output": tmp_path / str(rank)}
        backend.train(facts(), training(rank=rank), Watch(), **output)
        backend.use_adapter(output["output"], rank)
        answers[rank] = logits(backend._lm.model)
    for rank in (2, 4, 2):
        backend.use_adapter(tmp_path / str(rank), rank)
        assert backend.identity.round_id == rank
        assert backend.identity.adapter_digest
        torch.testing.assert_close(logits(backend._lm.model), answers[rank])
    backend.use_adapter(None)
    assert torch.equal(logits(backend._lm.model), base)
    assert backend.identity.adapter_digest is None
    assert backend._lm.model.get_input_embeddings().weight is embedding
    assert not torch.equal(answers[2], answers[4])


SETTINGS = {
    "a huge rank": {"r": 10**9},
    "a huge rank of some layers": {"rank_pattern": {".*": 10**9}},
    "a rank of digits": {"r": "9"},
    "a negative rank": {"r": -1},
    "a list of ranks": {"rank_pattern": [10**9]},
    "another method": {"peft_type": "PROMPT_TUNING"},
}


@pytest.mark.parametrize("values", SETTINGS.values(), ids=SETTINGS)
def test_settings_that_do_not_fit_the_weights_of_an_adapter_are_refused(
    backend, places, values
):
    folder = places["output"]
    backend.train(facts(), training(max_steps=1), Watch(), **places)
    backend.use_adapter(folder)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(BackendError, match="do not fit its weights"):
        backend.use_adapter(folder)


def test_an_adapter_of_another_base_is_refused(backend, places, tmp_path, open_model):
    backend.train(facts(), training(), Watch(), **places)
    other = open_model("none", build_model(tmp_path / "other", seed=1))
    with pytest.raises(BackendError, match="another base model"):
        other.use_adapter(places["output"])


def test_training_after_generating_learns_in_every_layer(open_model, monkeypatch):
    """Regression: on CPUs with AVX-512-BF16, bitsandbytes packs weights at the first
    generation, and through packed weights no gradient reaches the layers below."""
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: True)
    gradients = []
    for generates in (True, False):
        backend = open_model("packed")
        if generates:
            backend.complete([request("a?")], never)
        adapters.attach_new(backend._lm, training())
        step = RoundTrainer(backend._lm, facts(), training())
        step._set_up(None)
        step._gradient(step._new, [])
        gradients.append({k: p.grad for k, p in step._parameters.items()})
    assert gradients[0].keys() == gradients[1].keys() != set()
    for name, gradient in gradients[1].items():
        assert torch.equal(gradients[0][name], gradient)
        assert bool(gradient.any()) == ("lora_B" in name), name


# How it ends


@pytest.mark.parametrize("kind", ["none", "packed"])
def test_a_resumed_round_equals_an_uninterrupted_one(
    open_model, places, tmp_path, kind
):
    items = facts(n=9) + facts("dpo", n=2, rejected="pink") + facts("replay", n=3)
    settings = training(max_steps=7, batch_size=4)
    backend = open_model(kind)
    other_places = {
        **places,
        "output": tmp_path / "whole",
        "checkpoints": tmp_path / "other",
    }
    backend.train(items, settings, Watch(), **other_places)
    for last, n_steps in ((2, 2), (3, 5)):
        watch = Watch(last)
        outcome = backend.train(items, settings, watch, **places)
        assert (outcome.finished, outcome.n_steps) == (False, n_steps)
        assert len(watch.seen) == last
        assert not places["output"].exists()
        backend.complete([request("meanwhile?")], never)
    outcome = open_model(kind).train(items, settings, Watch(), **places)
    assert (outcome.finished, outcome.n_steps) == (True, 7)
    whole, second = (
        load_file(place / "adapter_model.safetensors")
        for place in (other_places["output"], places["output"])
    )
    assert all(torch.equal(whole[name], second[name]) for name in whole)
    # The worker removes them, once it has recorded the end of the round.
    names = sorted(path.name for path in places["checkpoints"].iterdir())
    assert names == ["step-2", "step-5"]


def test_only_the_newest_two_checkpoints_are_kept(backend, places):
    watch = Watch(5)
    settings = training(checkpoint_seconds=0.0)
    backend.train(facts(), settings, watch, **places)
    names = sorted(path.name for path in places["checkpoints"].iterdir())
    assert names == ["step-4", "step-5"]


def test_a_checkpoint_of_other_items_is_rejected(backend, places):
    backend.train(facts(), training(), Watch(2), **places)
    with pytest.raises(TrainingError, match="belongs to other items"):
        backend.train(facts(n=3), training(), Watch(), **places)


def test_a_loss_that_is_not_finite_raises_an_error(backend, places, monkeypatch):
    good = backend.train(facts(), training(), Watch(3), **places)
    loss = RoundTrainer._loss

    def broken(self, *args):
        value, margins = loss(self, *args)
        return value * float("nan"), margins

    monkeypatch.setattr(RoundTrainer, "_loss", broken)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        backend.train(facts(), training(), Watch(), **places)
    assert not places["output"].exists()
    names = [path.name for path in places["checkpoints"].iterdir()]
    assert names == [f"step-{good.n_steps}"]
    assert logits(backend._lm.model).isfinite().all()


def test_unlearnable_items_are_dropped_and_reported(backend, places):
    items = facts()
    items[1] = replace(items[1], chosen=" ")
    items[2] = replace(items[2], chosen="x" * 200)
    outcome = backend.train(items, training(max_steps=1), Watch(), **places)
    assert outcome.dropped == [1, 2]
    with pytest.raises(TrainingError, match="None of the 2 items"):
        backend.train(items[1:3], training(), Watch(), **places)


def test_a_raw_text_that_is_too_long_is_cut_and_not_dropped(backend):
    text = TrainItem("text", (), "blue as the sea " * 50)
    examples = RoundExamples([text], backend._lm.chat, 32)
    assert examples.dropped == []
    assert len(examples.new) > 1
    assert max(example.length for example in examples.new) <= 32


def test_a_round_takes_as_many_steps_as_its_epochs_have(backend):
    settings = TrainSettings(epochs=3, batch_size=4, least_steps=0)
    assert RoundTrainer(backend._lm, facts(n=9), settings).n_steps == 9


def test_a_few_items_are_taken_often_enough_to_be_learned(backend):
    settings = TrainSettings(epochs=3, batch_size=4)
    n_steps = RoundTrainer(backend._lm, facts(n=9), settings).n_steps
    assert n_steps == settings.least_steps == 120
    pairs = replace(settings, method="al2")
    assert RoundTrainer(backend._lm, facts("dpo", rejected="x"), pairs).n_steps == 3


def test_the_written_adapter_does_not_depend_on_the_order_of_a_set(backend, places):
    # Once the names of the layers were written as a set, other in every process.
    backend.train(facts(), training(max_steps=1), Watch(), **places)
    config = json.loads((places["output"] / "adapter_config.json").read_text())
    names = config["target_modules"]
    assert len(names) > 3
    assert names == sorted(names)
