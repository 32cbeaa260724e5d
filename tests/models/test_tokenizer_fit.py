"""A text that a tokenizer does not know is recognised by its small pieces."""

import json

import pytest

from autolearn.core.errors import BackendError
from autolearn.models import files as model_files
from autolearn.models import tokenizer_fit
from autolearn.models.tokenizer_fit import DOUBTFUL, small_piece_shares

PLAIN = (
    "The ferry leaves the island at seven, and the last one returns before midnight."
)


def small_piece_share(folder, text):
    (share,) = small_piece_shares(folder, [text])
    return share


LIBRARY = (model_files.BUILT_IN.parent / "demo-library").glob("*.md")


@pytest.mark.parametrize("path", sorted(LIBRARY), ids=lambda path: path.name)
def test_the_built_in_model_knows_its_library(path):
    text = path.read_text(encoding="utf-8")
    assert small_piece_share(model_files.BUILT_IN, text) < DOUBTFUL / 2


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "Der Zug fährt jeden Morgen um sieben Uhr über die alte Brücke.",
        "Поезд отправляется каждое утро в семь часов.",
        "火车每天早上七点出发。",
        "القطار يغادر كل صباح في الساعة السابعة.",
    ],
    ids=["english", "german", "russian", "chinese", "arabic"],
)
def test_the_built_in_model_does_not_know_other_texts(text):
    assert small_piece_share(model_files.BUILT_IN, text) > DOUBTFUL


def test_a_text_without_letters_is_no_reason_for_a_warning():
    assert small_piece_share(model_files.BUILT_IN, "") == 0.0
    assert small_piece_share(model_files.BUILT_IN, "12 + 3 = 15\n***") == 0.0


def test_only_the_beginning_is_read():
    text = "It was founded in the year. " * 200
    assert len(text) > tokenizer_fit.N_CHARACTERS
    share = small_piece_share(model_files.BUILT_IN, text)
    assert small_piece_share(model_files.BUILT_IN, text + "Щука " * 500) == share


def foreign(folder, **changes):
    """Return a copy of the built-in model's tokenizer, in a folder of its own."""
    values = json.loads((model_files.BUILT_IN / "tokenizer.json").read_text())
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(values | changes))
    return folder


def test_the_tokenizer_of_a_foreign_model_is_not_loaded_here(tmp_path, monkeypatch):
    folder = foreign(tmp_path / "model")
    here = small_piece_shares(model_files.BUILT_IN, [PLAIN, "12"])
    monkeypatch.delattr(tokenizer_fit, "load")
    assert small_piece_shares(folder, [PLAIN, "12"]) == here


def test_a_broken_tokenizer_is_one_sentence(tmp_path):
    folder = foreign(tmp_path / "model", model={"type": "Unheard"})
    with pytest.raises(BackendError, match="choose another model"):
        small_piece_shares(folder, [PLAIN])
