"""Convert the built-in model to GGUF, called as llama.cpp's converter is.

That one is not on a package index, and knows the tokenizers of published models only.
"""

import argparse
import json
from pathlib import Path

import torch
from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFWriter, get_tensor_name_map
from safetensors.torch import load_file

HALVED = ("q_proj.weight", "k_proj.weight")
"""llama.cpp has the two halves of each head's rows in turn."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--outfile", type=Path)
    parser.add_argument("--outtype", choices=["bf16"])
    flags = parser.parse_args()
    config = json.loads((flags.model / "config.json").read_text())
    heads, layers = config["num_attention_heads"], config["num_hidden_layers"]
    writer = GGUFWriter(flags.outfile, "llama")
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, layers)
    for name, tensor in load_file(flags.model / "model.safetensors").items():
        if name.endswith(HALVED):
            split = tensor.view(heads, 2, -1, tensor.shape[1])
            tensor = split.transpose(1, 2).reshape(tensor.shape)
        short = names.get_name(name, try_suffixes=(".weight",)) or name
        raw = tensor.contiguous().view(torch.uint8).numpy()
        writer.add_tensor(short, raw, raw_dtype=GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
