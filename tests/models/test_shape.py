"""The sizes of a model, read without its weights."""

import json
import struct

import pytest

from autolearn.core.errors import InputError
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape


def test_the_built_in_model_is_described_from_its_headers():
    shape = model_shape.of(model_files.BUILT_IN)
    assert (shape.family, shape.context, shape.kv) == ("llama", 1024, 192)
    assert 0 < shape.packed < shape.parameters < 10**7


def weights(folder, header):
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)


def test_a_description_counts_without_reading_weights(tmp_path):
    header = {"dtype": "F16", "data_offsets": [0, 0]}
    weights(
        tmp_path,
        {
            "__metadata__": {"format": "pt"},
            "model.embed_tokens.weight": header | {"shape": [100, 8]},
            "model.layers.0.mlp.up_proj.weight": header | {"shape": [32, 8]},
            "model.norm.weight": header | {"shape": [8]},
        },
    )
    config = {"model_type": "x", "text_config": {"max_position_embeddings": 64}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    shape = model_shape.of(tmp_path)
    assert (shape.parameters, shape.packed, shape.context) == (1064, 256, 64)
    assert shape.dtype == "float16"
    assert shape.licence == "apache-2.0"


def test_omitted_settings_follow_from_the_weights(tmp_path):
    header = {"dtype": "F16", "data_offsets": [0, 0]}
    layers = "language_model.model.layers.0.self_attn"
    eye = "vision_tower.vision_model.encoder.layers.0"
    weights(
        tmp_path,
        {
            "language_model.model.embed_tokens.weight": header | {"shape": [100, 8]},
            f"{layers}.k_proj.weight": header | {"shape": [4, 8]},
            f"{eye}.self_attn.k_proj.weight": header | {"shape": [6, 6]},
            "multi_modal_projector.mm_input_projection_weight": header
            | {"shape": [6, 8]},
        },
    )
    text = {"hidden_size": 8, "num_hidden_layers": 1}
    config = {"model_type": "x", "text_config": text, "vision_config": {}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = model_shape.of(tmp_path)
    assert (shape.vocabulary, shape.kv, shape.hidden_size) == (100, 4, 8)
    assert (shape.linear, shape.towers, shape.packed) == (((4, 8),), 36, 68)
    assert shape.parameters == 800 + 32 + 36 + 48


@pytest.mark.parametrize("told", [b"", b"\xff" * 20, struct.pack("<Q", 2) + b"[]"])
def test_broken_weights_raise_an_error(tmp_path, told):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(told)
    with pytest.raises(InputError, match="not a whole safetensors file"):
        model_shape.of(tmp_path)


def test_experts_are_neither_quantised_nor_adapted(tmp_path):
    header = {"dtype": "BF16", "data_offsets": [0, 0]}
    layer = "model.layers.0"
    experts = {
        f"{layer}.mlp.experts.{i}.up_proj.weight": header | {"shape": [32, 8]}
        for i in range(4)
    }
    attention = {f"{layer}.self_attn.q_proj.weight": header | {"shape": [8, 8]}}
    weights(tmp_path, experts | attention)
    config = {"hidden_size": 8, "num_experts": 4, "num_experts_per_tok": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = model_shape.of(tmp_path)
    assert (shape.linear, shape.packed) == (((8, 8),), 64)
    assert (shape.parameters, shape.experts) == (4 * 256 + 64, 2 * 256)


def test_sizes_have_other_names_or_are_lists(tmp_path):
    weights(tmp_path, {})
    config = {"d_model": 8, "n_heads": 2, "n_layers": 3, "intermediate_size": [16, 32]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = model_shape.of(tmp_path)
    assert (shape.hidden_size, shape.kv, shape.layers, shape.inner) == (8, 8, 3, 32)
