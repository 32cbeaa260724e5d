"""Read the header of a GGUF file, and find the model that was converted from it.

The header is parsed here and not by the ``gguf`` package, whose reader takes 4 to 20
seconds for the vocabularies of small models. The page cannot wait that long. The sizes
of quantised blocks come from that package.
"""

import hashlib
import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

from autolearn.core.errors import BackendError, ModelNotFound
from autolearn.models.foreign import contained
from autolearn.models.shape import MOST_DIMENSIONS, MOST_TENSORS
from autolearn.models.small_files import check_regular, read_json, typed_path

FOLDER = "models"
"""The folder of a workspace for models converted from GGUF files."""
NOTE = "source.json"
"""A note in the folder of converted weights that names their source."""

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?"}
_NUMBERS |= {10: "Q", 11: "q", 12: "d"}
MOST_KEYS = 100_000
MOST_TEXT = 16 << 20
"""Most bytes of a value that is a text."""
_MALFORMED_FILE = (
    struct.error,
    KeyError,
    ValueError,
    TypeError,
    ArithmeticError,
    OSError,
)
_END = 1 << 20
"""Bytes at both ends of a file that identify it."""


@dataclass(frozen=True)
class Header:
    """The header of a GGUF file."""

    values: dict[str, Any]
    """Its keys with their values, except arrays."""
    parameters: int
    kinds: tuple[str, ...]
    """The quantisation types of its weights, the most frequent first."""
    n_bytes: int
    """The size that the complete file has."""

    @property
    def architecture(self) -> str:
        """Return the name of the model family in llama.cpp."""
        return str(self.values.get("general.architecture", "unknown"))

    @property
    def has_template(self) -> bool:
        """Return whether the file has a chat template."""
        return bool(self.values.get("tokenizer.chat_template"))

    @property
    def licence(self) -> str | None:
        """Return the licence that the file names."""
        licence = self.values.get("general.license")
        return str(licence) if licence else None


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file: shape, quantisation type, and offset after the header."""

    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def n_bytes(self) -> int:
        """Return its size in bytes; 0 if its type is unknown."""
        try:
            block, n_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(self.kind)]
        except (KeyError, ValueError):
            return 0
        return prod(self.shape) // block * n_bytes


def locate(model: str) -> Path:
    """Return the path of a GGUF file.

    Raises:
        ModelNotFound: There is no such file.
    """
    file = typed_path(model)
    if not os.path.isfile(file):
        raise ModelNotFound(f"There is no file {file}; give the path of a GGUF file.")
    # Only the folder is resolved: in the hub cache the file is a link to a hash.
    return file.parent.resolve() / file.name


@contained
def read(file: Path) -> Header:
    """Read the header of a file.

    Raises:
        BackendError: The file is not a GGUF file, or it is truncated.
    """
    check_regular(file)
    try:
        with file.open("rb") as stream:
            return _read(stream)
    except _MALFORMED_FILE as error:
        raise BackendError(
            f"{file} is not a complete GGUF file; copy or download it again."
        ) from error


def _read(file: BinaryIO) -> Header:
    magic, version, n_tensors, n_keys = struct.unpack("<4sIQQ", file.read(24))
    if magic != _MAGIC or version not in _VERSIONS:
        raise ValueError
    if n_tensors > MOST_TENSORS or n_keys > MOST_KEYS:
        raise ValueError
    values = dict(_keys(file, n_keys))
    tensors = [_tensor(file) for _ in range(n_tensors)]
    alignment = int(values.get("general.alignment", 32))
    start = -(-file.tell() // alignment) * alignment
    sizes = Counter[str]()
    for tensor in tensors:
        sizes[_kind(tensor.kind)] += prod(tensor.shape)
    return Header(
        values=values,
        parameters=sizes.total(),
        kinds=tuple(kind for kind, _ in sizes.most_common()),
        n_bytes=start + max((t.offset + t.n_bytes for t in tensors), default=0),
    )


def _kind(number: int) -> str:
    try:
        return GGMLQuantizationType(number).name
    except ValueError:
        return f"type {number}"


def _keys(file: BinaryIO, n_keys: int) -> Iterator[tuple[str, Any]]:
    for _ in range(n_keys):
        name = _string(file)
        (kind,) = struct.unpack("<I", file.read(4))
        if kind == _ARRAY:
            _skip_array(file)
        else:
            yield name, _value(file, kind)


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    form = f"<{_NUMBERS[kind]}"
    (value,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return value


def _skip_array(file: BinaryIO) -> None:
    kind, length = struct.unpack("<IQ", file.read(12))
    if kind == _ARRAY:
        raise ValueError
    if kind != _STRING:
        file.seek(length * struct.calcsize(f"<{_NUMBERS[kind]}"), 1)
        return
    for _ in range(length):
        (n_bytes,) = struct.unpack("<Q", file.read(8))
        file.seek(n_bytes, 1)


def _string(file: BinaryIO) -> str:
    (n_bytes,) = struct.unpack("<Q", file.read(8))
    if n_bytes > MOST_TEXT:
        raise ValueError
    return file.read(n_bytes).decode("utf-8", "replace")


def _tensor(file: BinaryIO) -> Tensor:
    _string(file)  # its name
    (n_dimensions,) = struct.unpack("<I", file.read(4))
    if n_dimensions > MOST_DIMENSIONS:
        raise ValueError
    shape = struct.unpack(f"<{n_dimensions}Q", file.read(8 * n_dimensions))
    kind, offset = struct.unpack("<IQ", file.read(12))
    return Tensor(shape, kind, offset)


def check(file: Path, header: Header) -> None:
    """Check that a file holds a complete model that can be trained.

    Raises:
        BackendError: It does not; the message says what to do.
    """
    n_parts = header.values.get("split.count", 0)
    if isinstance(n_parts, int) and n_parts > 1:
        raise BackendError(
            f"{file.name} is one part of several; join them first with "
            "'llama-gguf-split --merge'."
        )
    kind = header.values.get("general.type", "model")
    if kind != "model" or header.architecture == "clip":
        raise BackendError(
            f"{file.name} holds no language model (it is of the kind "
            f"{kind if kind != 'model' else header.architecture}); give the file of "
            "the model itself."
        )
    if file.stat().st_size < header.n_bytes:
        raise BackendError(
            f"{file.name} is cut off: it has {file.stat().st_size:,} of "
            f"{header.n_bytes:,} bytes; copy or download it again."
        )
    if not header.has_template:
        raise BackendError(
            f"{file.name} has no chat template, so it is a base model that cannot "
            "follow the prompts; choose the instruct version of this model."
        )


@contained
def digest(file: Path) -> str:
    """Return a SHA-256 of size and both ends, which identifies a file under any name.

    The beginning has the settings and vocabulary. The end changes with any training.
    """
    check_regular(file)
    size = file.stat().st_size
    checksum = hashlib.sha256(str(size).encode())
    with file.open("rb") as stream:
        checksum.update(stream.read(_END))
        stream.seek(max(0, size - _END))
        checksum.update(stream.read(_END))
    return checksum.hexdigest()


def converted(workspace: Path, file: Path) -> Path | None:
    """Return the folder of the model converted from a file, if there is one."""
    file_digest = digest(file)
    for folder in conversions(workspace):
        if source(folder).get("digest") == file_digest:
            return folder
    return None


def new_folder(workspace: Path, file: Path) -> Path:
    """Return the path of a new folder for the model of a file."""
    names = {folder.name for folder in conversions(workspace)}
    name, n = file.stem, 1
    while name in names:
        n += 1
        name = f"{file.stem}-{n}"
    return workspace / FOLDER / name


@contained
def source(folder: Path) -> dict[str, Any]:
    """Return the source of converted weights; empty for other folders."""
    return read_json(folder / NOTE)


def conversions(workspace: Path) -> list[Path]:
    """Return the folders of all models converted from GGUF files, by name."""
    # Unfinished conversions, also those of a killed process, begin with a dot.
    return [f for f in sorted((workspace / FOLDER).glob("[!.]*")) if f.is_dir()]
