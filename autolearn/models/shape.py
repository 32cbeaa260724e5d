"""The sizes of a model, read from its configuration and safetensors headers."""

import json
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.models import files as model_files
from autolearn.models.foreign import contained
from autolearn.models.small_files import (
    check_regular,
    names_in,
    object_in,
    read,
    read_json,
)

_MOST_HEADER = 100 << 20
MOST_TENSORS = 1_000_000
MOST_DIMENSIONS = 8
MOST_NUMBER = 1 << 40
"""Largest size of a dimension; products of larger ones would take forever."""
_MOST_CARD = 4 << 20
"""Most bytes of a model card."""
_MALFORMED_VALUES = (
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    RecursionError,
    struct.error,
)
_EMBEDDINGS = re.compile(r"embed|lm_head|wte|wpe")
_EXPERTS = re.compile(r"\.experts\.")
_TOWERS = re.compile(
    r"(?:^|\.)(?:vision|visual|image|audio|speech|multi_modal|mm_|connector|aligner)"
)
"""Matches names of weights for images or sound, outside the text layers."""
_WIDTH = ("hidden_size", "n_embd", "d_model")
"""Names of the width of a model; the first is that of most."""
_LICENCE_LINE = re.compile(r"^license(?:_name)?:\s*(.+)$", re.MULTILINE)

_TYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "U8": "4 or 8 bit"}

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ModelShape:
    """The sizes of a model, and facts from its folder."""

    family: str
    architecture: str
    parameters: int
    linear: tuple[Shape, ...]
    """Shapes of the linear weights of the text layers. 4-bit loading quantises them,
    and adapters attach to them."""
    hidden_size: int
    inner: int
    kv: int
    """Width of the keys, and of the values, in a layer."""
    layers: int
    vocabulary: int
    context: int | None
    """Most tokens of prompt and answer together."""
    dtype: str
    """The type of most of its weights; the configuration may name another."""
    licence: str | None
    towers: int = 0
    """Weights for images or sound, outside the text layers, that are also quantised."""
    experts: int = 0
    """Weights of experts that a token passes through. They are single tensors once they
    are loaded, so they are neither quantised nor adapted."""

    @property
    def packed(self) -> int:
        """Return how many parameters 4-bit loading quantises."""
        return sum(map(prod, self.linear)) + self.towers


@contained
def of(folder: Path) -> ModelShape:
    """Return the sizes of the model in a folder. No weights are read.

    The files are foreign, so every number is checked before it is used.

    Raises:
        InputError: A file cannot be read.
    """
    path = folder / "config.json"
    config = read_json(path)
    text = object_in(config, "text_config", path) or config
    headers = [entry for f in model_files.weight_files(folder) for entry in _in(f)]
    shapes = {name: shape for name, shape, _ in headers}
    sizes = Counter[str]()
    for _, shape, dtype in headers:
        sizes[_TYPES.get(dtype, dtype.lower())] += prod(shape)
    width = _number(text, *_WIDTH) or 0
    shapes = dict(_unpacked(shapes, width))
    linear = {name: shape for name, shape in shapes.items() if _is_linear(name, shape)}
    inner = {name: s for name, s in linear.items() if not _TOWERS.search(name)}
    return ModelShape(
        family=str(config.get("model_type", "unknown")),
        architecture=", ".join(names_in(config, "architectures", path)) or "unknown",
        parameters=sum(map(prod, shapes.values())),
        linear=tuple(inner.values()),
        hidden_size=width,
        inner=_number(text, "intermediate_size", "n_inner") or 4 * width,
        kv=_kv(text, width, inner),
        layers=_number(text, "num_hidden_layers", "n_layer", "n_layers") or 1,
        vocabulary=_number(text, "vocab_size") or _rows(shapes, "embed_tokens"),
        context=_number(text, "max_position_embeddings", "n_positions", "max_seq_len"),
        dtype=max(sizes, key=sizes.__getitem__, default="unknown"),
        licence=_licence(folder),
        towers=sum(prod(s) for name, s in linear.items() if name not in inner),
        experts=_experts(text, shapes),
    )


def _experts(text: dict[str, Any], shapes: dict[str, Shape]) -> int:
    """Return the weights of the experts that a token passes through."""
    n_weights = sum(prod(s) for name, s in shapes.items() if _EXPERTS.search(name))
    n_experts = _number(text, "num_experts", "num_local_experts", "n_routed_experts")
    n_used = _number(text, "num_experts_per_tok")
    return n_weights * n_used // n_experts if n_experts and n_used else n_weights


def _kv(text: dict[str, Any], width: int, linear: dict[str, Shape]) -> int:
    """Return the width of the keys in a layer.

    The text settings of a larger model may omit default values. The width then follows
    from the weights.
    """
    heads = _number(text, "num_attention_heads", "n_head", "n_heads")
    if heads is None:
        return _rows(linear, "k_proj") or width
    head = _number(text, "head_dim") or width // heads
    return head * (_number(text, "num_key_value_heads") or heads)


def _rows(shapes: dict[str, Shape], layer: str) -> int:
    """Return the rows of the first weight with that layer name; 0 if there is none."""
    return next((s[0] for name, s in shapes.items() if f"{layer}.weight" in name), 0)


def _number(config: dict[str, Any], *names: str) -> int | None:
    """Return the first of these settings that is given; the largest of a list.

    Some models have a list with the size of each layer.

    Raises:
        InputError: It is not a size.
    """
    for name in names:
        number = config.get(name)
        if isinstance(number, list) and all(type(size) is int for size in number):
            number = max(number, default=None)
        if number is not None and number is not False:
            if not isinstance(number, int) or not 0 < number <= MOST_NUMBER:
                raise InputError(
                    f"config.json has {name} {number!r:.40}, which is not a size of a "
                    "model; copy the model's files again."
                )
            return number
    return None


def _in(path: Path) -> list[tuple[str, Shape, str]]:
    """Return names, shapes and types in the header of a safetensors file."""
    check_regular(path)
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MOST_HEADER:
                raise ValueError
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        if len(header) > MOST_TENSORS:
            raise ValueError
        return [
            (name, _shape(tensor["shape"]), str(tensor["dtype"]))
            for name, tensor in header.items()
        ]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"{path} cannot be read: {reason}; copy the model's files again."
        ) from error
    except _MALFORMED_VALUES as error:
        raise InputError(
            f"{path} is not a whole safetensors file; copy the model's files again."
        ) from error


def _shape(sizes: list[int]) -> Shape:
    """Return a shape.

    Raises:
        ValueError: It has too many dimensions, or a dimension that no tensor has.
    """
    are_sizes = all(type(size) is int and 0 <= size <= MOST_NUMBER for size in sizes)
    if len(sizes) > MOST_DIMENSIONS or not are_sizes:
        raise ValueError
    return tuple(sizes)


def _unpacked(shapes: dict[str, Shape], width: int) -> Iterator[tuple[str, Shape]]:
    """Yield the shapes of weights before quantisation.

    4-bit weights are stored two to a byte, with separate scales. Only the
    number of rows is estimated.
    """
    for name, shape in shapes.items():
        owner, weight, more = name.partition(".weight.")
        if weight and f"{owner}.weight" in shapes and more:
            continue
        if f"{name}.absmax" in shapes:
            yield name, (2 * prod(shape) // max(1, width), width)
        else:
            yield name, shape


def _is_linear(name: str, shape: Shape) -> bool:
    # Parameters without ".weight" belong to no linear layer, whatever their shape.
    is_weight = name.endswith(".weight") and len(shape) == 2
    return is_weight and not (_EMBEDDINGS.search(name) or _EXPERTS.search(name))


def _licence(folder: Path) -> str | None:
    """Return the licence that the model card or a licence file names."""
    card = folder / "README.md"
    if card.is_file():
        match = _LICENCE_LINE.search(_text(card))
        if match:
            return match[1].strip().strip("\"'")[:80]
    for path in filter(Path.is_file, sorted(folder.glob("LICEN[SC]E*"))):
        lines = _text(path).split("\n")
        return next((line.strip() for line in lines if line.strip()), path.name)[:80]
    return None


def _text(path: Path) -> str:
    return read(path, _MOST_CARD).decode(errors="replace")
