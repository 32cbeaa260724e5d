"""A round for Axolotl: one YAML file."""

from autolearn.export.handover.contents import Handover
from autolearn.export.handover.tools import (
    DATA,
    OUTPUT,
    START,
    HandoverTool,
    Settings,
    as_yaml,
    data_files,
)
from autolearn.export.handover.trl import differences

CONFIG = "config.yaml"


def _settings(handover: Handover) -> Settings:
    settings, model = handover.settings, handover.model
    return {
        "base_model": model.path,
        "adapter": "qlora" if model.is_4_bit else "lora",
        "load_in_4bit": model.is_4_bit,
        "bf16": handover.uses_bf16,
        **_lora(handover),
        **_data(handover),
        "sequence_len": handover.max_tokens,
        "sample_packing": False,
        "pad_to_sequence_len": False,
        "output_dir": OUTPUT,
        "max_steps": handover.n_steps,
        "micro_batch_size": handover.part_size,
        "gradient_accumulation_steps": handover.n_parts,
        "gradient_checkpointing": True,
        "learning_rate": settings.peak_rate,
        "lr_scheduler": "linear",
        "warmup_steps": settings.warmup_steps,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "optimizer": handover.optimiser,
        "seed": settings.seed,
        "logging_steps": 1,
        "save_strategy": "no",
        **(_preference(handover) if handover.is_preference else {}),
    }


def _lora(handover: Handover) -> Settings:
    settings, names = handover.settings, list(handover.target_modules)
    targets = {"lora_target_modules": names} if names else {"lora_target_linear": True}
    return {
        "lora_r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": 0.0,
        **targets,
        **({"lora_model_dir": START} if handover.start else {}),
    }


def _data(handover: Handover) -> Settings:
    # Tokens need no type; the pairs are texts that stay as they are.
    kind = "passthrough" if handover.is_preference else ""
    file = {"split": "train", "type": kind}
    data: Settings = {
        "datasets": [{"path": f"{DATA}/train.jsonl", **file}],
        "dataset_prepared_path": "prepared",
        "val_set_size": 0.0,
    }
    if handover.validation:
        data["test_datasets"] = [{"path": f"{DATA}/test.jsonl", **file}]
        data["eval_strategy"] = "epoch"
        data["eval_sample_packing"] = False
    return data


def _preference(handover: Handover) -> Settings:
    nll = handover.settings.nll_weight
    settings: Settings = {
        "rl": "dpo",
        "rl_beta": handover.settings.beta,
        "dpo_loss_type": ["sigmoid"],
    }
    if nll:
        settings |= {
            "dpo_loss_type": ["sigmoid", "sft"],
            "dpo_loss_weights": [1.0, nll],
        }
    return settings


def _files(handover: Handover) -> dict[str, str]:
    return {
        CONFIG: as_yaml(handover, "Axolotl", _settings(handover)),
        **data_files(handover),
    }


AXOLOTL = HandoverTool(
    "Axolotl", "0.19.0", _files, lambda _: f"axolotl train {CONFIG}", differences
)
