"""A round for Unsloth: a Python script.

The command line of Unsloth reads neither tokens nor pairs and has no learning rate
schedule, so a round does not fit into its YAML.
"""

from autolearn.export.handover.contents import Handover
from autolearn.export.handover.tools import (
    DATA,
    OUTPUT,
    START,
    HandoverTool,
    call,
    data_files,
    training_arguments,
)
from autolearn.export.handover.trl import differences, preference

SCRIPT = "train.py"
_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
"""The linear layers of most models; see ``Handover.target_modules``."""

_TEXT = '''\
"""{title} of autolearn for Unsloth; see README.md. It needs a GPU."""

{imports}

model, tokenizer = {load}
{adapter}data = load_dataset("./{data}")
arguments = {arguments}
trainer = {kind}Trainer(
    model=model,
    processing_class=tokenizer,
    args=arguments,
    train_dataset=data["train"],
    eval_dataset=data.get("test"),
)
trainer.train()
model.save_pretrained("{output}")
tokenizer.save_pretrained("{output}")
'''


def _script(handover: Handover) -> str:
    kind = "DPO" if handover.is_preference else "SFT"
    return _TEXT.format(
        title=handover.title,
        imports=_imports(kind),
        load=_load(handover),
        adapter="" if handover.start else f"model = {_adapter(handover)}\n",
        data=DATA,
        arguments=_arguments(handover, kind),
        kind=kind,
        output=OUTPUT,
    )


def _imports(kind: str) -> str:
    # Unsloth changes the other packages, so it is imported before them.
    return (
        "from unsloth import FastLanguageModel  # isort: skip\n"
        "from datasets import load_dataset\n"
        f"from trl import {kind}Config, {kind}Trainer"
    )


def _load(handover: Handover) -> str:
    model = handover.model
    return call(
        "FastLanguageModel.from_pretrained",
        {
            "model_name": START if handover.start else model.path,
            "max_seq_length": handover.max_tokens,
            "load_in_4bit": model.is_4_bit,
            "load_in_16bit": not model.is_4_bit,
            "use_exact_model_name": True,
        },
    )


def _adapter(handover: Handover) -> str:
    settings = handover.settings
    return call(
        "FastLanguageModel.get_peft_model",
        {
            "model": "MODEL",
            "r": settings.rank,
            "lora_alpha": settings.alpha,
            "lora_dropout": 0.0,
            "target_modules": list(handover.target_modules) or _LAYERS,
            "bias": "none",
            "use_gradient_checkpointing": "unsloth",
            "random_state": settings.seed,
        },
    ).replace("'MODEL'", "model")


def _arguments(handover: Handover, kind: str) -> str:
    common = training_arguments(handover) | {"max_length": handover.max_tokens}
    # Unsloth chooses between bfloat16 and float16 by the GPU.
    del common["bf16"]
    is_pair = handover.is_preference
    own = preference(handover) if is_pair else {"packing": False}
    return call(f"{kind}Config", {**common, **own})


def _differences(handover: Handover) -> list[str]:
    others = [
        "It computes in the 16-bit type of the GPU, and replaces parts of model and "
        "trainer by its own kernels."
    ]
    return [*others, *differences(handover)]


UNSLOTH = HandoverTool(
    "Unsloth",
    "2026.10.9",
    lambda handover: {SCRIPT: _script(handover), **data_files(handover)},
    lambda _: f"python {SCRIPT}",
    _differences,
)
