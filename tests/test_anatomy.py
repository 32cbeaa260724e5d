"""What a model is, counted without reading its weights."""

import json
import struct

import pytest

from autolearn import anatomy, models
from autolearn.errors import InputError


def test_the_built_in_model_is_described_from_its_headers():
    seen = anatomy.of(models.BUILT_IN)
    assert (seen.family, seen.context, seen.kv) == ("llama", 1024, 192)
    assert 0 < seen.packed < seen.parameters < 10**7


def weights(folder, header):
    told = json.dumps(header).encode()
    (folder / "a.safetensors").write_bytes(struct.pack("<Q", len(told)) + told)


def test_a_description_counts_without_reading_weights(tmp_path):
    shape = {"dtype": "F16", "data_offsets": [0, 0]}
    weights(
        tmp_path,
        {
            "__metadata__": {"format": "pt"},
            "model.embed_tokens.weight": shape | {"shape": [100, 8]},
            "model.layers.0.mlp.up_proj.weight": shape | {"shape": [32, 8]},
            "model.norm.weight": shape | {"shape": [8]},
        },
    )
    config = {"model_type": "x", "text_config": {"max_position_embeddings": 64}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    seen = anatomy.of(tmp_path)
    assert (seen.parameters, seen.packed, seen.context) == (1064, 256, 64)
    assert seen.dtype == "float16"
    assert seen.licence == "apache-2.0"


@pytest.mark.parametrize("told", [b"", b"\xff" * 20, struct.pack("<Q", 2) + b"[]"])
def test_broken_weights_are_told_in_a_sentence(tmp_path, told):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "a.safetensors").write_bytes(told)
    with pytest.raises(InputError, match="not a whole safetensors file"):
        anatomy.of(tmp_path)
