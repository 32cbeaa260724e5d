"""A text that a tokenizer does not know is recognised by its small pieces."""

import pytest

from autolearn.models import files as model_files
from autolearn.models import tokenizer_fit
from autolearn.models.tokenizer_fit import DOUBTFUL, small_piece_share

PLAIN = (
    "The ferry leaves the island at seven, and the last one returns before midnight."
)
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
