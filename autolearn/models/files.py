"""Find a model on this computer and say plainly why it cannot be used.

Reads names, sizes and small files only: no weights are loaded, nothing goes online.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError
from tokenizers import Tokenizer

from autolearn.core.errors import BackendError, InputError, ModelNotFound
from autolearn.study.protocol import PROTOCOLS

BUILT_IN = Path(__file__).resolve().parents[2] / "assets" / "demo-model"
ADAPTER_NOTE = "autolearn.json"
"""Lies beside an adapter, and says which base model it was made for, or beside a model;
and says by which protocol the weights are to be asked."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS = "model.safetensors"
_INDEX = ".index.json"
_OTHER_WEIGHTS = ("consolidated", "adapter_")
"""How safetensors files begin that transformers does not read as a model's weights."""
_WITHOUT_WRITING = re.compile(r"Model$|For(?!CausalLM|Conditional|\w*Text2Text)")
"""Stands in the names of classes that write no text: a bare trunk, or another task."""
_SEES = {"vision_config", "image_size", "num_channels"}
"""Settings that only models for images have."""
_MIB = 1 << 20
_WHOLE = 64 * _MIB


def locate(model: str) -> Path:
    """Return the folder of a model: ``built-in``, a folder, or a cached hub id.

    Raises:
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
    """
    folder = _folder(model.strip())
    check(folder)
    return folder


def check(folder: Path) -> None:
    """Refuse a folder that holds no model that can be used.

    Raises:
        BackendError: The text says what is the matter, and what to do.
    """
    _check_config(folder)
    _check_links(folder)
    _check_class(folder)
    _check_weights(folder)
    _check_packing(folder)
    _check_tokenizer(folder)


def check_small_files(folder: Path) -> None:
    """Refuse a model by what its small files say of it, before its weights are there.

    Raises:
        BackendError: The text says what is the matter, and what to do.
    """
    _check_config(folder)
    _check_packing(folder)
    _check_tokenizer(folder)


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
    except IncompleteSnapshotError as error:
        # Of a repository with other formats beside safetensors, only these are here.
        return Path(error.snapshot_path)
    except LocalEntryNotFoundError as error:
        raise ModelNotFound(
            f"{model} is not on this computer; download it under Model, or with "
            f"'python -m autolearn download {model}'."
        ) from error


def hub_id(folder: Path) -> str | None:
    """Return the id of the model whose hub snapshot a folder is; None: it is none.

    The hub's cache has a folder ``models--org--name/snapshots/<commit>`` for each.
    """
    kind, _, name = folder.parent.parent.name.partition("--")
    is_snapshot = folder.parent.name == "snapshots" and kind == "models" and name
    return name.replace("--", "/") if is_snapshot else None


def name_of(model: str, folder: Path) -> str:
    """Return the name of a model that was found in ``folder``: a hub id if it has one.

    Args:
        model: What was asked for: ``built-in``, a folder, or a hub id.
        folder: Where ``locate`` found it.
    """
    model = model.strip()
    if model == "built-in":
        return model
    given = Path(model).expanduser()
    return hub_id(folder) or (folder.name if given.is_dir() else model)


def _gguf(model: str | Path) -> str:
    return (
        f"{model} is a GGUF file, which has to be converted before it can be trained; "
        "choose the file itself under Model, or give it with --model."
    )


def _check_config(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelNotFound(f"The model's folder {folder} is missing; install it anew.")
    if _exists(folder / "config.json"):
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


def _check_links(folder: Path) -> None:
    """Refuse links to nothing, as a hub's cache has them after a file was deleted."""
    small = (path for kind in ("json", "jinja") for path in folder.glob(f"*.{kind}"))
    parts = sorted({*small, *weight_files(folder)})
    broken = [path.name for path in parts if path.is_symlink() and not path.exists()]
    if broken:
        name = hub_id(folder)
        way = (
            f"download it again with 'hf download {name}'" if name else "copy it again"
        )
        raise ModelNotFound(
            f"{folder} has links to files that are gone ({_some(broken)}), so the "
            f"model is not complete; {way}."
        )


def _check_class(folder: Path) -> None:
    """Refuse a model for images that writes no text."""
    config = read_json(folder / "config.json")
    classes = [str(name) for name in config.get("architectures") or []]
    writes_nothing = classes and all(map(_WITHOUT_WRITING.search, classes))
    if writes_nothing and _SEES & config.keys():
        raise BackendError(
            f"{folder} holds a model for images ({', '.join(classes)}), which writes "
            "no text; choose a language model."
        )


def _check_weights(folder: Path) -> None:
    if (folder / "adapter_config.json").is_file():
        raise BackendError(
            f"{folder} holds an adapter beside the weights of a model, so it is not "
            "clear which is meant; move its adapter_* files to a folder of their own, "
            "or merge them into the weights."
        )
    if weight_files(folder):
        _check_parts(folder)
        return
    if any(path for kind in ("bin", "pt", "pth") for path in folder.glob(f"*.{kind}")):
        raise BackendError(
            f"{folder} holds its weights as pickle files, which can run any code when "
            "they are opened; convert them to safetensors on a machine you can spare."
        )
    if any(folder.glob("*.gguf")):
        raise BackendError(_gguf(folder))
    raise ModelNotFound(
        f"{folder} has no weights that transformers reads; model.safetensors, or its "
        "parts and model.safetensors.index.json, have to lie beside config.json."
    )


def weight_files(folder: Path) -> list[Path]:
    """Return the files that transformers reads a model's weights from, by name.

    Others may lie beside them, such as the same weights in the layout of another
    library (``consolidated.safetensors``) or those of an adapter. A file may be
    missing where an index names it. Without an index, all that may be weights.
    """
    named = _named_weights(folder)
    index = named if named.endswith(_INDEX) else _WEIGHTS + _INDEX
    parts = {*read_json(folder / index).get("weight_map", {}).values()}
    if named not in parts and named != index and _exists(folder / named):
        return [folder / named]
    if parts:
        return [folder / name for name in sorted(parts)]
    files = sorted(folder.glob("*.safetensors"))
    return [path for path in files if not path.name.startswith(_OTHER_WEIGHTS)]


def _named_weights(folder: Path) -> str:
    """Return the file of weights, or their index, that a model's settings name."""
    named = read_json(folder / "config.json").get("transformers_weights")
    return str(named or _WEIGHTS)


def _exists(path: Path) -> bool:
    """Return whether there is a file, or a link that should lead to one."""
    return path.is_file() or path.is_symlink()


def _check_parts(folder: Path) -> None:
    missing = [path.name for path in weight_files(folder) if not path.is_file()]
    if missing:
        raise ModelNotFound(
            f"{folder} lacks {len(missing)} of its weight files ({_some(missing)}); "
            "copy or download them again."
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def packing(folder: Path) -> str | None:
    """Return how the weights in a folder are quantised; None: they are not."""
    told = read_json(folder / "config.json").get("quantization_config")
    return str(told.get("quant_method", "an unknown method")) if told else None


def _check_packing(folder: Path) -> None:
    told = read_json(folder / "config.json").get("quantization_config") or {}
    method = packing(folder)
    if method is None or (method == "bitsandbytes" and told.get("load_in_4bit")):
        return
    how = "bitsandbytes in 8 bit" if method == "bitsandbytes" else method
    raise BackendError(
        f"The weights in {folder} are quantised by {how}, which cannot be trained "
        "here; give the folder of the original model."
    )


def _check_tokenizer(folder: Path) -> None:
    if not (folder / "tokenizer.json").is_file():
        raise ModelNotFound(
            f"{folder} has no tokenizer.json; save the model's fast tokenizer there."
        )
    if not has_template(folder):
        raise BackendError(
            f"{folder} has no chat template, so it is a base model that cannot follow "
            "the prompts; choose the instruct version of this model."
        )


def has_template(folder: Path) -> bool:
    """Return whether a model has a chat template."""
    return bool(_template(folder))


def reads_system(folder: Path) -> bool:
    """Return whether the chat template has a place for the system message."""
    return "system" in _template(folder)


def _template(folder: Path) -> str:
    """Return the chat template as it is written; several ones, one after the other."""
    for kind in ("jinja", "json"):
        path = folder / f"chat_template.{kind}"
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    return str(read_json(folder / "tokenizer_config.json").get("chat_template") or "")


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file of a model says; nothing if there is no such file.

    Raises:
        InputError: It is no JSON.
    """
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise InputError(
            f"{path} cannot be read as JSON; copy the model's files again."
        ) from error


def digest(folder: Path) -> str:
    """Return which weights, settings and tokenizer these are, as a SHA-256.

    Files over 64 MiB count by name, size and their first and last MiB: the first holds
    the names and shapes of all tensors, the last changes with any training, and a
    model of 100 GiB is recognised in a moment.
    """
    names = ("config.json", "generation_config.json", "tokenizer.json")
    also = ("tokenizer_config.json", "chat_template.jinja")
    files = [folder / name for name in (*names, *also)]
    weights = sorted(folder.glob("*.safe*"))
    weights = [path for path in weights if not path.name.startswith("adapter_")]
    return _sha256([path for path in files + weights if path.is_file()])


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


def study_protocol(folder: Path) -> str | None:
    """Return by which study protocol a model or adapter is to be asked, if noted."""
    protocol = read_json(folder / ADAPTER_NOTE).get("protocol")
    return protocol if protocol in PROTOCOLS else None


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
    if read_json(folder / ADAPTER_NOTE).get("base_digest", base_digest) != base_digest:
        raise BackendError(
            f"The adapter {folder} was made for another base model; load the model "
            "that it was trained on."
        )
