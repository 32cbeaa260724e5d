"""Write model cards, which say in Markdown how an export was made."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from autolearn.core.methods import method_title
from autolearn.core.records import Round, TrainItem
from autolearn.core.run_results import ExportResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.export import gguf_converter

HEAD = "---\ntags:\n- autolearn\n"
"""The beginning of every card."""

_SHAPES = {
    "chat": "one chat a line under `messages`; the last turn is what is learned",
    "preference": "a `prompt` with a `chosen` and a `rejected` answer a line",
    "meta": "one chat a line under `messages`, with the `skill` that it teaches",
    "text": "one raw `text` a line",
}


def samples(kind: str, n: int, models: Sequence[str] = ()) -> str:
    """Return the card of exported samples, which were measured with these models."""
    measured = [f"Measured with {', '.join(models)}."] if models else []
    origin = "Each was approved by a person or by a named rule; none was changed here."
    return _card(
        "Approved samples of autolearn",
        [f"{n} samples: {_SHAPES[kind]}.", *measured, origin, _date()],
    )


def items(
    about: Round,
    kind: str,
    n: int,
    train_items: Sequence[TrainItem],
    versions: Mapping[str, str],
) -> str:
    """Return the card of the items that taught a round."""
    summary = f"{n} items of round {about.id}: {_SHAPES[kind]}."
    title = f"What round {about.id} of autolearn was taught"
    return _card(title, [summary, *_provenance(about, train_items, versions)])


_WEIGHTS = {
    "adapter": "A PEFT adapter: load its base model, then "
    "`peft.PeftModel.from_pretrained(model, folder)`.",
    "gguf": f"`{gguf_converter.FILE}`: a whole model in 16 bit, the round merged into "
    "its base, for llama.cpp and what is built on it.",
    "merged": "A whole model in 16 bit, the round merged into its base: load it with "
    "`transformers.AutoModelForCausalLM.from_pretrained(folder)`.",
}


def weights(
    about: Round,
    what: str,
    result: ExportResult,
    train_items: Sequence[TrainItem],
    versions: Mapping[str, str],
) -> str:
    """Return the card of an exported adapter, or of a merged model."""
    comparison = (
        f"Asked {result.n_questions} questions after the export, it answered "
        f"{result.n_same_answers} of them word for word like the round in autolearn."
        if result.n_questions
        else "It was not asked anything after the export."
    )
    title = f"Round {about.id} of autolearn, {what}"
    tags = ("lora", "peft") if what == "adapter" else ("lora",)
    parts = [_WEIGHTS[what], comparison, *_provenance(about, train_items, versions)]
    return _card(title, parts, tags)


def _provenance(
    about: Round, train_items: Sequence[TrainItem], versions: Mapping[str, str]
) -> list[str]:
    model = about.model
    before = f"round {about.parent_id}" if about.parent_id else "the base model"
    counts = Counter[str](item.kind for item in train_items)
    return [
        "## How it was made",
        _list_items(
            {
                "base": f"`{model.name}`, digest `{model.digest}`",
                "loaded as": f"{model.quantization}, {model.dtype}, {model.device}",
                "began with": before,
                "method": f"{about.method}: {method_title(about.method)}",
                "steps": about.n_steps,
                "adapter digest": f"`{about.adapter_digest}`",
                "versions": ", ".join(f"{k} {v}" for k, v in versions.items()),
            }
        ),
        "## Items",
        _list_items(counts),
        "## Scores",
        _json(about.scores),
        "## Settings",
        _json(TrainRunSettings.of(about).train.as_dict()),
        _date(),
    ]


def _list_items(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in values.items())


def _json(values: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(values, indent=2, ensure_ascii=False)}\n```"


def _date() -> str:
    return f"Exported on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."


def _card(title: str, parts: Sequence[str], tags: Sequence[str] = ()) -> str:
    head = HEAD + "".join(f"- {tag}\n" for tag in tags) + "---"
    return "\n\n".join([head, f"# {title}", *parts]) + "\n"
