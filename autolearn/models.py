"""Find a model on this computer and say plainly why it cannot be used.

Reads names, sizes and small files only: no weights are loaded, nothing goes online.
"""

import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from tokenizers import Tokenizer

from autolearn.errors import BackendError, InputError, ModelNotFound

BUILT_IN = Path(__file__).resolve().parent.parent / "assets" / "demo-model"
ADAPTER_NOTE = "autolearn.json"
"""Lies beside an adapter and says which base model it was made for."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_MIB = 1 << 20
_WHOLE = 64 * _MIB
_MOST_HEADER = 100 * _MIB
_EMBEDDINGS = re.compile(r"embed|lm_head|wte|wpe")
_LICENCE_LINE = re.compile(r"^license(?:_name)?:\s*(.+)$", re.MULTILINE)

PACKED_BYTES = 0.56
"""Bytes a weight in 4 bit with double quantisation, its scales included."""
PLAIN_BYTES = 2
"""Bytes a weight that is loaded in 16 bit."""
OVERHEAD = 800 * _MIB
"""What the libraries and one answer need beside the weights."""


@dataclass(frozen=True)
class Description:
    """What a model is, as far as its small files and headers tell."""

    family: str
    architecture: str
    parameters: int
    packed: int
    """Parameters that 4-bit loading packs: the weights of the linear layers."""
    context: int | None
    """Most tokens of prompt and answer together."""
    dtype: str
    has_template: bool
    licence: str | None
    digest: str

    def needs(self, quantization: str) -> int:
        """Return about how many bytes of memory it needs to answer."""
        packed = self.packed if quantization == "nf4" else 0
        plain = self.parameters - packed
        return round(packed * PACKED_BYTES + plain * PLAIN_BYTES) + OVERHEAD


def locate(model: str) -> Path:
    """Return the folder of a model: ``built-in``, a folder, or a cached hub id.

    Raises:
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
    """
    folder = _folder(model.strip())
    _check_config(folder)
    _check_weights(folder)
    _check_tokenizer(folder)
    return folder


def _folder(model: str) -> Path:
    if model == "built-in":
        return BUILT_IN
    path = Path(model).expanduser()
    if path.suffix == ".gguf":
        raise BackendError(_gguf(model))
    if path.is_dir():
        return path.resolve()
    if _HUB_ID.fullmatch(model) and not model.startswith("."):
        return _cached(model)
    raise ModelNotFound(
        f"There is no folder {model}; give the folder that holds the model's "
        "config.json and safetensors files."
    )


def _cached(model: str) -> Path:
    try:
        return Path(snapshot_download(model, local_files_only=True))
    except LocalEntryNotFoundError as error:
        raise ModelNotFound(
            f"{model} is not on this computer; download it first with "
            f"'hf download {model}', or give the folder of a model."
        ) from error


def _gguf(model: str | Path) -> str:
    return (
        f"{model} is a GGUF model, which can be run but not trained; give the folder "
        "of the original model with safetensors files."
    )


def _check_config(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelNotFound(f"The model's folder {folder} is missing; install it anew.")
    if (folder / "config.json").is_file():
        return
    if any(folder.glob("*.gguf")):
        raise BackendError(_gguf(folder))
    if (folder / "adapter_config.json").is_file():
        raise ModelNotFound(
            f"{folder} holds an adapter, not a model; give the folder of its base "
            "model."
        )
    raise ModelNotFound(
        f"{folder} has no config.json; give the folder that was made by "
        "save_pretrained or downloaded from the hub."
    )


def _check_weights(folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    if any(path for kind in ("bin", "pt", "pth") for path in folder.glob(f"*.{kind}")):
        raise BackendError(
            f"{folder} holds its weights as pickle files, which can run any code when "
            "they are opened; convert them to safetensors on a machine you can spare."
        )
    if any(folder.glob("*.gguf")):
        raise BackendError(_gguf(folder))
    raise ModelNotFound(
        f"{folder} has no weights; its *.safetensors files have to lie beside "
        "config.json."
    )


def _check_tokenizer(folder: Path) -> None:
    if not (folder / "tokenizer.json").is_file():
        raise ModelNotFound(
            f"{folder} has no tokenizer.json; save the model's fast tokenizer there."
        )
    if not _has_template(folder):
        raise BackendError(
            f"{folder} has no chat template, so it is a base model that cannot follow "
            "the prompts; choose the instruct version of this model."
        )


def _has_template(folder: Path) -> bool:
    if any((folder / f"chat_template.{kind}").is_file() for kind in ("jinja", "json")):
        return True
    return bool(_json(folder / "tokenizer_config.json").get("chat_template"))


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise InputError(
            f"{path} cannot be read as JSON; copy the model's files again."
        ) from error


def describe(folder: Path) -> Description:
    """Return what the model in a folder is; no weights are read.

    Raises:
        InputError: One of its files cannot be read.
    """
    config = _json(folder / "config.json")
    text = config.get("text_config") or config
    tensors = [t for f in sorted(folder.glob("*.safetensors")) for t in _tensors(f)]
    sizes = [(name, shape, prod(shape)) for name, shape in tensors]
    lengths = (text.get(n) for n in ("max_position_embeddings", "n_positions"))
    return Description(
        family=str(config.get("model_type", "unknown")),
        architecture=", ".join(map(str, config.get("architectures") or ["unknown"])),
        parameters=sum(size for _, _, size in sizes),
        packed=sum(size for name, shape, size in sizes if _is_packed(name, shape)),
        context=next((n for n in lengths if isinstance(n, int)), None),
        dtype=str(text.get("dtype") or text.get("torch_dtype") or "unknown"),
        has_template=_has_template(folder),
        licence=_licence(folder),
        digest=digest(folder),
    )


def _tensors(path: Path) -> list[tuple[str, list[int]]]:
    """Return names and shapes from the header of a safetensors file."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MOST_HEADER:
                raise ValueError
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        return [(name, list(map(int, one["shape"]))) for name, one in header.items()]
    except (AttributeError, KeyError, TypeError, ValueError, struct.error) as error:
        raise InputError(
            f"{path} is not a whole safetensors file; copy the model's files again."
        ) from error


def _is_packed(name: str, shape: list[int]) -> bool:
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


def digest(folder: Path) -> str:
    """Return which weights, settings and tokenizer these are, as a SHA-256.

    Files over 64 MiB count by name, size and their first and last MiB: the first holds
    the names and shapes of all tensors, the last changes with any training, and a
    model of 100 GiB is recognised in a moment.
    """
    names = ("config.json", "generation_config.json", "tokenizer.json")
    also = ("tokenizer_config.json", "chat_template.jinja")
    files = [folder / name for name in (*names, *also)]
    return _sha256([f for f in files if f.is_file()] + sorted(folder.glob("*.safe*")))


def adapter_digest(folder: Path) -> str:
    """Return which adapter this is, as a SHA-256 over its settings and weights."""
    return _sha256(
        [folder / "adapter_config.json", folder / "adapter_model.safetensors"]
    )


def _sha256(files: list[Path]) -> str:
    hashed = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        hashed.update(f"{path.name} {size}\n".encode())
        for block in _blocks(path, size):
            hashed.update(block)
    return hashed.hexdigest()


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        if size <= _WHOLE:
            while block := file.read(_MIB):
                yield block
        else:
            yield file.read(_MIB)
            file.seek(-_MIB, 2)
            yield file.read(_MIB)


def token_counter(folder: Path) -> Callable[[str], int]:
    """Return a function that counts the tokens of a text, without any template."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def check_adapter(folder: Path, base_digest: str) -> None:
    """Refuse an adapter that is incomplete or was made for another base model.

    An adapter without our note, for instance one made by another trainer, passes: only
    its shapes can tell whether it fits.

    Raises:
        BackendError: The adapter cannot be used on this base model.
    """
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise BackendError(
                f"The adapter {folder} has no {name}; train or export the round again."
            )
    if _json(folder / ADAPTER_NOTE).get("base_digest", base_digest) != base_digest:
        raise BackendError(
            f"The adapter {folder} was made for another base model; load the model "
            "that it was trained on."
        )
