"""A round for LLaMA-Factory: one YAML file and ``dataset_info.json``.

LLaMA-Factory reads texts. The template ``empty`` leaves them as they are: the chat
template of the model is in them already.
"""

import json

from autolearn.export.handover import rows
from autolearn.export.handover.contents import Handover
from autolearn.export.handover.tools import (
    DATA,
    START,
    HandoverTool,
    Settings,
    as_yaml,
    training_arguments,
)

CONFIG = "config.yaml"


def _settings(handover: Handover) -> Settings:
    settings, model = handover.settings, handover.model
    names = ",".join(handover.target_modules)
    evaluation = {"eval_dataset": "validation"} if handover.validation else {}
    return {
        "model_name_or_path": model.path,
        **(_quantization() if model.is_4_bit else {}),
        **({"adapter_name_or_path": START} if handover.start else {}),
        "stage": "dpo" if handover.is_preference else "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": 0.0,
        "lora_target": names or "all",
        **(_preference(handover) if handover.is_preference else {}),
        "dataset_dir": DATA,
        "dataset": "train",
        **evaluation,
        "template": "empty",
        "cutoff_len": handover.max_tokens,
        "packing": False,
        "overwrite_cache": True,
        **training_arguments(handover),
    }


def _quantization() -> Settings:
    return {
        "quantization_method": "bnb",
        "quantization_bit": 4,
        "quantization_type": "nf4",
        "double_quantization": True,
    }


def _preference(handover: Handover) -> Settings:
    settings: Settings = {
        "pref_loss": "sigmoid",
        "pref_beta": handover.settings.beta,
        "pref_ftx": handover.settings.nll_weight,
    }
    if handover.start:
        # The reference is the round before this one, not the base.
        settings |= {
            "ref_model": handover.model.path,
            "ref_model_adapters": START,
            **({"ref_model_quantization_bit": 4} if handover.model.is_4_bit else {}),
        }
    return settings


def _files(handover: Handover) -> dict[str, str]:
    row = rows.pair if handover.is_preference else rows.texts
    parts = {"train": handover.training, "validation": handover.validation}
    parts = {name: items for name, items in parts.items() if items}
    info = {name: _description(handover, name) for name in parts}
    return {
        CONFIG: as_yaml(handover, "LLaMA-Factory", _settings(handover)),
        f"{DATA}/dataset_info.json": json.dumps(info, indent=2) + "\n",
        **{f"{DATA}/{name}.jsonl": rows.lines(parts[name], row) for name in parts},
    }


def _description(handover: Handover, name: str) -> Settings:
    columns = {"prompt": "prompt", "response": "completion"}
    if handover.is_preference:
        columns = {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}
    return {
        "file_name": f"{name}.jsonl",
        "formatting": "alpaca",
        "ranking": handover.is_preference,
        "columns": columns,
    }


LLAMA_FACTORY = HandoverTool(
    "LLaMA-Factory",
    "0.9.5",
    _files,
    lambda _: f"llamafactory-cli train {CONFIG}",
    lambda _: [],
    reads_tokens=False,
)
