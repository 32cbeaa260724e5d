"""What a round takes of items, time and memory, told before it is queued."""

from dataclasses import replace
from math import ceil

import pytest

from autolearn.core.model_calls import Message, ModelIdentity
from autolearn.core.records import (
    DRIFT_PROBE,
    Round,
    TrainItem,
)
from autolearn.core.settings import ModelSettings
from autolearn.models import hardware
from autolearn.services.estimates import durations, memory_needs
from autolearn.services.estimates.round_contents import ItemLength, round_contents
from autolearn.study import prompts
from autolearn.training import replay
from tests.support.trainings import ORDER, SETTINGS, count, samples


def test_generated_instructions_are_as_long_as_those_of_the_round_before(store):
    samples(store, 20, gaps=20)
    most = replay.INSTRUCTION_TOKENS + replay.ANSWER_TOKENS
    first = round_contents(store, ORDER, count)
    assert first.instruction.tokens == most
    run = store.runs.create("train", {})
    probe_items = [
        TrainItem(DRIFT_PROBE, (Message("user", "Who is it?"),), "It is Ada."),
        TrainItem(DRIFT_PROBE, (Message("user", "Why?"),), "Ask."),
    ]
    base = ModelIdentity("m", "d", "nf4", "float32", "cpu")
    store.rounds.create(Round("refined_sft", run.id, {}, base, None), probe_items)
    then = round_contents(store, ORDER, count)
    assert then.instruction == ItemLength((3 + 1) / 2, (3 + 1) / 2)
    fewer = SETTINGS.n_replay(len(then.tokens)) * (most - 4)
    steps = ceil(len(then.tokens) / SETTINGS.batch_size)
    per_step = [
        durations.effort(SETTINGS, contents, None).tokens_per_step
        for contents in (first, then)
    ]
    assert per_step[0] - per_step[1] == pytest.approx(fewer / steps, abs=1)


def test_a_model_that_reads_no_system_message_is_told_less(store):
    samples(store, 4, gaps=4)
    both = [
        round_contents(store, ORDER, count, reads_system=reads)
        for reads in (True, False)
    ]
    rules = len(prompts.load("closed_book").system.split())
    assert [a - b for a, b in zip(both[0].tokens, both[1].tokens, strict=True)] == [
        rules
    ] * len(both[0].tokens)


def test_memory_that_the_worker_holds_with_the_model_is_counted(store, monkeypatch):
    contents, model = (
        round_contents(store, ORDER, count),
        ModelSettings(),
    )
    need = memory_needs.of_training(store, model, SETTINGS, contents).need
    monkeypatch.setattr(
        hardware, "worker_memory", lambda path: need.n_loaded + (1 << 30)
    )
    assert memory_needs.of_training(store, model, SETTINGS, contents).need == need
    store.runs.create("study", {"model": model.as_dict(), "study": {}})
    store.runs.claim(1, ("study",))
    then = memory_needs.of_training(store, model, SETTINGS, contents).need
    assert then == replace(need, libraries=need.libraries + (1 << 30))
    other = ModelSettings(quantization="none")
    assert memory_needs.of_training(store, other, SETTINGS, contents).need == need


def test_a_round_that_may_not_fit_is_shown_with_settings_that_would(store, monkeypatch):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, lambda text: 150)
    monkeypatch.setattr(hardware, "free", lambda devices=1: 480 << 20)
    fit = memory_needs.of_training(store, ModelSettings(), SETTINGS, contents)
    assert "train with max_tokens=" in str(fit.problem)
