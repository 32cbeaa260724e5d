"""Raw texts that are longer than an item of a round may be."""

from autolearn.core.model_calls import Message
from autolearn.core.records import TrainItem
from autolearn.training import long_texts

TEXT = " ".join(f"Town {i} lies on the river." for i in range(100))


def words(text):
    return len(text.split())


def test_a_raw_text_that_is_too_long_is_learned_in_parts():
    """The baseline did not learn such passages at all."""
    item = TrainItem("text", (), TEXT, weight=0.5)
    parts = long_texts.parts(item, words, 64)
    assert "".join(part.chosen for part in parts) == TEXT
    assert max(words(part.chosen) for part in parts) <= 64
    assert {(part.kind, part.weight) for part in parts} == {("text", 0.5)}
    sizes = long_texts.sizes(item, words(TEXT), 64)
    assert len(sizes) == len(parts)
    assert sum(sizes) == words(TEXT)
    assert long_texts.parts(item, words, words(TEXT)) == [item]


def test_an_answer_that_is_too_long_is_not_cut():
    item = TrainItem("sft", (Message("user", "Where do they lie?"),), TEXT)
    assert long_texts.parts(item, words, 64) == [item]
    assert long_texts.sizes(item, words(TEXT), 64) == [words(TEXT)]
