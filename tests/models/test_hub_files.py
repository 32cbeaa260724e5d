"""The choice of files in a hub repository, and its errors."""

import pytest

from autolearn.core.errors import BackendError, InputError
from autolearn.models.sources.hub_files import ModelRequest, choose, parse

SMALL = ["config.json", "tokenizer.json", "tokenizer_config.json", "README.md"]
MODEL = ModelRequest("org/name")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", ModelRequest("Qwen/Qwen2.5-0.5B-Instruct")),
        (" org/name/ ", ModelRequest("org/name")),
        ("https://huggingface.co/org/name", ModelRequest("org/name")),
        ("https://huggingface.co/org/name/tree/main", ModelRequest("org/name")),
        ("http://127.0.0.1:8000/org/name", ModelRequest("org/name")),
        ("org/name/a.gguf", ModelRequest("org/name", "a.gguf")),
        (
            "https://huggingface.co/org/name/blob/main/q4/a.gguf",
            ModelRequest("org/name", "q4/a.gguf"),
        ),
    ],
)
def test_a_model_is_named_by_its_id_or_its_address(text, wanted):
    assert parse(text, "http://127.0.0.1:8000/") == wanted
    assert parse(wanted.name) == wanted


@pytest.mark.parametrize(
    "text", ["", "name", "org/", "a b/c", "org/name/x.bin", "org/name/../x.gguf"]
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(
        InputError, match="is not an id of a model on the hub; give ORG"
    ):
        parse(text)


def test_weights_come_once_and_neither_code_nor_pickles_nor_other_formats():
    others = [
        "pytorch_model.bin",
        "consolidated.safetensors",
        "original/consolidated.00.pth",
        "onnx/model.onnx",
        "model-q4.gguf",
        "modeling_name.py",
        "model.fp16.safetensors",
        "training_args.bin",
    ]
    names = choose(MODEL, [*others, *SMALL, "model.safetensors", "LICENSE"])
    assert set(names) == {*SMALL, "LICENSE", "model.safetensors"}


def test_parts_of_weights_come_with_their_index_unless_they_are_whole_too():
    parts = [f"model-0000{n}-of-00002.safetensors" for n in (2, 1)]
    index = "model.safetensors.index.json"
    names = choose(MODEL, [*SMALL, *parts, index, "consolidated.safetensors"])
    assert names == (*SMALL_IN_ORDER, index, *sorted(parts))
    whole = choose(MODEL, [*SMALL, *parts, index, "model.safetensors"])
    assert whole == (*SMALL_IN_ORDER, "model.safetensors")


def test_parts_with_the_ending_in_the_middle_of_their_names_are_weights():
    """Qwen 3.5 was refused, as if its repository had no weights."""
    part = "model.safetensors-00001-of-00001.safetensors"
    index = "model.safetensors.index.json"
    assert choose(MODEL, [*SMALL, part, index]) == (*SMALL_IN_ORDER, index, part)


SMALL_IN_ORDER = ("config.json", "tokenizer.json", "tokenizer_config.json", "README.md")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["pytorch_model.bin", *SMALL], "pickle files only, .* run any code"),
        (["a.gguf", "b.gguf"], r"only GGUF files; .* org/name/FILE.gguf \(a.gguf, b"),
        (["adapter_config.json", "adapter_model.safetensors"], "holds an adapter"),
        (["consolidated.safetensors", *SMALL], "no model.safetensors"),
        (["model.safetensors", "config.json"], "has no tokenizer.json"),
        (["model.safetensors", "tokenizer.json"], "has no config.json"),
        ([], "has no model.safetensors"),
    ],
)
def test_a_repository_that_is_of_no_use_is_refused_with_what_to_do(names, says):
    with pytest.raises(BackendError, match=says):
        choose(MODEL, names)


def test_a_gguf_file_comes_only_when_it_is_asked_for():
    names = ["a.gguf", "model.safetensors", *SMALL]
    assert choose(ModelRequest("org/name", "a.gguf"), names) == ("a.gguf",)
    with pytest.raises(BackendError, match=r"has no file b\.gguf \(a\.gguf\)\."):
        choose(ModelRequest("org/name", "b.gguf"), names)
