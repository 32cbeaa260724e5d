"""Choose the files of a hub repository that make up a usable model.

These are safetensors weights, tokenizer, chat template and configuration. Pickle files,
code and copies of the weights in other formats are left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from autolearn.core.errors import BackendError, InputError

SMALL_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "LICENSE",
    "LICENSE.txt",
    "LICENSE.md",
    "NOTICE",
    "README.md",
)
"""Configuration, tokenizer and template. Model card and licence say how the weights may
be used."""

_INDEX = "model.safetensors.index.json"
_WHOLE = "model.safetensors"
_SHARD = re.compile(r"model(?:\.safetensors)?-\d+-of-\d+\.safetensors")
"""A part of the weights; those of Qwen 3.5 have the ending in the middle as well."""
_ID = re.compile(r"[\w.-]+/[\w.-]+")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class ModelRequest:
    """A request to the hub: a repository, or one GGUF file in it."""

    repository: str
    gguf: str | None = None

    @property
    def name(self) -> str:
        """Return the request as it is written."""
        return f"{self.repository}/{self.gguf}" if self.gguf else self.repository


def parse(text: str, endpoint: str = "https://huggingface.co") -> ModelRequest:
    """Parse ``ORG/NAME``, ``ORG/NAME/FILE.gguf``, or the URL of the model's page.

    Raises:
        InputError: The text is none of these.
    """
    path = text.strip()
    for prefix in (endpoint.rstrip("/"), "https://huggingface.co", "https://hf.co"):
        path = path.removeprefix(f"{prefix}/")
    path = re.sub(r"/(tree|blob|resolve)/main(?=/|$)", "", path).strip("/")
    organisation, _, rest = path.partition("/")
    name, _, file = rest.partition("/")
    repository = f"{organisation}/{name}"
    is_path = not file or (file.endswith(".gguf") and ".." not in file.split("/"))
    if not _ID.fullmatch(repository) or not is_path:
        raise InputError(
            f"{text.strip() or 'Nothing'} is not an id of a model on the hub; give "
            "ORG/NAME as on its page, or ORG/NAME/FILE.gguf."
        )
    return ModelRequest(repository, file or None)


def choose(request: ModelRequest, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the files to download.

    Raises:
        BackendError: They do not make up a usable model; the message says what to do.
    """
    if request.gguf:
        if request.gguf not in names:
            raise BackendError(
                f"{request.repository} has no file {request.gguf}{_ggufs(names)}."
            )
        return (request.gguf,)
    weights = _weights(names)
    if not weights:
        raise BackendError(_no_weights(request.repository, names))
    for name in ("config.json", "tokenizer.json"):
        if name not in names:
            raise BackendError(
                f"{request.repository} has no {name}, so it cannot be used here; "
                "choose a repository in the format of transformers."
            )
    small = [name for name in SMALL_FILES if name in names]
    return (*small, *weights)


def _weights(names: Sequence[str]) -> list[str]:
    # The same names that transformers looks for. consolidated.safetensors, original/
    # and onnx/ are copies of the same weights.
    if _WHOLE in names:
        return [_WHOLE]
    shards = sorted(name for name in names if _SHARD.fullmatch(name))
    return [_INDEX, *shards] if _INDEX in names and shards else []


def _no_weights(repository: str, names: Sequence[str]) -> str:
    kinds = {PurePosixPath(name).suffix for name in names}
    if "adapter_config.json" in names:
        return (
            f"{repository} holds an adapter, not a model; download the model that it "
            "was made for."
        )
    if ".gguf" in kinds:
        return (
            f"{repository} has no safetensors weights, only GGUF files; ask for one of "
            f"them as {repository}/FILE.gguf{_ggufs(names)}."
        )
    if kinds.intersection(_PICKLES):
        return (
            f"{repository} has its weights as pickle files only, which can run any "
            "code when they are opened; choose a repository with safetensors weights."
        )
    return (
        f"{repository} has no model.safetensors that transformers could load; choose "
        "another repository of this model."
    )


def _ggufs(names: Sequence[str]) -> str:
    """Return the GGUF files as the end of a sentence."""
    files = sorted(name for name in names if name.endswith(".gguf"))
    if not files:
        return ""
    examples = ", ".join(files[:5])
    return f" ({examples}{', …' if len(files) > 5 else ''})"
