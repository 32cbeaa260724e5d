import random

import pytest

from autolearn.text import chunking
from autolearn.text.chunking import n_sentences, split


def words(text: str) -> int:
    return len(text.split())


def check_coverage(text, passages):
    assert "".join(p.text for p in passages) == text
    assert [p.start for p in passages] == [0, *(p.end for p in passages[:-1])]
    assert all(text[p.start : p.end] == p.text for p in passages)
    assert [p.position for p in passages] == list(range(len(passages)))


def test_headings_open_passages_and_are_kept():
    text = "# Towns\n\n## Avel\n\nAvel is old.\n\n## Boro\n\nBoro is new.\n"
    passages = split(text, words, 100)
    check_coverage(text, passages)
    assert [p.heading for p in passages] == ["Avel", "Boro"]
    assert passages[0].text.startswith("# Towns\n\n## Avel")


def test_a_long_paragraph_is_cut_between_sentences():
    text = "One two three. Four five six. Seven eight nine."
    passages = split(text, words, 6)
    check_coverage(text, passages)
    assert [p.text.strip() for p in passages] == [
        "One two three. Four five six.",
        "Seven eight nine.",
    ]


def test_a_sentence_is_cut_between_words_only_when_it_alone_is_too_long():
    text = " ".join(f"w{i}" for i in range(50)) + "."
    passages = split(text, words, 10)
    check_coverage(text, passages)
    assert max(p.n_tokens for p in passages) <= 10
    assert all(not p.text.rstrip().endswith("w") for p in passages)


def test_a_word_without_spaces_is_cut_when_it_alone_is_too_long():
    text = "x" * 1000
    passages = split(text, len, 64)
    check_coverage(text, passages)
    assert max(p.n_tokens for p in passages) <= 64


@pytest.mark.parametrize("text", ["\n\n\n", " \n# H\n", "a", "\n\nA b.\n\n\n", "# H"])
def test_blank_and_tiny_texts_are_covered(text):
    check_coverage(text, split(text, words, 10))


def test_any_text_is_covered_exactly_once():
    draw = random.Random(4)
    pieces = ["# Head\n", "word ", "End. ", "\n\n", "\n", "日本。", "  ", "a?", "!”"]
    for _ in range(200):
        text = "".join(draw.choices(pieces, k=draw.randrange(1, 60)))
        check_coverage(text, split(text, words, draw.randrange(1, 12)))


def test_passages_respect_the_limit_when_joined_tokens_add_up():
    def tokens(text):
        return len(text.split()) + text.count(". B")

    text = "A b. B c. B d. B e. B f."
    passages = split(text, tokens, 4)
    check_coverage(text, passages)
    assert [p.n_tokens for p in passages] == [2, 2, 2, 2, 2]


def test_an_empty_text_has_no_passages():
    assert split("", words, 10) == []


def test_sentences_are_counted_but_not_headings():
    text = "# Notes\n\n## Oak Hill\n\nIt is old. Is it?\nYes!\n\nSo they say."
    assert n_sentences(text) == 4
    assert n_sentences("") == 0
    assert n_sentences("一つ。二つ。") == 2


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("The Brannoch Viaduct\n\nIt was opened in 1887.", "The Brannoch Viaduct"),
        ("\n\nDas Viadukt  \n \n\nEs wurde 1887 eröffnet.", "Das Viadukt"),
        ("布兰诺克高架桥\n\n它于1887年开放。", "布兰诺克高架桥"),
        ("Dear Ann,\n\nit was opened in 1887.", ""),
        ("It was opened in 1887.\n\nIt has 23 arches.", ""),
        ("The viaduct was\nopened in 1887.\n\nIt has 23 arches.", ""),
        ("- 23 arches\n\nIt was opened in 1887.", ""),
        ("# not a heading\n\nIt was opened in 1887.", ""),
        ("The Brannoch Viaduct\n\n", ""),
        (f"{'The Brannoch Viaduct ' * 5}\n\nIt was opened in 1887.", ""),
    ],
)
def test_the_first_line_of_a_plain_text_may_be_its_title(text, heading):
    """Without a heading, nothing made a question about the viaduct self-contained."""
    chunks = list(chunking.chunks([(text, False)], len, 1000, headings=False))
    assert "".join(chunk.passage.text for chunk in chunks) == text
    assert {chunk.passage.heading for chunk in chunks} == {heading}
    later = list(chunking.chunks([(text, False)], len, 40, headings=False))
    assert later[-1].passage.heading == heading


def test_a_passage_border_below_the_first_line_leaves_it_a_sentence():
    blocks = [("The Brannoch Viaduct\n", False), ("It was opened in 1887.", True)]
    chunks = list(chunking.chunks(blocks, len, 1000, headings=False))
    assert [chunk.passage.heading for chunk in chunks] == ["", ""]
