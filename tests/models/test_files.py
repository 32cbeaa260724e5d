"""Finding models on disk, and the errors of those that cannot be used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from autolearn.containment import Role
from autolearn.core.errors import BackendError, InputError, ModelNotFound
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.models import token_counting
from autolearn.models.sources import gguf_file
from autolearn.models.sources.local import in_folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold all that a usable model has, in a few bytes."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ 1 }}"}')
    tokenizer = Tokenizer(WordLevel({"?": 0, "one": 1, "two": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"few weights")
    (folder / "autolearn.json").write_text(json.dumps({"base_digest": "abc"}))
    return folder


def refusal(model: Path | str, kind: type[BackendError] = BackendError) -> str:
    with pytest.raises(kind) as error:
        model_files.locate(str(model))
    text = str(error.value)
    assert text.endswith(".")
    return text


def test_a_complete_folder_is_taken(folder):
    assert model_files.locate(str(folder)) == folder


def test_a_template_may_lie_in_a_file_of_its_own(folder):
    (folder / "tokenizer_config.json").unlink()
    (folder / "chat_template.jinja").write_text("{{ 1 }}")
    assert model_files.locate(str(folder)) == folder


def test_built_in_is_the_model_in_the_assets(folder, monkeypatch):
    monkeypatch.setattr(model_files, "BUILT_IN", folder)
    assert model_files.locate("built-in") == folder


def test_a_missing_built_in_model_raises_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "BUILT_IN", tmp_path / "none")
    assert "is missing" in refusal("built-in", ModelNotFound)


def test_a_missing_folder_raises_an_error(tmp_path):
    assert "There is no folder" in refusal(tmp_path / "none", ModelNotFound)


def test_a_hub_id_is_never_downloaded():
    text = refusal("autolearn-test/not-there", ModelNotFound)
    assert "autolearn-test/not-there is not on this computer; download it" in text


def test_a_cached_hub_id_is_found(folder, monkeypatch):
    def cached(name: str, *, local_files_only: bool) -> str:
        assert (name, local_files_only) == ("some/model", True)
        return str(folder)

    monkeypatch.setattr(model_files, "snapshot_download", cached)
    assert model_files.locate("some/model") == folder


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("config.json", "no config.json"),
        ("tokenizer.json", "no tokenizer.json"),
        ("model.safetensors", "no weights"),
    ],
)
def test_an_incomplete_folder_is_refused(folder, missing, words):
    (folder / missing).unlink()
    assert words in refusal(folder, ModelNotFound)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth"])
def test_pickled_weights_are_refused_with_the_reason(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    text = refusal(folder)
    assert "can run any code" in text
    assert "safetensors" in text


def test_a_model_without_chat_template_is_refused(folder):
    (folder / "tokenizer_config.json").write_text("{}")
    assert "instruct version" in refusal(folder)


def test_gguf_is_refused_as_file_and_as_folder(folder):
    (folder / "model.safetensors").rename(folder / "model.gguf")
    assert "GGUF" in refusal(folder / "model.gguf")
    assert "GGUF" in refusal(folder)
    (folder / "config.json").unlink()
    assert "GGUF" in refusal(folder)


@pytest.mark.parametrize("method", ["gptq", "awq", "fp8", "bitsandbytes"])
def test_weights_that_cannot_be_trained_are_refused_with_the_reason(folder, method):
    config = {"quantization_config": {"quant_method": method, "load_in_8bit": True}}
    (folder / "config.json").write_text(json.dumps(config))
    words = refusal(folder)
    assert method in words
    assert "cannot be trained here; give the folder of the original" in words


def test_weights_in_four_bit_are_taken(folder):
    config = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (folder / "config.json").write_text(json.dumps({"quantization_config": config}))
    assert model_files.locate(str(folder)) == folder
    assert model_files.packing(folder) == "bitsandbytes"


def test_a_missing_part_of_the_weights_is_named(folder):
    parts = {"a": "model.safetensors", "b": "model-2.safetensors"}
    index = {"weight_map": parts}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    words = refusal(folder, ModelNotFound)
    assert "lacks 1 of its weight files (model-2.safetensors)" in words


def test_weights_in_another_layout_are_not_those_of_the_model(folder):
    other = folder / "consolidated.safetensors"
    other.write_bytes(b"the same weights")
    assert model_files.weight_files(folder) == [folder / "model.safetensors"]
    (folder / "model.safetensors").unlink()
    assert model_files.weight_files(folder) == []
    assert "no weights that transformers reads" in refusal(folder, ModelNotFound)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    parts = [folder / f"model-{i}.safetensors" for i in (1, 2)]
    assert model_files.weight_files(folder) == parts
    for part in parts:
        part.write_bytes(b"half of them")
    assert model_files.locate(str(folder)) == folder


def test_the_weights_that_the_settings_name_are_those_of_the_model(folder):
    (folder / "other.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text('{"transformers_weights": "other.safetensors"}')
    assert model_files.weight_files(folder) == [folder / "other.safetensors"]


def test_an_adapter_beside_the_weights_is_refused(folder, adapter):
    before = model_files.digest(folder)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes((adapter / name).read_bytes())
    assert "an adapter and the weights" in refusal(folder)
    assert model_files.digest(folder) == before
    (folder / "adapter_config.json").unlink()
    assert model_files.locate(str(folder)) == folder


def snapshot(folder: Path) -> Path:
    """Return the model as the hub's cache keeps it: links to files named by content."""
    place = folder.parent / "models--some--model"
    links = place / "snapshots" / "abc123"
    links.mkdir(parents=True)
    for path in folder.iterdir():
        blob = place / "blobs" / path.name
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(path.read_bytes())
        (links / path.name).symlink_to(f"../../blobs/{path.name}")
    return links


@pytest.mark.parametrize(
    "name",
    ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
)
def test_a_broken_link_raises_an_error(folder, name):
    links = snapshot(folder)
    assert model_files.locate(str(links)) == links
    (links.parents[1] / "blobs" / name).unlink()
    text = refusal(links, ModelNotFound)
    assert f"links to files that are gone ({name})" in text
    assert "hf download some/model" in text


def test_a_broken_link_outside_the_model_is_ignored(folder):
    for name in ("LICENSE", "README.md", "consolidated.safetensors"):
        (folder / name).symlink_to("nowhere")
    assert model_files.locate(str(folder)) == folder
    assert model_files.digest(folder)
    (folder / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    assert model_shape.of(folder).licence is None


def test_a_snapshot_is_called_by_its_hub_id_and_a_folder_by_its_name(folder):
    links = snapshot(folder)
    shortcut = folder.parent / "shortcut"
    shortcut.symlink_to(links)
    for name in (str(links), f"{links}/", str(shortcut), "some/model"):
        assert model_files.name_of(name, links) == "some/model"
    assert model_files.name_of(str(folder), folder) == "model"
    assert model_files.name_of(" built-in ", model_files.BUILT_IN) == "built-in"
    assert model_files.hub_id(Path("/a/models--gpt/snapshots/1")) == "gpt"
    assert model_files.hub_id(Path("/a/datasets--x--y/snapshots/1")) is None


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"architectures": ["ViTForImageClassification"], "image_size": 224}, True),
        ({"architectures": ["SiglipModel"], "vision_config": {}}, True),
        (
            {"architectures": ["SomeForConditionalGeneration"], "vision_config": {}},
            False,
        ),
        ({"architectures": ["SomeForCausalLM"], "image_size": 224}, False),
        ({"architectures": ["SomeModel"]}, False),
        ({"vision_config": {}}, False),
    ],
)
def test_a_model_for_images_that_writes_nothing_is_refused(folder, config, refused):
    (folder / "config.json").write_text(json.dumps(config))
    if refused:
        assert "which writes no text; choose a language model" in refusal(folder)
    else:
        assert model_files.locate(str(folder)) == folder


def test_an_adapter_is_not_a_model(adapter):
    assert "its base model" in refusal(adapter, ModelNotFound)


def test_a_broken_configuration_raises_an_error(folder):
    (folder / "tokenizer_config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        model_files.locate(str(folder))


def test_the_digest_depends_on_weights_settings_and_tokenizer(folder):
    digests = [model_files.digest(folder)]
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        with (folder / name).open("ab") as file:
            file.write(b" ")
        digests.append(model_files.digest(folder))
    assert len(set(digests)) == 4
    (folder / "notes.txt").write_text("not a part of the model")
    assert model_files.digest(folder) == digests[-1]


def test_the_digest_has_all_files_from_which_weights_are_read(folder):
    """Files called ``adapter_`` were left out, even if the settings name them."""
    name = "adapter_weights.safetensors"
    (folder / "config.json").write_text(json.dumps({"transformers_weights": name}))
    digests = set()
    for content in (b"some", b"other"):
        (folder / name).write_bytes(content)
        digests.add(model_files.digest(folder))
    assert len(digests) == 2


def test_the_digest_of_a_large_file_reads_only_both_ends(folder, monkeypatch):
    mib = 1 << 20
    monkeypatch.setattr(model_files, "WHOLE", 2 * mib)
    monkeypatch.setattr(Role, "is_child", True)
    digests = {}
    for place in (0, mib + mib // 2, 3 * mib - 1):
        content = bytearray(3 * mib)
        content[place] = 1
        (folder / "model.safetensors").write_bytes(content)
        digests[place] = model_files.digest(folder)
    (folder / "model.safetensors").write_bytes(bytearray(3 * mib))
    original = model_files.digest(folder)
    assert [digest == original for digest in digests.values()] == [False, True, False]


def test_tokens_are_counted_as_they_are_written(folder):
    count = token_counting.token_counter(folder)
    assert count("one two three") == 3
    assert count("") == 0


def test_an_adapter_fits_its_own_base_only(adapter):
    model_files.check_adapter(adapter, "abc")
    with pytest.raises(BackendError, match="another base model"):
        model_files.check_adapter(adapter, "def")


def test_an_adapter_of_another_trainer_is_accepted(adapter):
    (adapter / "autolearn.json").unlink()
    model_files.check_adapter(adapter, "def")


def test_an_incomplete_adapter_is_refused(adapter):
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(BackendError, match=r"no adapter_model\.safetensors"):
        model_files.check_adapter(adapter, "abc")


def test_the_digest_of_an_adapter_depends_on_its_weights(adapter):
    before = model_files.adapter_digest(adapter)
    (adapter / "adapter_model.safetensors").write_bytes(b"other weights")
    assert model_files.adapter_digest(adapter) != before


def test_finding_models_needs_no_torch():
    code = "import sys, autolearn.models.files; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_only_a_model_of_bare_prompts_misses_the_system_message(folder):
    assert model_files.reads_system(folder)
    assert not model_files.reads_system(model_files.BUILT_IN)
    (folder / "autolearn.json").write_text('{"protocol": "trained"}')
    assert not model_files.reads_system(folder)
    template = "{% if message.role == 'system' %}{% endif %}"
    (folder / "chat_template.jinja").write_text(template)
    assert model_files.reads_system(folder)


def test_the_former_file_of_a_template_is_read_and_counts(folder):
    (folder / "tokenizer_config.json").write_text("{}")
    legacy = folder / "chat_template.json"
    digests = set()
    for template in ("{{ 1 }}", "{{ 2 }}"):
        legacy.write_text(json.dumps({"chat_template": template}))
        assert model_files.locate(str(folder)) == folder
        digests.add(model_files.digest(folder))
    assert len(digests) == 2
    (folder / "chat_template.jinja").write_text("{{ 3 }}")
    before = model_files.digest(folder)
    legacy.write_text(json.dumps({"chat_template": "{{ 4 }}"}))
    assert model_files.digest(folder) == before, "transformers reads the other one"


def test_the_default_one_of_several_templates_is_the_template(folder):
    rows = [{"name": "tool_use", "template": "{{ 1 }}"}]
    config = folder / "tokenizer_config.json"
    config.write_text(json.dumps({"chat_template": rows}))
    assert "no chat template" in refusal(folder)
    rows.append({"name": "default", "template": "{{ 2 }}"})
    config.write_text(json.dumps({"chat_template": rows}))
    assert model_files.locate(str(folder)) == folder


@pytest.mark.parametrize(
    "name", ["model.fp16.safetensors", "model-00001-of-00002.safetensors"]
)
def test_weights_under_a_name_that_transformers_does_not_read(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    assert "no weights that transformers reads" in refusal(folder, ModelNotFound)


@pytest.mark.parametrize("name", ["~nobody/x", "a" * 5000, "a/" + "b" * 200, "a/b..c"])
def test_a_name_that_no_model_can_have_is_one_sentence(name):
    assert refusal(name, ModelNotFound)
    with pytest.raises(ModelNotFound):
        gguf_file.locate(f"{name}.gguf")
    assert in_folders([name]) == []
