"""Loading of models, and the errors of what cannot be loaded."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from autolearn.containment import stopped_by
from autolearn.core.errors import BackendError, InputError, OutOfMemory
from autolearn.core.ports import Cancelled
from autolearn.engine import load
from autolearn.engine.load import memory_guard
from autolearn.engine.trainer.batches import encode
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.train import RoundTrainer
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.models import shape as model_shape
from tests.support.tiny import Watch, build_model, facts, never, request, training

pytestmark = pytest.mark.torch_model


def test_damaged_weights_raise_an_error(open_model, tmp_path):
    folder = build_model(tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(InputError, match="not a whole safetensors file"):
        open_model("none", folder)


def test_weights_that_do_not_fit_are_not_read(open_model, monkeypatch):
    monkeypatch.setattr(hardware, "free_memory", lambda: 1000)
    monkeypatch.setattr(load, "_weights", None)
    with pytest.raises(OutOfMemory, match="MiB and 0 are free"):
        open_model("none")


def test_an_unknown_kind_of_model_raises_an_error(open_model, tmp_path):
    folder = build_model(tmp_path / "unknown")
    config = (folder / "config.json").read_text().replace("llama", "lama")
    (folder / "config.json").write_text(config)
    with pytest.raises(BackendError, match="transformers knows"):
        open_model("none", folder)


def test_a_model_that_was_saved_in_four_bit_learns_like_its_original(
    open_model, folder, tmp_path
):
    original = open_model("packed")
    place = tmp_path / "packed"
    original._lm.model.save_pretrained(place)
    original._lm.tokenizer.save_pretrained(place)
    assert model_files.locate(str(place)) == place
    with pytest.raises(BackendError, match="load it in 4 bit"):
        open_model("none", place)
    shape, plain = model_shape.of(place), model_shape.of(folder)
    assert (shape.parameters, shape.packed) == (plain.parameters, plain.packed)
    four_bit = open_model("packed", place)
    assert four_bit.complete([request("why?")], never) == original.complete(
        [request("why?")], never
    )
    watch = Watch()
    places = {"checkpoints": tmp_path / "checkpoints", "output": tmp_path / "adapter"}
    four_bit.train(facts(), training(max_steps=12), watch, start=None, **places)
    assert watch.seen[-1]["loss"] < 0.7 * watch.seen[0]["loss"]


def change_config(path: Path, **values) -> None:
    """Set values in a JSON file."""
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | values))


@pytest.fixture
def damaged_folder(folder, tmp_path) -> Path:
    """A copy of the model, for a test to spoil."""
    place: Path = tmp_path / "damaged"
    shutil.copytree(folder, place)
    return place


@pytest.mark.parametrize("in_config", [False, True])
@pytest.mark.parametrize("pad", [5000, -1])
def test_a_pad_token_beyond_the_embedding_is_not_used(
    open_model, backend, damaged_folder, pad, in_config
):
    if in_config:
        change_config(damaged_folder / "config.json", pad_token_id=pad)
    damaged_model = open_model("none", damaged_folder)
    lm = damaged_model._lm
    lm.tokenizer.add_special_tokens({"pad_token": "<|filling|>"})
    assert lm.tokenizer.pad_token_id == lm.model.config.vocab_size
    assert 0 <= lm.pad_id < lm.model.config.vocab_size
    requests = [request(q) for q in ("a?", "tell me all there is to tell")]
    assert damaged_model.complete(requests, never) == backend.complete(requests, never)
    rows = [encode(item, lm.chat).chosen for item in facts()]
    torch.testing.assert_close(
        Forward(lm).log_probs(rows), Forward(backend._lm).log_probs(rows)
    )


def test_a_round_pads_with_a_token_that_exists(open_model, damaged_folder, places):
    tokenizer = damaged_folder / "tokenizer.json"
    values = json.loads(tokenizer.read_text())
    filling = {**values["added_tokens"][0], "id": 5000, "content": "<|filling|>"}
    values["added_tokens"].append(filling)
    tokenizer.write_text(json.dumps(values))
    change_config(damaged_folder / "tokenizer_config.json", pad_token="<|filling|>")
    backend = open_model("nf4", damaged_folder)
    assert backend._lm.tokenizer.pad_token == "<|filling|>"
    watch = Watch()
    backend.train(facts(), training(max_steps=12), watch, **places)
    assert watch.seen[-1]["loss"] < 0.7 * watch.seen[0]["loss"]


def test_a_template_whose_tokens_the_weights_do_not_know_is_refused(
    open_model, damaged_folder
):
    weights = load_file(damaged_folder / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:100].clone()
    save_file(weights, damaged_folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BackendError, match="cannot be loaded; check that its files"):
        open_model("none", damaged_folder)
    change_config(damaged_folder / "config.json", vocab_size=100)
    with pytest.raises(BackendError, match="but its weights know only 100"):
        open_model("none", damaged_folder)


def test_missing_weights_raise_an_error(open_model, damaged_folder):
    weights = load_file(damaged_folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, damaged_folder / "model.safetensors", {"format": "pt"})
    for kind in ("none", "packed"):
        with pytest.raises(BackendError, match=r"lack 1 parts of a Llama.*up_proj"):
            open_model(kind, damaged_folder)


def test_the_same_weights_in_another_layout_are_neither_counted_nor_read(
    open_model, backend, folder, damaged_folder
):
    weights = load_file(damaged_folder / "model.safetensors")
    (damaged_folder / "model.safetensors").unlink()
    parts = {f"model-{i}.safetensors": dict[str, torch.Tensor]() for i in (1, 2)}
    place = {name: f"model-{1 + i % 2}.safetensors" for i, name in enumerate(weights)}
    for name, part in place.items():
        parts[part][name] = weights[name]
    for part, some in parts.items():
        save_file(some, damaged_folder / part, {"format": "pt"})
    index = {"metadata": {}, "weight_map": place}
    (damaged_folder / "model.safetensors.index.json").write_text(json.dumps(index))
    other = {f"layers.{i}": weight for i, weight in enumerate(weights.values())}
    save_file(other, damaged_folder / "consolidated.safetensors")
    assert model_files.locate(str(damaged_folder)) == damaged_folder
    shape, plain = model_shape.of(damaged_folder), model_shape.of(folder)
    assert (shape.parameters, shape.packed) == (plain.parameters, plain.packed)
    requests = [request("why?")]
    assert open_model("none", damaged_folder).complete(
        requests, never
    ) == backend.complete(requests, never)


def test_a_hub_snapshot_is_called_by_its_hub_id(open_model, folder, places, tmp_path):
    snapshot = tmp_path / "models--some--tiny-model" / "snapshots" / ("ab12" * 10)
    shutil.copytree(folder, snapshot)
    backend = open_model("none", snapshot)
    assert backend.identity.name == "some/tiny-model"
    backend.train(facts(), training(max_steps=1), Watch(), **places)
    config = json.loads((places["output"] / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "some/tiny-model"
    assert "ab12" not in (places["output"] / model_files.ADAPTER_NOTE).read_text()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_out_of_memory_errors_become_a_sentence(error):
    with pytest.raises(OutOfMemory, match="fewer items per step"), memory_guard():
        raise error


def test_other_errors_pass_the_guard_unchanged():
    with pytest.raises(RuntimeError, match="shapes"), memory_guard():
        raise RuntimeError("shapes do not fit")


def test_a_round_that_does_not_fit_leaves_the_base_active(
    backend, tmp_path, monkeypatch
):
    def too_much(self, examples, replay):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(RoundTrainer, "_gradient", too_much)
    with pytest.raises(OutOfMemory):
        backend.train(
            facts(),
            training(),
            Watch(),
            start=None,
            checkpoints=tmp_path / "checkpoints",
            output=tmp_path / "adapter",
        )
    assert type(backend._lm.model).__name__ == "LlamaForCausalLM"
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize("kind", ["none", "packed"])
def test_loading_is_stopped_between_two_weights(open_model, kind):
    n_asked = 0

    def stop():
        nonlocal n_asked
        n_asked += 1
        return n_asked > 5

    with stopped_by(stop), pytest.raises(Cancelled):
        open_model(kind)
    assert n_asked == 6
    (completion,) = open_model(kind).complete([request("why?")], never)
    assert completion.n_tokens > 0, "and the next loading is not"
