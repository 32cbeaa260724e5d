"""Several processes train as one does: with gloo, on the CPU."""

from dataclasses import replace
from itertools import chain

import pytest
import torch
from safetensors.torch import load_file

from autolearn.core.errors import BackendError
from autolearn.core.records import DRIFT_PROBE, TrainItem
from autolearn.engine.backend import HuggingFaceBackend, _check_devices
from autolearn.engine.trainer import joint_training
from autolearn.engine.trainer.batches import encode
from autolearn.engine.trainer.outcome import Outcome
from autolearn.engine.trainer.process_group import ProcessGroup
from autolearn.engine.trainer.shares import shares
from autolearn.engine.trainer.training_job import TrainingJob
from tests.support import forks
from tests.support.tiny import Watch, chat, facts, never, request, training

pytestmark = pytest.mark.torch_model

NAMES = ("loss", "replay_kl", "reward_margin", "grad_norm", "learning_rate", "tokens")


def items_of(kind):
    """Return items of unequal lengths and weights, with all that a round measures."""
    rejected = {"rejected": "a mauve that nobody likes"} if kind == "dpo" else {}
    new = [
        replace(item, chosen=item.chosen * (1 + i % 3), weight=0.5 + i % 2)
        for i, item in enumerate(facts(kind, 7, **rejected))
    ]
    replay = [TrainItem("replay", chat(f"tell of {i}"), "so" * (i + 1)) for i in (3, 9)]
    others = [TrainItem("validation", chat("colour of 1 now?"), "red")]
    others.append(TrainItem(DRIFT_PROBE, chat("speak"), "of the sea"))
    return [*new, *replay, *others]


def settings_of(kind, **values):
    method = "al2" if kind == "dpo" else "refined_sft"
    return training(method=method, batch_size=3, max_steps=9, stop_at=0.0, **values)


def same_curve(seen, expected):
    assert len(seen) == len(expected) > 0
    for here, there in zip(seen, expected, strict=True):
        for name in NAMES:
            assert here.get(name) == pytest.approx(there.get(name), abs=1e-4), name


def same_adapter(folder, other):
    first, second = (
        load_file(f / "adapter_model.safetensors") for f in (folder, other)
    )
    assert first.keys() == second.keys() != set()
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-3, rtol=1e-3)


@pytest.fixture
def alone(open_model, tmp_path):
    """What one process does."""

    def train(kind, items, settings):
        places = {
            "start": None,
            "checkpoints": tmp_path / "c1",
            "output": tmp_path / "o1",
        }
        watch = Watch()
        outcome = open_model(kind).train(items, settings, watch, **places)
        return watch.seen, outcome.scores, places["output"]

    return train


@pytest.mark.parametrize(
    ("weights", "kind", "n"),
    [("none", "sft", 2), ("packed", "dpo", 2), ("nf4", "sft", 3)],
)
def test_several_processes_learn_what_one_does(
    open_model, places, alone, weights, kind, n
):
    items, settings = items_of(kind), settings_of(kind)
    seen, scores, folder = alone(weights, items, settings)
    parts = forks.train(open_model(weights)._lm, items, settings, places, n)
    assert [part.error for part in parts] == [""] * n
    for part in parts:
        same_curve(part.seen, seen)
        assert part.outcome.finished
        for name in ("scale", "validation", "forgetting_kl"):
            assert part.outcome.scores[name] == pytest.approx(scores[name], abs=1e-4)
    same_adapter(places["output"], folder)


def test_more_processes_than_items_learn_the_same(open_model, places, alone):
    items, settings = facts(n=2), training(batch_size=1)
    seen, _, folder = alone("none", items, settings)
    parts = forks.train(open_model()._lm, items, settings, places, 3)
    assert [part.error for part in parts] == [""] * 3
    same_curve(parts[0].seen, seen)
    same_adapter(places["output"], folder)


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 3)])
def test_a_checkpoint_is_resumed_by_any_number_of_processes(
    open_model, places, alone, before, after
):
    items, settings = items_of("sft"), settings_of("sft")
    seen, _, folder = alone("none", items, settings)
    curve = []
    for n, last in ((before, 4), (after, None)):
        changed = replace(settings, devices=n)
        lm = open_model()._lm
        parts = forks.train(lm, items, changed, places, n, last)
        assert [part.error for part in parts] == [""] * n
        assert {part.outcome.finished for part in parts} == {last is None}
        curve += parts[0].seen
        if last:
            names = [path.name for path in places["checkpoints"].glob("step-*")]
            assert names == ["step-4"]
    same_curve(curve, seen)
    same_adapter(places["output"], folder)


def test_adapters_that_differ_are_refused(open_model, places, monkeypatch):
    """Regression: one process that goes astray must not be averaged in silence."""
    check = ProcessGroup.check_equal

    def astray(self, parameters):
        parameters = list(parameters)
        with torch.no_grad():
            parameters[0].add_(self.number)
        check(self, parameters)

    monkeypatch.setattr(ProcessGroup, "check_equal", astray)
    parts = forks.train(open_model()._lm, facts(), training(), places)
    assert "no longer that of the first" in parts[1].error
    assert parts[0].error
    assert not places["output"].exists()


def test_the_model_is_given_up_for_other_processes_and_loaded_again(
    open_model, places, monkeypatch
):
    backend, jobs = open_model(), []
    before = backend.complete([request("a?")], never)

    def train(model, folder, job, watcher):
        assert backend._loaded is None
        jobs.append((model.model, str(folder), job))
        return Outcome(6, finished=True)

    monkeypatch.setattr(joint_training, "train", train)
    settings = training(devices=2)
    assert backend.train(facts(), settings, Watch(), **places).finished
    assert jobs[0][0] == jobs[0][1] != ""
    assert jobs[0][2] == TrainingJob(tuple(facts()), settings, *places.values())
    assert backend.complete([request("a?")], never) == before
    with pytest.raises(
        BackendError, match=r"uses 2 GPUs and 1 can be used.*--devices 1"
    ):
        _check_devices(2, 1)


def test_shares_are_equal_and_complete(backend: HuggingFaceBackend):
    examples = [encode(item, backend._lm.chat) for item in items_of("dpo")]
    for n in (1, 2, 3, len(examples) + 5):
        parts = shares(examples, n)
        assert len(parts) == n
        assert sorted(map(id, chain.from_iterable(parts))) == sorted(map(id, examples))
        assert parts[0]
    sizes = [
        sum(len(row.ids) for e in part for row in e.rows)
        for part in shares(examples, 2)
    ]
    assert max(sizes) < 2 * min(sizes)
    # All processes see the same order of items; none depends on it.
    assert (
        shares(examples[::-1], 3)[0][0].chosen.ids
        == shares(examples, 3)[0][0].chosen.ids
    )
