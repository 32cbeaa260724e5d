"""Find a model on this computer, and check whether it can be used.

Only names, sizes and small files are read. No weights are loaded and the network is not
used. The files of a foreign model are read in a child; see ``foreign``.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from math import inf
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HFValidationError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
)

from autolearn.core.errors import BackendError, ModelNotFound
from autolearn.core.server_addresses import check_has_weights
from autolearn.models import token_counting
from autolearn.models.chat_templates import (
    LEGACY_TEMPLATE,
    legacy_template,
)
from autolearn.models.chat_templates import has_template as has_template
from autolearn.models.chat_templates import reads_system as reads_system
from autolearn.models.foreign import BUILT_IN as BUILT_IN
from autolearn.models.foreign import contained
from autolearn.models.notes import ADAPTER_NOTE as ADAPTER_NOTE
from autolearn.models.small_files import (
    check_regular,
    file_name,
    names_in,
    object_in,
    read_json,
    typed_path,
)

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS = "model.safetensors"
_INDEX = ".index.json"
_WITHOUT_WRITING = re.compile(r"Model$|For(?!CausalLM|Conditional|\w*Text2Text)")
"""Matches class names of models that do not generate text: no head, or another task."""
_SEES = {"vision_config", "image_size", "num_channels"}
"""Settings that only models for images have."""
_MIB = 1 << 20
WHOLE = 64 * _MIB


def locate(model: str) -> Path:
    """Return the folder of a model: ``built-in``, a folder, or a hub id in the cache.

    Raises:
        ModelNotFound: There is no model of that name.
        BackendError: The model cannot be used.
    """
    folder = _folder(model.strip())
    check(folder)
    return folder


@contained
def check(folder: Path) -> None:
    """Check that a folder holds a model that can be used.

    Raises:
        BackendError: It does not; the message says what to do.
    """
    _check_config(folder)
    _check_links(folder)
    _check_class(folder)
    _check_weights(folder)
    _check_packing(folder)
    _check_tokenizer(folder)


@contained
def check_small_files(folder: Path) -> None:
    """Check a model by its small files, before its weights are downloaded.

    Raises:
        BackendError: It cannot be used; the message says what to do.
    """
    _check_config(folder)
    _check_packing(folder)
    _check_tokenizer(folder)


def _folder(model: str) -> Path:
    check_has_weights(model)
    if model == "built-in":
        return BUILT_IN
    path = typed_path(model)
    if path.suffix == ".gguf":
        raise BackendError(_gguf(model))
    if os.path.isdir(path):
        return path.resolve()
    if is_hub_id(model):
        return _cached_snapshot(model)
    raise ModelNotFound(
        f"There is no folder {model}; give the folder that holds the model's "
        "config.json and safetensors files."
    )


def is_hub_id(model: str) -> bool:
    """Return whether a model is named as on the hub; a relative path may be, too."""
    return bool(_HUB_ID.fullmatch(model)) and not model.startswith(".")


def _cached_snapshot(model: str) -> Path:
    try:
        return Path(snapshot_download(model, local_files_only=True))
    except IncompleteSnapshotError as error:
        # The snapshot lacks files in other formats, which are not needed.
        return Path(error.snapshot_path)
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise ModelNotFound(
            f"{model} is not on this computer; download it under Model.",
            command=f"download {model}",
        ) from error


def lasting_name(model: str) -> str:
    """Return the name of a model as it is stored; of a folder, the absolute path.

    Other processes and later commands, whose current folder may be another one, load
    the model by this name.
    """
    path = typed_path(model)
    is_folder = model.strip() != "built-in" and os.path.isdir(path)
    return str(path.absolute()) if is_folder else model


def hub_id(folder: Path) -> str | None:
    """Return the hub id of a folder in the hub cache; None for other folders.

    The cache has a folder ``models--org--name/snapshots/<commit>`` for each model.
    """
    kind, _, name = folder.parent.parent.name.partition("--")
    is_snapshot = folder.parent.name == "snapshots" and kind == "models" and name
    return name.replace("--", "/") if is_snapshot else None


def name_of(model: str, folder: Path) -> str:
    """Return the display name of a model, which is its hub id if it has one.

    Args:
        model: The requested name: ``built-in``, a folder, or a hub id.
        folder: The result of ``locate``.
    """
    model = model.strip()
    if model == "built-in":
        return model
    is_folder = os.path.isdir(typed_path(model))
    return hub_id(folder) or (folder.name if is_folder else model)


def _gguf(model: str | Path) -> str:
    return (
        f"{model} is a GGUF file, which has to be converted before it can be trained; "
        "choose the file itself under Model, or give it with --model."
    )


def _check_config(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelNotFound(
            f"The model's folder {folder} is missing; reinstall autolearn."
        )
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
    """Check for broken links, which a hub cache has after a file was deleted."""
    small = (path for kind in ("json", "jinja") for path in folder.glob(f"*.{kind}"))
    files = sorted({*small, *weight_files(folder)})
    bad_links = [path.name for path in files if path.is_symlink() and not path.exists()]
    if bad_links:
        name = hub_id(folder)
        advice = (
            f"download it again with 'hf download {name}'" if name else "copy it again"
        )
        raise ModelNotFound(
            f"{folder} has links to files that are gone ({_some(bad_links)}), so the "
            f"model is not complete; {advice}."
        )


def _check_class(folder: Path) -> None:
    """Check that a model for images generates text."""
    path = folder / "config.json"
    config = read_json(path)
    classes = names_in(config, "architectures", path)
    is_not_generative = classes and all(map(_WITHOUT_WRITING.search, classes))
    if is_not_generative and _SEES & config.keys():
        raise BackendError(
            f"{folder} holds a model for images ({', '.join(classes)}), which writes "
            "no text; choose a language model."
        )


def _check_weights(folder: Path) -> None:
    if (folder / "adapter_config.json").is_file():
        raise BackendError(
            f"{folder} contains an adapter and the weights of a model, so it is not "
            "clear which is meant; move its adapter_* files to a separate folder, "
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
        "parts and model.safetensors.index.json, must be in the folder of config.json."
    )


def weight_files(folder: Path) -> list[Path]:
    """Return the files from which transformers reads the weights, by name.

    Other files may be in the folder: the same weights in another layout
    (``consolidated.safetensors``) or precision, or an adapter. A file that the index
    names may be missing.
    """
    main_file = _named_weights(folder)
    index = main_file if main_file.endswith(_INDEX) else _WEIGHTS + _INDEX
    path = folder / index
    file_names = object_in(read_json(path), "weight_map", path).values()
    parts = {file_name(name, path) for name in file_names}
    if main_file not in parts and main_file != index and _exists(folder / main_file):
        return [folder / main_file]
    return [folder / name for name in sorted(parts)]


def _named_weights(folder: Path) -> str:
    """Return the weight file, or its index, that the configuration names."""
    path = folder / "config.json"
    name = read_json(path).get("transformers_weights")
    return file_name(name, path) if name else _WEIGHTS


def _exists(path: Path) -> bool:
    """Return whether there is a file, or a link to one that may be missing."""
    return path.is_file() or path.is_symlink()


def _check_parts(folder: Path) -> None:
    absent = [path.name for path in weight_files(folder) if not path.is_file()]
    if absent:
        raise ModelNotFound(
            f"{folder} lacks {len(absent)} of its weight files ({_some(absent)}); "
            "copy or download them again."
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


@contained
def packing(folder: Path) -> str | None:
    """Return how the weights in a folder are quantised; None if they are not."""
    quantization = _quantization(folder)
    method = str(quantization.get("quant_method", "an unknown method"))
    return method if quantization else None


def _quantization(folder: Path) -> dict[str, object]:
    path = folder / "config.json"
    return object_in(read_json(path), "quantization_config", path)


def _check_packing(folder: Path) -> None:
    quantization = _quantization(folder)
    method = packing(folder)
    if method is None or (
        method == "bitsandbytes" and quantization.get("load_in_4bit")
    ):
        return
    label = "bitsandbytes in 8 bit" if method == "bitsandbytes" else method
    raise BackendError(
        f"The weights in {folder} are quantised by {label}, which cannot be trained "
        "here; give the folder of the original model."
    )


def _check_tokenizer(folder: Path) -> None:
    if not _exists(folder / "tokenizer.json"):
        raise ModelNotFound(
            f"{folder} has no tokenizer.json; save the model's fast tokenizer there."
        )
    if not has_template(folder):
        raise BackendError(
            f"{folder} has no chat template, so it is a base model that cannot follow "
            "the prompts; choose the instruct version of this model."
        )
    if folder != BUILT_IN:
        token_counting.try_out(str(folder))


@contained
def digest(folder: Path) -> str:
    """Return a SHA-256 that identifies weights, settings and tokenizer.

    Of files over 64 MiB, only name, size and the first and last MiB are hashed. The
    first MiB has the names and shapes of all tensors, and the last one changes with any
    training. A model of 100 GiB is thus identified in a moment.
    """
    names = ("config.json", "generation_config.json", "tokenizer.json")
    more_names = ("tokenizer_config.json", "chat_template.jinja")
    files = [folder / name for name in (*names, *more_names)]
    weights = folder.glob("*.safe*")
    model = (path for path in weights if not path.name.startswith("adapter_"))
    files += sorted({*model, *weight_files(folder)})
    if legacy_template(folder):
        files.append(folder / LEGACY_TEMPLATE)
    return _sha256([path for path in files if path.is_file()])


def adapter_digest(folder: Path, largest: float = inf) -> str:
    """Return a SHA-256 that identifies an adapter by its settings and weights.

    Of files over ``largest`` bytes, only the ends are hashed.
    """
    return _sha256([folder / name for name in ADAPTER_FILES], largest)


def _sha256(files: list[Path], largest: float | None = None) -> str:
    largest = WHOLE if largest is None else largest
    checksum = hashlib.sha256()
    for path in files:
        check_regular(path)
        size = path.stat().st_size
        checksum.update(f"{path.name} {size}\n".encode())
        for block in _blocks(path, is_whole=size <= largest):
            checksum.update(block)
    return checksum.hexdigest()


def _blocks(path: Path, *, is_whole: bool) -> Iterator[bytes]:
    with path.open("rb") as file:
        if is_whole:
            while block := file.read(_MIB):
                yield block
        else:
            yield file.read(_MIB)
            file.seek(-_MIB, 2)
            yield file.read(_MIB)


def check_adapter(folder: Path, base_digest: str) -> None:
    """Check that an adapter is complete and belongs to the base model.

    An adapter without our note, such as one of another trainer, passes. Only its shapes
    can show whether it fits.

    Raises:
        BackendError: The adapter cannot be used with this base model.
    """
    for name in ADAPTER_FILES:
        if not (folder / name).is_file():
            raise BackendError(
                f"The adapter {folder} has no {name}; train or export the round again."
            )
    if read_json(folder / ADAPTER_NOTE).get("base_digest", base_digest) != base_digest:
        raise BackendError(
            f"The adapter {folder} was made for another base model; load the model "
            "that it was trained on."
        )
