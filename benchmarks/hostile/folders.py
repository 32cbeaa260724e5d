"""Hostile model folders: each is a small model with one thing changed."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

Change = Callable[[Path], None]
K, M = 1000, 1_000_000
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
_WORDS = ("<unk>", "<end>", "<user>", "<assistant>", "<system>", "river")
_TENSORS = {"a.weight": {"dtype": "F16", "shape": [4, 8], "data_offsets": [0, 64]}}
CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_attention_heads": 1,
    "num_hidden_layers": 1,
    "vocab_size": 6,
    "max_position_embeddings": 2048,
}


def make(folder: Path) -> None:
    """Write a folder that passes for a model."""
    folder.mkdir(parents=True)
    _json(folder / "config.json", CONFIG)
    (folder / "model.safetensors").write_bytes(header(_TENSORS))
    tokenizer = Tokenizer(
        WordLevel({word: i for i, word in enumerate(_WORDS)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens(list(_WORDS[:5]))
    tokenizer.save(str(folder / "tokenizer.json"))
    values = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": TEMPLATE,
        "eos_token": "<end>",
        "unk_token": "<unk>",
    }
    _json(folder / "tokenizer_config.json", values)


def header(tensors: Any) -> bytes:
    """Return the beginning of a safetensors file."""
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * 64


def _json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values))


def config(**values: Any) -> Change:
    """Return what changes settings in config.json."""
    return lambda folder: _json(folder / "config.json", CONFIG | values)


def text(name: str, content: str) -> Change:
    """Return what replaces a file."""
    return lambda folder: _replace(folder / name, content.encode())


def data(name: str, content: Callable[[], bytes]) -> Change:
    """Return what replaces a file by bytes that are made when they are needed."""
    return lambda folder: _replace(folder / name, content())


def _replace(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def shape(*sizes: Any) -> Change:
    """Return what gives a tensor another shape."""
    tensors = {"a.weight": _TENSORS["a.weight"] | {"shape": list(sizes)}}
    return data("model.safetensors", lambda: header(tensors))


def template(source: str) -> Change:
    """Return what replaces the chat template."""
    return text("chat_template.jinja", source)


def tokenizer(**values: Any) -> Change:
    """Return what changes parts of tokenizer.json."""

    def change(folder: Path) -> None:
        path = folder / "tokenizer.json"
        _json(path, json.loads(path.read_text()) | values)

    return change


def index(weight_map: Any) -> Change:
    """Return what puts an index in place of the weights."""

    def change(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        _json(folder / "model.safetensors.index.json", {"weight_map": weight_map})

    return change


def pipe(name: str) -> Change:
    """Return what puts a pipe in place of a file."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return change


def device(name: str) -> Change:
    """Return what puts an endless device in place of a file."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("/dev/zero")

    return change


def subfolder(name: str) -> Change:
    """Return what puts a folder in place of a file."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()

    return change


def _added_tokens(folder: Path) -> None:
    path = folder / "tokenizer.json"
    values = json.loads(path.read_text())
    entry = values["added_tokens"][0]
    values["added_tokens"] += [
        entry | {"id": 10 + i, "content": f"<t{i}>"} for i in range(M)
    ]
    _json(path, values)


def _sparse(folder: Path) -> None:
    with (folder / "tokenizer.json").open("wb") as file:
        file.truncate(1 << 36)


def _not_numbers(folder: Path) -> None:
    weights = np.full((4, 8), np.nan, dtype=np.float16)
    save_file({"a.weight": weights}, folder / "model.safetensors")


def _grow(n: int) -> dict[str, Any]:
    step = {"type": "Replace", "pattern": {"Regex": "."}, "content": "a" * 99}
    return {"type": "Sequence", "normalizers": [step] * n}


def _split(pattern: str) -> dict[str, Any]:
    return {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }


_LOOPS = "{% for a in range(99999) %}" * 3 + "x" + "{% endfor %}" * 3
SEEN: dict[str, Change] = {
    "config-list": text("config.json", "[1]"),
    "config-pairs": text("config.json", '[["a", 1]]'),
    "config-text": text("config.json", '"x"'),
    "config-deep": text("config.json", "[" * M),
    "config-number": text("config.json", "9" * M),
    "config-no-text": data("config.json", lambda: b"\xff\xfe\0"),
    "config-large": data("config.json", lambda: b" " * 100 * M),
    "quantization-text": config(quantization_config="nf4"),
    "quantization-list": config(quantization_config=[1]),
    "text-config-list": config(text_config=[1]),
    "architectures-number": config(architectures=7),
    "architectures-object": config(architectures={"a": 1}),
    "size-negative": config(hidden_size=-1),
    "size-zero": config(num_attention_heads=0),
    "size-huge": config(vocab_size=10**4000),
    "size-text": config(num_hidden_layers="many"),
    "weights-elsewhere": config(transformers_weights="../../x.safetensors"),
    "index-number": index({"a": 5}),
    "index-list": index({"a": ["b"]}),
    "index-absolute": index({"a": "/etc/passwd"}),
    "index-text": index("a"),
    "index-many": index({f"a{i}": f"{i}.safetensors" for i in range(100 * K)}),
    "shape-huge": shape(1 << 62, 1 << 62),
    "shape-digits": shape(10**4000, 10**4000),
    "shape-negative": shape(-4, 8),
    "shape-text": shape("4", "8"),
    "shape-deep": shape(*[2] * 500),
    "header-endless": data(
        "model.safetensors", lambda: struct.pack("<Q", 1 << 62) + b"{" * 9
    ),
    "header-large": data(
        "model.safetensors", lambda: struct.pack("<Q", 90 * M) + b"[" * 90 * M
    ),
    "header-list": data("model.safetensors", lambda: header([1])),
    "tensors-many": data(
        "model.safetensors",
        lambda: header({f"a{i}": _TENSORS["a.weight"] for i in range(500 * K)}),
    ),
    "tensors-huge": data(
        "model.safetensors",
        lambda: header(
            {f"a{i}": {"dtype": "F16", "shape": [10**4000] * 8} for i in range(99)}
        ),
    ),
    "pipe-weights": pipe("model.safetensors"),
    "pipe-config": pipe("config.json"),
    "pipe-template": pipe("chat_template.jinja"),
    "pipe-tokenizer": pipe("tokenizer.json"),
    "pipe-card": pipe("README.md"),
    "device-config": device("config.json"),
    "device-tokenizer": device("tokenizer.json"),
    "folder-config": subfolder("config.json"),
    "folder-weights": subfolder("model.safetensors"),
    "template-number": text("tokenizer_config.json", '{"chat_template": 5}'),
    "tokenizer-empty": text("tokenizer.json", ""),
    "tokenizer-list": text("tokenizer.json", "[]"),
    "tokenizer-sparse": _sparse,
    "tokenizer-bad-pattern": tokenizer(pre_tokenizer=_split("(?<=a+)(")),
    "tokenizer-slow-pattern": tokenizer(pre_tokenizer=_split("(a|aa)+$")),
    "tokenizer-growing": tokenizer(normalizer=_grow(5)),
    "tokenizer-added": _added_tokens,
    "card-large": data("README.md", lambda: b"license:" * 9 * M),
}
"""Name -> change. The page has to refuse these, or to show them."""
LOADED: dict[str, Change] = {
    "template-loops": template(_LOOPS),
    "template-memory": template("{{ 'a' * 3000000000 }}"),
    "template-doubling": template(
        "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(40) %}"
        "{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}"
    ),
    "template-power": template("{{ 9 ** 9 ** 9 }}"),
    "template-width": template("{{ '%1999999999d' % 1 }}"),
    "template-recursion": template(
        "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}"
    ),
    "template-syntax": template("{% for %}"),
    "template-escape": template("{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    "template-long": template("x " * M + TEMPLATE),
    "template-hides": template("x"),
    "weights-not-numbers": _not_numbers,
}
"""Name -> change. The worker has to refuse these when it loads them."""
