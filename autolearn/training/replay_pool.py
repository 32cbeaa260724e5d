"""The file by which the folder of a model brings its generated instructions along."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from autolearn.core.model_calls import (
    Completion,
    Generation,
    ModelIdentity,
    Request,
    Sampling,
)
from autolearn.core.records import GeneratedInstruction
from autolearn.study import prompts
from autolearn.training.replay import ANSWER_TOKENS, PROMPT

FILE = "generated_instructions.jsonl"
"""File in a model's folder with its answered instructions, see ``as_text``."""

OLD_FILE = "imagined.jsonl"
"""The name of this file in models of earlier versions."""


def find(folder: Path) -> Path | None:
    """Return the file with the instructions of a model's folder, if it has one."""
    paths = (folder / name for name in (FILE, OLD_FILE))
    return next((path for path in paths if path.is_file()), None)


def parse(text: str, model: ModelIdentity) -> list[GeneratedInstruction]:
    """Return the instructions of a model's folder, as ``as_text`` wrote them.

    Empty if they belong to another model or another prompt.

    Raises:
        ValueError: The text is not in the format of ``as_text``.
    """
    # Not at each line end of Unicode: a text of the model may contain one.
    head, *rows = map(json.loads, text.rstrip("\n").split("\n"))
    prompt = prompts.load(PROMPT)
    if head != _head(model):
        return []
    sampling = Sampling(max_new_tokens=ANSWER_TOKENS)
    return [
        GeneratedInstruction(
            draw,
            question,
            Generation(
                Request(prompt.render(question=question), sampling),
                Completion(**completion),
                model,
            ),
        )
        for draw, question, completion in rows
    ]


def as_text(items: Sequence[GeneratedInstruction], model: ModelIdentity) -> str:
    """Return items as text: a line for the model, then one line for each item."""
    rows = [
        [item.draw, item.text, asdict(item.generation.completion)]
        for item in items
        if item.generation
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in (_head(model), *rows)]
    return "\n".join(lines) + "\n"


def _head(model: ModelIdentity) -> dict[str, str]:
    """Return what must match for the instructions of a folder to be used."""
    return {
        "model": model.digest,
        "quantization": model.quantization,
        "prompt": prompts.load(PROMPT).digest,
    }
