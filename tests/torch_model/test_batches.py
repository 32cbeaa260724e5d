"""Batches: which tokens are learned, what is shared, how a step is split."""

from dataclasses import replace

import pytest
import torch

from autolearn.core.records import TrainItem
from autolearn.engine.trainer.batches import (
    Example,
    Row,
    Schedule,
    collate,
    encode,
    micro_batches,
)
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.train import RoundTrainer
from tests.support.tiny import chat, facts, training

pytestmark = pytest.mark.torch_model


def test_the_loss_is_on_the_answer_and_its_end_alone(backend):
    lm = backend._lm
    items = [TrainItem("sft", chat("a?"), "yes"), TrainItem("sft", chat("bb?"), "n")]
    rows = [encode(item, lm.chat).chosen for item in items]
    batch = collate(rows, lm.pad_id, lm.device)
    assert batch.n_answers == len(items)
    for number, (row, item) in enumerate(zip(rows, items, strict=True)):
        answer_ids = batch.targets[batch.owner == number].tolist()
        assert row.ids[: row.n_prompt] == lm.chat.prompt(item.chat)
        assert answer_ids == row.ids[row.n_prompt :]
        text = lm.tokenizer.decode(answer_ids, skip_special_tokens=False)
        assert text == f"{item.chosen}<|end|>"


def test_all_tokens_of_a_raw_text_are_learned(backend):
    example = encode(TrainItem("text", (), "so it was"), backend._lm.chat)
    assert example.chosen.n_answer == len(example.chosen.ids) - 1
    assert backend._lm.chat.decode(example.chosen.ids) == "so it was"


def log_probs_alone(lm, rows):
    """The log-probability of each answer, by the library's forward on it alone."""
    sums = []
    for row in rows:
        logits = lm.model(torch.tensor([row.ids])).logits[0].log_softmax(dim=1)
        at = range(row.n_prompt, len(row.ids))
        sums.append(sum(logits[place - 1, row.ids[place]] for place in at))
    return torch.stack(sums)


def test_padding_changes_no_log_probability(backend):
    lm = backend._lm
    rows = [Row(list(range(9 * n, 10 * n)), n - 4) for n in (6, 9, 20)]
    assert collate(rows, 0, lm.device).is_plain
    torch.testing.assert_close(Forward(lm).log_probs(rows), log_probs_alone(lm, rows))


def test_a_tree_gives_the_log_probabilities_and_gradients_of_its_rows(backend):
    lm = backend._lm
    common_ids = list(range(9, 49))
    rows = [
        Row([*common_ids, 60, 61, 62, 63, 64], 42),
        Row([*common_ids, 60, 61, 62, 70], 42),
        Row([*common_ids, 60, 61, 62, 70], 43),
        Row([*common_ids[:30], 80, 81], 31),
        Row([90, 91, 92], 1),
    ]
    batch = collate(rows, 0, lm.device, lm.token_cost)
    assert not batch.is_plain
    assert batch.ids.shape == (2, 40 + 6 + 2)
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0, 1.0])
    lm.model.requires_grad_(True)
    gradients = []
    for log_probs in (Forward(lm).log_probs(rows), log_probs_alone(lm, rows)):
        lm.model.zero_grad()
        (log_probs @ weights).backward()
        gradients.append((log_probs, [p.grad.clone() for p in lm.model.parameters()]))
    (ours, trees), (theirs, plain) = gradients
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)
    for tree, usual in zip(trees, plain, strict=True):
        torch.testing.assert_close(tree, usual, atol=1e-4, rtol=1e-4)


def test_an_epoch_takes_every_item_once_in_an_order_of_its_own():
    lengths = [(7 * i) % 23 for i in range(45)]
    rows = [[i] * length for i, length in enumerate(lengths)]
    schedule, again = (Schedule(rows, 4, seed=1) for _ in range(2))
    epochs = [
        [schedule.batch(e * schedule.steps_per_epoch + i) for i in range(12)]
        for e in range(2)
    ]
    for epoch in epochs:
        assert sorted(i for batch in epoch for i in batch) == list(range(45))
    assert epochs[0] != epochs[1]
    assert again.batch(13) == schedule.batch(13)
    spread = [
        max(map(lengths.__getitem__, b)) - min(map(lengths.__getitem__, b))
        for b in epochs[0]
    ]
    assert sum(spread) / len(spread) < 6


def test_a_large_step_is_split_without_changing_its_gradient(backend):
    lm = backend._lm
    examples = [encode(item, lm.chat) for item in facts(n=6)]
    parts = list(micro_batches(examples, at_once=80))
    assert sorted(id(example) for part in parts for example in part) == sorted(
        map(id, examples)
    )
    assert all(len(part) * part[0].length <= 80 or len(part) == 1 for part in parts)
    gradients = []
    for limit in (10_000, 80):
        step = RoundTrainer(lm, facts(n=6), training(batch_size=6))
        step._set_up(None)
        step._forward.at_once = limit
        step._gradient(step._new, [])
        gradients.append([p.grad for p in step._parameters.values()])
    for whole, split_gradient in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, split_gradient, atol=1e-6, rtol=1e-4)


def test_one_pass_with_replay_gives_the_sum_of_both_gradients(backend):
    lm = backend._lm
    items = facts(n=4) + [replace(item, kind="replay") for item in facts(n=3)]
    step = RoundTrainer(lm, items, training(batch_size=4, replay_weight=3.0))
    step._set_up(None)
    with torch.no_grad():
        for number, parameter in enumerate(step._parameters.values()):
            parameter += 0.02 * torch.randn(
                parameter.shape, generator=torch.Generator().manual_seed(number)
            )

    def gradients():
        return [p.grad.clone() for p in step._parameters.values()]

    step._base_logits.prepare(step._replay, lambda: False)
    numbers = step._gradient(step._new, step._replay)
    together = gradients()
    assert step._gradient(step._new, [])["loss"] == pytest.approx(numbers["loss"])
    new = gradients()
    step._optimizer.zero_grad()
    rows = [example.chosen for example in step._replay]
    forward = step._forward
    divergence = forward.both((), rows, forward.base_predictions(rows))[1]
    kl = divergence / sum(row.n_answer for row in rows)
    assert kl.item() == pytest.approx(numbers["replay_kl"], rel=1e-4)
    assert kl.item() > 0
    (3.0 * kl).backward()
    for both, first, second in zip(together, new, gradients(), strict=True):
        torch.testing.assert_close(both, first + second, atol=1e-6, rtol=1e-4)


def test_a_step_is_split_with_the_least_padding():
    def items(*lengths):
        rows = [Row(list(range(9, 9 + n)), n - 1) for n in lengths]
        return [Example("sft", row, None, 1.0) for row in rows]

    def cut(*lengths, at_once=10**6):
        parts = micro_batches(items(*lengths), at_once=at_once)
        return [[example.length for example in part] for part in parts]

    assert cut(40, 41, 40) == [[41, 40, 40]]
    assert cut(40, 400, 42, 390) == [[400, 390], [42, 40]]
    assert cut(40, 400, 42, 390, at_once=500) == [[400], [390], [42, 40]]
