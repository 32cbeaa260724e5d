"""What a model is made of: told by its small files and headers."""

import json
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from autolearn import models
from autolearn.errors import InputError

_MOST_HEADER = 100 << 20
_EMBEDDINGS = re.compile(r"embed|lm_head|wte|wpe")
_LICENCE_LINE = re.compile(r"^license(?:_name)?:\s*(.+)$", re.MULTILINE)

_TYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "U8": "4 or 8 bit"}

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Anatomy:
    """Sizes of a model, and what its folder says of it."""

    family: str
    architecture: str
    parameters: int
    linear: tuple[Shape, ...]
    """Shapes of the weights that 4-bit loading packs and an adapter sits on."""
    hidden: int
    inner: int
    kv: int
    """Width of keys, and of values, in a layer."""
    layers: int
    vocabulary: int
    context: int | None
    """Most tokens of prompt and answer together."""
    dtype: str
    """What most of its weights are kept in; a configuration may say another."""
    licence: str | None

    @property
    def packed(self) -> int:
        """Return how many parameters 4-bit loading packs."""
        return sum(map(prod, self.linear))


def of(folder: Path) -> Anatomy:
    """Return the anatomy of the model in a folder; no weights are read.

    Raises:
        InputError: One of its files cannot be read.
    """
    config = models.read_json(folder / "config.json")
    text = config.get("text_config") or config
    found = [one for f in sorted(folder.glob("*.safetensors")) for one in _in(f)]
    shapes = {name: shape for name, shape, _ in found}
    sizes = Counter[str]()
    for _, shape, dtype in found:
        sizes[_TYPES.get(dtype, dtype.lower())] += prod(shape)
    hidden = _number(text, "hidden_size", "n_embd") or 0
    heads = _number(text, "num_attention_heads", "n_head") or 1
    head = _number(text, "head_dim") or hidden // heads
    shapes = dict(_unpacked(shapes, hidden))
    return Anatomy(
        family=str(config.get("model_type", "unknown")),
        architecture=", ".join(map(str, config.get("architectures") or ["unknown"])),
        parameters=sum(map(prod, shapes.values())),
        linear=tuple(s for name, s in shapes.items() if _is_linear(name, s)),
        hidden=hidden,
        inner=_number(text, "intermediate_size", "n_inner") or 4 * hidden,
        kv=head * (_number(text, "num_key_value_heads") or heads),
        layers=_number(text, "num_hidden_layers", "n_layer") or 1,
        vocabulary=_number(text, "vocab_size") or 0,
        context=_number(text, "max_position_embeddings", "n_positions"),
        dtype=max(sizes, key=sizes.__getitem__, default="unknown"),
        licence=_licence(folder),
    )


def _number(config: dict[str, Any], *names: str) -> int | None:
    return next((n for n in map(config.get, names) if isinstance(n, int)), None)


def _in(path: Path) -> list[tuple[str, Shape, str]]:
    """Return names, shapes and types from the header of a safetensors file."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MOST_HEADER:
                raise ValueError
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        return [
            (name, tuple(map(int, one["shape"])), str(one["dtype"]))
            for name, one in header.items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError, struct.error) as error:
        raise InputError(
            f"{path} is not a whole safetensors file; copy the model's files again."
        ) from error


def _unpacked(shapes: dict[str, Shape], hidden: int) -> Iterator[tuple[str, Shape]]:
    """Yield the shapes of weights; of packed ones, two to a byte, about what they were.

    Beside packed weights lie the numbers by which they are unpacked.
    """
    for name, shape in shapes.items():
        owner, weight, more = name.partition(".weight.")
        if weight and f"{owner}.weight" in shapes and more:
            continue
        if f"{name}.absmax" in shapes:
            yield name, (2 * prod(shape) // max(1, hidden), hidden)
        else:
            yield name, shape


def _is_linear(name: str, shape: Shape) -> bool:
    return len(shape) == 2 and not _EMBEDDINGS.search(name)


def _licence(folder: Path) -> str | None:
    """Return what the model card or a licence file calls the licence."""
    card = folder / "README.md"
    if card.is_file():
        found = _LICENCE_LINE.search(card.read_text("utf-8", "replace"))
        if found:
            return found[1].strip().strip("\"'")
    for path in sorted(folder.glob("LICEN[SC]E*")):
        lines = path.read_text("utf-8", "replace").split("\n")
        return next((line.strip() for line in lines if line.strip()), path.name)[:80]
    return None
