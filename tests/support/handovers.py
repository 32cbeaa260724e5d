"""Rounds for other trainers, made by hand."""

from pathlib import Path

from autolearn.core.model_calls import Message
from autolearn.core.records import TrainItem
from autolearn.core.settings import TrainSettings
from autolearn.export.handover.contents import (
    EncodedItem,
    EncodedText,
    Handover,
    HandoverModel,
)

CHAT = (Message("user", "Who?"),)
MODEL = HandoverModel("org/model", "nf4", "bfloat16", "cuda", 2048)
CPU_MODEL = HandoverModel("/models/a", "none", "float32", "cpu", 512)


def text(answer="Ada.", n_prompt=3):
    ids = (*range(1, n_prompt + 1), *range(50, 50 + len(answer)))
    return EncodedText("<u>Who?<a>", f"{answer}<e>", ids, n_prompt)


def item(kind="sft", answer="Ada.", rejected=None, **values):
    fields = {"is_learnable": True, "is_exact": True} | values
    weight = fields.pop("weight", 1.0)
    train_item = TrainItem(kind, CHAT, answer, rejected, weight)
    other = text(rejected) if rejected else None
    return EncodedItem(train_item, text(answer), other, **fields)


def supervised(start=None, model=MODEL, **settings):
    items = [item(answer=f"Ada {i}.") for i in range(20)]
    items += [item("replay"), item("validation"), item("drift_probe")]
    return Handover(
        "Round 3",
        model,
        TrainSettings(**{"seed": 5, "batch_size": 12, **settings}),
        tuple(items),
        ("q_proj", "v_proj"),
        start,
    )


def preferences(start=None, model=MODEL, **settings):
    items = tuple(item("dpo", f"Ada {i}.", "Bo.") for i in range(20))
    options = TrainSettings(method="al2", beta=0.2, **settings)
    return Handover("Round 4", model, options, items, ("q_proj",), start)


def adapter(folder: Path) -> Path:
    """Write the adapter of an earlier round."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "built-in", "r": 8}'
    )
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder
