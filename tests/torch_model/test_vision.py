"""Models for images and text: their text layers are loaded and trained."""

from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    CLIPConfig,
    CLIPModel,
    Florence2Config,
    Florence2ForConditionalGeneration,
)

from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Sampling
from autolearn.engine import merging
from autolearn.engine.decoding.generate import DecodedText, generate
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from tests.support.tiny import (
    CONTEXT,
    TEMPLATE,
    Watch,
    build_tokenizer,
    chat,
    facts,
    logits,
    never,
    training,
    transformers_texts,
)

pytestmark = pytest.mark.torch_model

TEXT = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
EYE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
BLOCKS = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2}
QWEN = BLOCKS | {"out_hidden_size": 64, "fullatt_block_indexes": [0]}
ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3]}


def settings(kind: str) -> dict[str, Any]:
    """Return what the parts of a tiny model of this kind are like."""
    return {
        "gemma3": {
            "text_config": TEXT | {"sliding_window": 8},
            "vision_config": EYE,
            "mm_tokens_per_image": 4,
        },
        "mistral3": {
            "text_config": TEXT | {"model_type": "mistral", "sliding_window": None},
            "vision_config": EYE | {"model_type": "pixtral"},
        },
        "llava": {
            "text_config": TEXT | {"model_type": "llama"},
            "vision_config": EYE | {"model_type": "clip_vision_model"},
        },
        "qwen2_5_vl": {
            "text_config": TEXT | {"rope_parameters": ROPE},
            "vision_config": QWEN,
        },
        "smolvlm": {
            "text_config": TEXT | {"model_type": "llama"},
            "vision_config": EYE,
        },
    }[kind]


@pytest.fixture(
    scope="module", params=["gemma3", "mistral3", "llava", "qwen2_5_vl", "smolvlm"]
)
def image_model(request, tmp_path_factory):
    """The folder of a model for images and text, with random weights."""
    folder = tmp_path_factory.mktemp("seeing") / request.param
    tokenizer = build_tokenizer(TEMPLATE)
    tokenizer.save_pretrained(folder)
    parts = settings(request.param)
    parts["text_config"]["vocab_size"] = len(tokenizer)
    config = AutoConfig.for_model(request.param, **parts)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForImageTextToText.from_config(config).save_pretrained(folder)
    return folder


def is_text(name: str) -> bool:
    return "language_model" in name or "text_model" in name


def test_an_image_model_generates_text_like_transformers(image_model, open_model):
    assert model_files.locate(str(image_model)) == image_model
    lm = open_model("none", image_model)._lm
    prompts = [lm.chat.prompt(chat(q)) for q in ("why is it?", "why not?")]
    ours = generate(
        lm,
        [DecodedText(ids, Sampling(max_new_tokens=8)) for ids in prompts],
        never,
        stop_ids=frozenset(),
    )
    assert [c.text for c in ours] == transformers_texts(lm, prompts, 8)


def test_a_round_trains_its_text_layers_alone(image_model, open_model, tmp_path):
    backend = open_model("packed", image_model)
    places = {"checkpoints": tmp_path / "checkpoints", "output": tmp_path / "adapter"}
    watch = Watch()
    backend.train(facts(), training(max_steps=12), watch, start=None, **places)
    assert watch.seen[-1]["loss"] < 0.7 * watch.seen[0]["loss"]
    weights = load_file(places["output"] / "adapter_model.safetensors")
    linear = [
        name
        for name, module in backend._lm.model.named_modules()
        if isinstance(module, torch.nn.Linear) and is_text(name)
    ]
    modules = {name.partition(".lora_")[0] for name in weights}
    assert modules == {f"base_model.model.{name}" for name in linear}
    assert len(linear) == 14
    backend.use_adapter(places["output"])
    again = open_model("packed", image_model)
    base = logits(again._lm.model)
    again.use_adapter(places["output"])
    after = logits(again._lm.model)
    torch.testing.assert_close(logits(backend._lm.model), after)
    assert not torch.allclose(base, after, atol=1e-2)


def test_a_round_is_merged_into_the_whole_image_model(
    image_model, open_model, tmp_path
):
    backend = open_model("none", image_model)
    places = {"checkpoints": tmp_path / "checkpoints", "output": tmp_path / "adapter"}
    backend.train(facts(), training(), Watch(), start=None, **places)
    backend.use_adapter(places["output"])
    merging.merge(image_model, places["output"], tmp_path / "whole")
    whole = open_model("none", tmp_path / "whole")
    whole_logits, after = logits(whole._lm.model), logits(backend._lm.model)
    backend.use_adapter(None)
    base = logits(backend._lm.model)
    assert (whole_logits - after).norm() < 0.1 * (whole_logits - base).norm()
    shape, before = model_shape.of(tmp_path / "whole"), model_shape.of(image_model)
    assert shape.parameters == before.parameters


def test_the_sizes_of_an_image_model_are_those_of_its_text_layers(
    image_model, open_model
):
    shape = model_shape.of(image_model)
    model = open_model("none", image_model)._lm.model
    layers = {
        name: module.weight
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not model.lm_head
    }
    text = sorted(tuple(w.shape) for name, w in layers.items() if is_text(name))
    assert sorted(shape.linear) == text
    assert shape.packed == sum(weight.numel() for weight in layers.values())
    assert shape.parameters == sum(weight.numel() for weight in model.parameters())
    assert (shape.hidden_size, shape.kv, shape.layers) == (64, 32, 2)
    assert shape.vocabulary == model.config.get_text_config().vocab_size


def test_a_model_for_images_only_is_rejected_with_the_reason(tmp_path):
    build_tokenizer(TEMPLATE).save_pretrained(tmp_path)
    text = EYE | {"vocab_size": 300, "projection_dim": 32}
    CLIPModel(CLIPConfig(text_config=text, vision_config=EYE)).save_pretrained(tmp_path)
    with pytest.raises(
        BackendError, match=r"for images \(CLIPModel\), which writes no"
    ):
        model_files.locate(str(tmp_path))


def test_an_encoder_decoder_image_model_is_rejected(open_model, tmp_path):
    build_tokenizer(TEMPLATE).save_pretrained(tmp_path)
    config = Florence2Config(
        text_config={"vocab_size": 300, "d_model": 32, "encoder_layers": 1},
    )
    config.architectures = [Florence2ForConditionalGeneration.__name__]
    config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    with pytest.raises(BackendError, match="does not write text token by token"):
        open_model("none", tmp_path)
