"""A round for TRL: ``trl sft`` and ``trl dpo`` with a YAML file.

The command line of TRL makes a new adapter. A round that continues one therefore gets a
script, which reads the same YAML.
"""

from autolearn.export.handover.contents import Handover
from autolearn.export.handover.tools import (
    DATA,
    START,
    HandoverTool,
    Settings,
    as_yaml,
    data_files,
    layers,
    training_arguments,
)

_SCRIPT = '''\
"""Continue the adapter in the folder {start} with TRL; see README.md."""

from datasets import load_dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import ModelConfig, ScriptArguments, TrlParser, get_quantization_config
from trl import {kind}Config, {kind}Trainer

parser = TrlParser((ScriptArguments, {kind}Config, ModelConfig))
script, arguments, model = parser.parse_args_and_config(["--config", "{config}"])
base = AutoModelForCausalLM.from_pretrained(
    model.model_name_or_path,
    dtype=model.dtype,
    quantization_config=get_quantization_config(model),
)
data = load_dataset(script.dataset_name)
trainer = {kind}Trainer(
    model=PeftModel.from_pretrained(base, "{start}", is_trainable=True),
    args=arguments,
    processing_class=AutoTokenizer.from_pretrained(model.model_name_or_path),
    train_dataset=data["train"],
    eval_dataset=data.get("test"),
)
trainer.train()
trainer.save_model(arguments.output_dir)
'''


def _config(handover: Handover) -> str:
    return "dpo.yaml" if handover.is_preference else "sft.yaml"


def _settings(handover: Handover) -> Settings:
    settings, model = handover.settings, handover.model
    quantization = {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "use_bnb_nested_quant": True,
    }
    lora = {
        "use_peft": True,
        "lora_r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": 0.0,
        "lora_target_modules": layers(handover),
    }
    return {
        "model_name_or_path": model.path,
        "dtype": model.dtype,
        **(quantization if model.is_4_bit else {}),
        **({} if handover.start else lora),
        "dataset_name": f"./{DATA}",
        **training_arguments(handover),
        "max_length": handover.max_tokens,
        **(preference(handover) if handover.is_preference else {"packing": False}),
    }


def preference(handover: Handover) -> Settings:
    """Return the settings of TRL's ``DPOConfig`` alone."""
    nll = handover.settings.nll_weight
    settings: Settings = {"beta": handover.settings.beta, "loss_type": ["sigmoid"]}
    if nll:
        settings |= {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, nll]}
    return settings


def _files(handover: Handover) -> dict[str, str]:
    config = _config(handover)
    files = {
        config: as_yaml(handover, "TRL", _settings(handover)),
        **data_files(handover),
    }
    if handover.start:
        kind = "DPO" if handover.is_preference else "SFT"
        files["train.py"] = _SCRIPT.format(kind=kind, config=config, start=START)
    return files


def _command(handover: Handover) -> str:
    config = _config(handover)
    return (
        "python train.py"
        if handover.start
        else f"trl {config.removesuffix('.yaml')} --config {config}"
    )


def differences(handover: Handover) -> list[str]:
    """Return the differences between TRL and autolearn."""
    if not (handover.is_preference and handover.settings.nll_weight):
        return []
    return [
        "The NLL of the chosen answers is a mean over the tokens of a batch, in "
        "autolearn over the tokens of each answer and then over the pairs."
    ]


TRL = HandoverTool("TRL", "1.16.0", _files, _command, differences)
