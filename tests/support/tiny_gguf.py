"""Write the tiny network as a GGUF file, as llama.cpp's converter does."""

from pathlib import Path

import numpy as np
from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFWriter, get_tensor_name_map
from gguf.constants import TokenType
from gguf.quants import quantize
from safetensors.numpy import load_file
from transformers import AutoConfig, AutoTokenizer

from autolearn.models import files as model_files

HALVED = ("q_proj.weight", "k_proj.weight")
"""llama.cpp has the two halves of each head's rows in turn."""


def write(folder: Path, file: Path, architecture: str = "llama") -> Path:
    """Write the model in ``folder`` in 8 bit, with its tokenizer and template."""
    config = AutoConfig.from_pretrained(folder)
    writer = GGUFWriter(file, architecture)
    writer.add_name("tiny")
    writer.add_license("mit")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer, folder)
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in load_file(folder / "model.safetensors").items():
        if name.endswith(HALVED):
            heads = config.num_attention_heads
            if "k_proj" in name:
                heads = config.num_key_value_heads
            split = tensor.reshape(heads, 2, -1, tensor.shape[1])
            tensor = np.ascontiguousarray(split.swapaxes(1, 2)).reshape(tensor.shape)
        short = names.get_name(name, try_suffixes=(".weight",)) or name
        kind = GGMLQuantizationType.Q8_0
        if tensor.ndim == 1:
            writer.add_tensor(short, tensor.astype(np.float32))
        else:
            data = quantize(tensor.astype(np.float32), kind)
            writer.add_tensor(short, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tokenizer(writer: GGUFWriter, folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [TokenType.CONTROL if t in special else TokenType.NORMAL for t in tokens]
    )
    writer.add_token_scores([0.0] * len(tokens))  # it has no merges to be given
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    if model_files.has_template(folder):
        writer.add_chat_template(tokenizer.chat_template)
