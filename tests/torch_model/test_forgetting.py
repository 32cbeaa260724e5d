"""Scores of a round, its early end, and replay against forgetting."""

from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from autolearn.core.records import DRIFT_PROBE, TrainItem
from autolearn.engine import adapters
from autolearn.engine.trainer import adapter_scale
from autolearn.engine.trainer.adapter_scale import ScaleMeasurement
from autolearn.engine.trainer.batches import encode
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.train import RoundTrainer
from autolearn.models.files import adapter_digest
from tests.support.tiny import Watch, chat, facts, never, request, training

pytestmark = pytest.mark.torch_model


def items_of_kind(kind, items):
    return [replace(item, kind=kind) for item in items]


def self_answers(backend, kind, words="tell of"):
    """What the base itself says."""
    prompts = [f"{words} {i}" for i in range(4)]
    answers = backend.complete([request(text) for text in prompts], never)
    return [
        TrainItem(kind, chat(text), answer.text)
        for text, answer in zip(prompts, answers, strict=True)
    ]


def all_items(backend):
    return [
        *facts(n=9),
        *items_of_kind("validation", facts(n=4)),
        *self_answers(backend, "replay"),
        *self_answers(backend, DRIFT_PROBE, "speak of"),
    ]


# What is measured


def test_an_answer_is_exact_if_greedy_decoding_gives_it(backend, places):
    items = facts()
    backend.train(items, training(max_steps=25), Watch(), **places)
    backend.use_adapter(places["output"])
    lm = backend._lm
    examples = [encode(item, lm.chat) for item in items]
    long = {"max_new_tokens": 40}
    completions = backend.complete(
        [request(item.chat[0].content, **long) for item in items], never
    )
    is_exact = [w.text == i.chosen for w, i in zip(completions, items, strict=True)]
    forward = Forward(lm)
    assert [forward.exact_share([example]) for example in examples] == is_exact
    assert forward.exact_share(examples) == sum(is_exact) / 4
    assert sum(is_exact) > 0
    assert forward.exact_share([]) is None


def test_forgetting_is_the_divergence_from_the_base_per_token(backend, places):
    adapters.attach_new(backend._lm, training())
    forward = Forward(backend._lm)
    probe = [encode(item, backend._lm.chat) for item in facts(DRIFT_PROBE)]
    assert forward.mean_divergence(probe) == pytest.approx(0, abs=1e-6)
    assert forward.mean_divergence([]) is None
    backend.train(facts(), training(), Watch(), **places)
    backend.use_adapter(places["output"])
    divergence = forward.mean_divergence(probe[:1])
    row = probe[0].chosen
    now = greedy_answer(backend, row)
    backend.use_adapter(None)
    base = greedy_answer(backend, row)
    kl = (base.exp() * (base - now)).sum(dim=1).mean()
    assert divergence == pytest.approx(float(kl), rel=1e-3)


def greedy_answer(backend, row):
    """The log-probabilities of all tokens at each place of the answer."""
    with torch.inference_mode():
        logits = backend._lm.model(torch.tensor([row.ids])).logits[0]
    return logits[row.n_prompt - 1 : -1].float().log_softmax(dim=1)


def test_a_round_reports_validation_and_drift(backend, places):
    items = [
        *facts(),
        *items_of_kind("validation", facts()),
        *self_answers(backend, DRIFT_PROBE),
    ]
    settings = training(max_steps=60, choose_scale=False)
    outcome = backend.train(items, settings, watch := Watch(), **places)
    assert outcome.scores["validation"] == watch.seen[-1]["validation"] == 1.0
    assert outcome.scores["forgetting_kl"] > 0
    assert [score["scale"] for score in outcome.scores["scales"]] == [1.0]


def test_validation_and_drift_probe_items_are_not_trained(backend, places, tmp_path):
    other = {**places, "output": tmp_path / "other"}
    probes = [
        *facts(),
        *items_of_kind("validation", facts()),
        *self_answers(backend, DRIFT_PROBE),
    ]
    settings = training(choose_scale=False, stop_at=0.0)
    backend.train(facts(), settings, Watch(), **places)
    backend.train(probes, settings, Watch(), **other)
    assert adapter_digest(places["output"]) == adapter_digest(other["output"])


def test_a_round_without_replay_never_runs_the_base(backend, places, monkeypatch):
    looks, without = [], adapters.without

    def counted(model):
        looks.append(model)
        return without(model)

    monkeypatch.setattr(adapters, "without", counted)
    items = facts() + self_answers(backend, "replay")
    for weight in (0.0, 1.0):
        looks.clear()
        backend.train(items, training(replay_weight=weight), Watch(), **places)
        assert len(looks) == (1 if weight else 0)


# When it stops


def test_validation_is_measured_at_the_end_of_each_epoch(backend, places):
    items = facts(n=9) + items_of_kind("validation", facts(n=2))
    settings = training(max_steps=7, stop_at=0.0)
    backend.train(items, settings, watch := Watch(), **places)
    steps = [i + 1 for i, metrics in enumerate(watch.seen) if "validation" in metrics]
    assert steps == [3, 6]


def test_a_round_cools_down_and_stops_when_validation_is_answered(backend, places):
    items = facts() + items_of_kind("validation", facts())
    watch, settings = Watch(), training(max_steps=200, stop_at=0.75)
    outcome = backend.train(items, settings, watch, **places)
    *before, enough, _, _ = [metrics["validation"] for metrics in watch.seen]
    assert outcome.finished
    assert outcome.n_steps == len(watch.seen) < 100
    assert enough >= 0.75 > max(before)
    # The rate is still that of a round of 200 steps; then it falls.
    at_enough, *cooling = [metrics["learning_rate"] for metrics in watch.seen[-3:]]
    assert at_enough > 0.5 * settings.learning_rate
    assert at_enough > cooling[0] > cooling[1] > 0
    assert places["output"].is_dir()


def test_a_round_without_validation_takes_all_its_steps(backend, places):
    outcome = backend.train(facts(), training(stop_at=0.01), Watch(), **places)
    assert outcome.n_steps == 6
    assert outcome.scores["validation"] is None
    assert outcome.scores["scale"] == 1.0


@pytest.mark.parametrize("values", [{}, {"stop_at": 0.5}])
def test_a_resumed_round_gets_the_same_scores_and_scale(
    open_model, places, tmp_path, values
):
    backend = open_model()
    items = all_items(backend)
    settings = training(max_steps=40, replay_share=0.5, **values)
    calm = {**places, "output": tmp_path / "calm", "checkpoints": tmp_path / "other"}
    whole = backend.train(items, settings, Watch(), **calm)
    for last in (2, 1):
        outcome = backend.train(items, settings, Watch(last), **places)
        assert not outcome.finished
    second_half = open_model().train(items, settings, Watch(), **places)
    assert (second_half.n_steps, second_half.scores) == (whole.n_steps, whole.scores)
    assert adapter_digest(places["output"]) == adapter_digest(calm["output"])
    assert (whole.n_steps < 40) == ("stop_at" in values)


def test_a_round_killed_after_validation_was_reached_does_not_train_on(
    backend, places, monkeypatch
):
    items = facts() + items_of_kind("validation", facts())
    settings = training(max_steps=200, stop_at=0.75, checkpoint_seconds=0.0)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RoundTrainer, "_choose_scale", killed)
        with pytest.raises(KeyboardInterrupt):
            backend.train(items, settings, first := Watch(), **places)
    outcome = backend.train(items, settings, second := Watch(), **places)
    assert second.seen == []
    assert outcome.n_steps == len(first.seen)
    assert outcome.scores["validation"] >= 0.75


def fake_validation(monkeypatch, *shares):
    """Let validation be answered so well at the end of each epoch, and afterwards."""
    values = iter(shares)
    monkeypatch.setattr(Forward, "exact_share", lambda *_: next(values))


def best_state(places):
    (folder,) = places["checkpoints"].glob("best-*")
    return torch.load(folder / "state.pt", weights_only=True)


@pytest.mark.parametrize(("end", "taken"), [(0.5, {"best_at": 2}), (0.88, {})])
def test_a_round_that_got_worse_ends_with_its_best_checkpoint(
    backend, places, monkeypatch, end, taken
):
    items = facts() + items_of_kind("validation", facts())
    settings = training(max_steps=5, stop_at=0.0, choose_scale=False)
    fake_validation(monkeypatch, 0.25, 0.9, 0.75, 0.5, end, end, 0.9)
    outcome = backend.train(items, settings, Watch(4), **places)
    adapter = best_state(places)["adapter"]
    best = {name.replace(".default", ""): p for name, p in adapter.items()}
    outcome = backend.train(items, settings, Watch(), **places)
    assert {k: v for k, v in outcome.scores.items() if k == "best_at"} == taken
    assert outcome.scores["validation"] == (0.9 if taken else end)
    weights = load_file(places["output"] / "adapter_model.safetensors")
    assert all(torch.equal(weights[k], best[k]) for k in weights) == bool(taken)


def test_the_best_checkpoint_stays_beside_the_newest_two(backend, places, monkeypatch):
    items = facts() + items_of_kind("validation", facts())
    settings = training(max_steps=9, stop_at=0.0, checkpoint_seconds=0.0)
    fake_validation(monkeypatch, 0.25, 0.75, 0.5, 0.75, 0.5)
    backend.train(items, settings, Watch(5), **places)
    names = sorted(path.name for path in places["checkpoints"].iterdir())
    assert names == ["best-2", "step-4", "step-5"]
    assert best_state(places)["step"] == 2


# Its size afterwards


def test_the_smallest_scale_that_loses_nothing_is_chosen():
    def best(*shares, confidence=(0.9, 0.9, 0.9)):
        scales = zip(adapter_scale.SCALES, shares, confidence, strict=True)
        measurements = [
            ScaleMeasurement(scale, share, sure) for scale, share, sure in scales
        ]
        return adapter_scale.smallest_sufficient(measurements).scale

    assert best(0.9, 0.9, 0.9) == 0.8
    assert best(0.9, 0.86, 0.8) == 0.9
    assert best(0.9, 0.8, 0.7) == 1.0
    assert best(0.8, 0.9, 0.7) == 0.9
    assert best(0.0, 0.0, 0.0) == 1.0, "nothing is known of what would be lost"
    assert best(0.9, 0.9, 0.9, confidence=(0.6, 0.4, 0.2)) == 1.0
    assert best(0.9, 0.9, 0.9, confidence=(0.6, 0.46, 0.3)) == 0.9
    measurements = [ScaleMeasurement(1.0, None, None)]
    assert adapter_scale.smallest_sufficient(measurements).scale == 1.0


def test_the_written_adapter_is_the_scaled_one_and_plain_peft_reads_it(
    backend, folder, places, tmp_path
):
    items = [
        *facts(),
        *items_of_kind("validation", facts()),
        *self_answers(backend, DRIFT_PROBE),
    ]
    settings = training(max_steps=60, stop_at=0.0)
    as_trained = {**places, "output": tmp_path / "whole"}
    full_scale = replace(settings, choose_scale=False)
    plain = backend.train(items, full_scale, Watch(), **as_trained)
    outcome = backend.train(items, settings, Watch(), **places)
    assert outcome.scores["forgetting_kl"] < plain.scores["forgetting_kl"]
    scale, scales = outcome.scores["scale"], outcome.scores["scales"]
    assert scale < 1
    assert [entry["scale"] for entry in scales] == list(adapter_scale.SCALES)
    whole, smaller = (
        load_file(place["output"] / "adapter_model.safetensors")
        for place in (as_trained, places)
    )
    for name, weight in whole.items():
        product = weight * scale if "lora_B" in name else weight
        assert torch.equal(smaller[name], product)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    backend._lm.model = PeftModel.from_pretrained(base, str(places["output"]))
    examples = [encode(item, backend._lm.chat) for item in facts()]
    share = Forward(backend._lm).exact_share(examples)
    assert share == outcome.scores["validation"]


def test_a_continued_adapter_is_not_scaled(backend, places, tmp_path):
    items = facts() + items_of_kind("validation", facts())
    settings = training(max_steps=40)
    backend.train(items, settings, Watch(), **places)
    second = {**places, "start": places["output"], "output": tmp_path / "second"}
    outcome = backend.train(items, settings, Watch(), **second)
    assert [score["scale"] for score in outcome.scores["scales"]] == [1.0]
