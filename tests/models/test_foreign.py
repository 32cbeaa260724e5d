"""Files of a foreign model: each fault is one sentence, and nothing is read here."""

import json
import os
import struct
import sys
import threading
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel, WordPiece
from tokenizers.pre_tokenizers import Whitespace

from autolearn import containment
from autolearn.core.errors import AutolearnError, BackendError, ChildFailed
from autolearn.models import files as model_files
from autolearn.models import foreign, token_counting
from autolearn.models import shape as model_shape
from autolearn.models.protocols import noted_protocol
from autolearn.models.sources import gguf_file


def tensors(header):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


GOOD = {"a.weight": {"dtype": "F16", "shape": [4, 8], "data_offsets": [0, 64]}}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"hidden_size": 8}')
    (folder / "model.safetensors").write_bytes(tensors(GOOD))
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ 1 }}"}')
    tokenizer = Tokenizer(WordLevel({"?": 0, "river": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def look(folder):
    """Look at a folder as the page does; return the first sentence that refuses it."""
    try:
        model_files.locate(str(folder))
        model_shape.of(folder)
        model_files.digest(folder)
    except AutolearnError as error:
        return str(error)
    return None


def test_a_good_folder_has_no_fault(folder):
    assert look(folder) is None
    assert model_shape.of(folder).parameters == 32
    assert token_counting.token_counter(folder)("river river") == 2


def test_the_tokens_of_many_texts_are_asked_for_at_once(folder, monkeypatch):
    """Each question to the child takes a millisecond or two."""
    calls: list[Any] = []

    def run(name, *arguments, **limits):
        calls.append(arguments[1])
        return containment.run(name, *arguments, **limits)

    monkeypatch.setattr(token_counting, "run", run)
    counter = token_counting.TokenCounter(folder, most=700)
    texts = ["river " * (n % 7) for n in range(600)]
    counter.count_ahead(texts)
    assert [len(call) for call in calls] == [7]
    assert [counter(text) for text in texts] == [n % 7 for n in range(600)]
    assert len(calls) == 1
    counter.count_ahead(f"river {n}" for n in range(token_counting.GROUP + 1))
    assert [len(call) for call in calls[1:]] == [token_counting.GROUP, 1]
    counter.count_ahead(f"other {n}" for n in range(200))
    assert counter(texts[1]) == 1, "forgotten, and asked for again"
    assert len(calls) == 5


def test_a_count_is_there_although_another_thread_makes_room(folder):
    """The other had forgotten all counts after this one was found."""

    class Forgotten(dict[str, int]):
        def __contains__(self, text):
            was_there = super().__contains__(text)
            self.clear()
            return was_there

    counter = token_counting.TokenCounter(folder, most=700)
    counter._counts = Forgotten({"river river": 2})
    assert counter("river river") == 2


CONFIGS = {
    "a list": [1, 2],
    "pairs": [["a", 1]],
    "a text": "x",
    "quantization as text": {"quantization_config": "4bit"},
    "text_config as list": {"text_config": [1]},
    "architectures as number": {"architectures": 5},
    "architectures of numbers": {"architectures": [5]},
    "negative size": {"hidden_size": -8},
    "size of a text": {"hidden_size": "8"},
    "huge size": {"vocab_size": 10**300},
    "no heads": {"num_attention_heads": 0},
    "weights elsewhere": {"transformers_weights": "../x.safetensors"},
    "weights as list": {"transformers_weights": ["x"]},
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_bad_configuration_is_one_sentence(folder, config):
    (folder / "config.json").write_text(json.dumps(config))
    sentence = look(folder)
    assert sentence is not None
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "config.json" in sentence


@pytest.mark.parametrize(
    "name", [5, None, ["x"], {"a": 1}, "/etc/passwd", "../a", "..", "", "sub/a"]
)
def test_a_bad_name_in_the_index_is_one_sentence(folder, name):
    index = {"weight_map": {"a.weight": name}}
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    sentence = look(folder)
    assert sentence is not None
    assert "index.json names" in sentence


@pytest.mark.parametrize(
    "shape",
    [[1 << 62, 2], [4] * 9, [-1], ["8"], [8.0], [True], 8, None, [10**4000]],
    ids=str,
)
def test_a_shape_that_no_tensor_has_is_one_sentence(folder, shape):
    header = {"a.weight": GOOD["a.weight"] | {"shape": shape}}
    (folder / "model.safetensors").write_bytes(tensors(header))
    assert "is not a whole safetensors file" in str(look(folder))


def test_many_huge_shapes_do_not_hold_the_page(folder):
    header = {
        f"{i}.weight": {"dtype": "F16", "shape": [10**4000] * 8} for i in range(9)
    }
    (folder / "model.safetensors").write_bytes(tensors(header))
    assert "is not a whole safetensors file" in str(look(folder))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "other.safetensors"]
)
def test_a_pipe_does_not_block(folder, name):
    (folder / name).unlink(missing_ok=True)
    if name == "other.safetensors":
        (folder / "model.safetensors").unlink()
    os.mkfifo(folder / name)
    assert look(folder) is not None


def test_a_folder_in_place_of_a_file_is_one_sentence(folder):
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    assert "config.json" in str(look(folder))


BAD_TOKENIZERS = {
    "empty": "",
    "list": "[]",
    "unknown model": '{"version": "1.0", "model": {"type": "X"}}',
    "bad pattern": None,
}


@pytest.mark.parametrize("text", BAD_TOKENIZERS.values(), ids=BAD_TOKENIZERS)
def test_a_broken_tokenizer_is_one_sentence(folder, text):
    path = folder / "tokenizer.json"
    if text is None:
        values = json.loads(path.read_text())
        values["normalizer"] = {
            "type": "Replace",
            "pattern": {"Regex": "(?<=a+)("},
            "content": "",
        }
        text = json.dumps(values)
    path.write_text(text)
    sentence = str(look(folder))
    assert sentence.startswith(f"The tokenizer in {folder} ")
    assert sentence.endswith("choose another model.")


def test_a_tokenizer_that_multiplies_a_text_is_stopped(folder, monkeypatch):
    path = folder / "tokenizer.json"
    values = json.loads(path.read_text())
    grow = {"type": "Replace", "pattern": {"Regex": "."}, "content": "a" * 99}
    values["normalizer"] = {"type": "Sequence", "normalizers": [grow] * 5}
    path.write_text(json.dumps(values))
    sentence = str(look(folder))
    assert "MiB of memory" in sentence or "seconds" in sentence


@pytest.mark.parametrize("content", [b"GGUF", b"x" * 99])
def test_a_damaged_gguf_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    with pytest.raises(BackendError, match="not a complete GGUF file"):
        gguf_file.read(path)


def test_a_gguf_file_with_endless_counts_is_one_sentence(tmp_path):
    path = tmp_path / "a.gguf"
    for n_tensors, n_keys, rest in (
        (1 << 60, 0, b""),
        (0, 1 << 60, b""),
        (1, 0, struct.pack("<QI", 0, 1 << 31)),
        (0, 1, struct.pack("<Q", 1 << 63)),
    ):
        head = struct.pack("<4sIQQ", b"GGUF", 3, n_tensors, n_keys)
        path.write_bytes(head + rest)
        with pytest.raises(BackendError, match="not a complete GGUF file"):
            gguf_file.read(path)


def test_this_process_opens_no_file_of_a_foreign_model(folder):
    paths = []

    def watch(event, arguments):
        if event == "open" and str(folder) in str(arguments[0]):
            paths.append(arguments[0])

    sys.addaudithook(watch)
    assert look(folder) is None
    assert model_files.has_template(folder)
    assert model_files.reads_system(folder)
    assert model_files.packing(folder) is None
    assert noted_protocol(folder) is None
    assert token_counting.token_counter(folder)("river") == 1
    assert gguf_file.source(folder) == {}
    folder_opened, paths[:] = list(paths), []
    assert folder_opened == []


def test_a_changed_file_is_looked_at_again(folder):
    assert look(folder) is None
    (folder / "config.json").write_text("[]")
    assert look(folder) is not None


@pytest.mark.parametrize("seconds", [0.0, 600.0])
def test_a_failure_of_the_child_is_kept_only_for_a_while(folder, monkeypatch, seconds):
    """The computer may have been busy: a failure was final until the files changed."""

    def fail(*_, **__):
        raise ChildFailed("takes longer than 20 seconds", "time")

    monkeypatch.setattr(foreign, "FAILURE_SECONDS", seconds)
    with monkeypatch.context() as busy:
        busy.setattr(foreign, "run", fail)
        sentence = look(folder)
    assert sentence == f"{folder} takes longer than 20 seconds; choose another model."
    assert look(folder) == (sentence if seconds else None)


def test_several_threads_look_at_once(folder):
    sentences = []
    threads = [
        threading.Thread(target=lambda: sentences.append(look(folder)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sentences == [None] * 4


def wordpiece(longest=100_000):
    vocabulary = {"?": 0, "a": 1, "b": 2, "ab": 3, "aa": 4}
    return Tokenizer(
        WordPiece(
            vocabulary,
            unk_token="?",
            continuing_subword_prefix="",
            max_input_chars_per_word=longest,
        )
    )


@pytest.mark.parametrize("text", ["ab" * 48, "b a", "", "aab" * 32])
def test_words_of_usual_length_give_the_same_tokens(text):
    limited_tokenizer = wordpiece()
    token_counting.bound_words(limited_tokenizer)
    assert limited_tokenizer.encode(text).ids == wordpiece().encode(text).ids


@pytest.mark.parametrize("letter", ["a", "x", "\u200d", "\n", " ", "="])
def test_a_hundred_kilobytes_of_one_letter_are_counted(letter):
    count = token_counting.token_counter(model_files.BUILT_IN)
    assert count(letter * 100_000) > 0
