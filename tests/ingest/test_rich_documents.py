"""Powers, merged cells, formulas, notes, code and hidden text in every format."""

import random
from dataclasses import replace

import pytest

from autolearn.ingest import readers
from autolearn.text import chunking
from tests.support import rich_files
from tests.support.rich_content import Content

WITHOUT_CODE_BLOCKS = ("pptx", "rtf")
"""Formats whose lines of code are lines of text."""


def read(path):
    pieces = list(readers.open_source(path, path.name).pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    return text, [(piece.left_out, piece.text) for piece in pieces if piece.left_out]


@pytest.mark.parametrize("kind", rich_files.KINDS)
def test_what_is_easily_lost_is_kept_or_listed(tmp_path, kind):
    content = Content()
    rich_files.write(tmp_path / f"a.{kind}", content)
    text, left_out = read(tmp_path / f"a.{kind}")
    for text_expected in content.visible:
        if text_expected == "\n".join(content.code) and kind in WITHOUT_CODE_BLOCKS:
            text_expected = content.code[1].strip()
        assert text_expected in text or text_expected.replace(" ", "") in text
    assert f"{content.base}{content.power}" not in text
    assert content.hidden not in text
    if kind != "rst":  # there, it is a comment in the source
        assert any(content.hidden in exclusion for _, exclusion in left_out)


@pytest.mark.parametrize("kind", rich_files.KINDS)
def test_every_value_is_in_a_passage_or_an_exclusion(tmp_path, kind):
    for seed in range(3):
        rng = random.Random(seed)
        numbers = iter(rng.sample(range(1000, 9999), 20))
        content = replace(
            Content(),
            base=next(numbers),
            power=next(numbers),
            formula=(rng.choice("abkz"), next(numbers)),
            rows=[(next(numbers), next(numbers)) for _ in range(8)],
        )
        path = tmp_path / f"{seed}.{kind}"
        rich_files.write(path, content)
        text, _ = read(path)
        passages = chunking.split(text, lambda part: len(part) // 4 + 1, 36)
        assert len(passages) > 3
        text_read = "\n".join(passage.text for passage in passages)
        values = [content.power, content.formula[1], *sum(content.rows, ())]
        assert all(str(value) in text_read for value in values)
        rows = [f"{year} | {n}" for year, n in content.rows]
        for row in rows:
            (whole,) = [p.text for p in passages if row in p.text]
            assert content.header[1] in whole
            assert content.region in whole
