"""Each character of a document is in a passage or in a listed exclusion."""

import random
import string
from collections import Counter
from dataclasses import replace

import pytest

from autolearn.ingest import readers
from autolearn.text import chunking
from tests.support import rich_files, rich_sheets
from tests.support.rich_content import Content

KINDS = [*rich_files.KINDS, *rich_sheets.KINDS]


def contents(seed):
    """Return a document of random words and numbers, no two of which are alike."""
    rng = random.Random(seed)
    numbers = iter(rng.sample(range(1000, 9999), 40))

    def words(n):
        letters = (
            rng.choices(string.ascii_lowercase, k=rng.randint(3, 7)) for _ in range(n)
        )
        return " ".join(map("".join, letters)).capitalize()

    return replace(
        Content(),
        heading=words(2),
        before=words(3),
        base=next(numbers),
        power=next(numbers),
        after=f"{words(6)}.",
        hidden=words(1),
        note=f"{words(3)}.",
        formula=(rng.choice("abkz"), next(numbers)),
        code=(f"for {rng.choice('xyz')} in {words(1)}:", f"    run({words(1)})"),
        header=(words(1), words(1), words(1)),
        region=words(1),
        rows=[(next(numbers), next(numbers)) for _ in range(rng.randint(1, 6))],
    )


def said(content, kind):
    """Return all that a document says, without white space."""
    texts = [
        *(content.heading, content.before, content.after, content.note),
        *(content.base, content.power, *content.formula, *content.code),
        *(*content.header, content.region, *sum(content.rows, ())),
    ]
    if kind != "rst":  # there, it is a comment in the source
        texts.append(content.hidden)
    return "".join(map(str, texts))


@pytest.mark.parametrize("kind", KINDS)
def test_each_character_is_in_a_passage_or_an_exclusion(tmp_path, kind):
    for seed in range(4):
        content = contents(f"{kind} {seed}")
        path = tmp_path / f"{seed}.{kind}"
        write = rich_files.write if kind in rich_files.KINDS else rich_sheets.write
        write(path, content)
        pieces = list(readers.open_source(path, path.name).pieces)
        text = "".join(piece.text for piece in pieces if not piece.left_out)
        passages = chunking.split(text, lambda part: len(part) // 4 + 1, 36)
        texts_read = [passage.text for passage in passages]
        texts_read += [piece.text for piece in pieces if piece.left_out]
        words_expected = Counter("".join(said(content, kind).split()))
        assert words_expected.total() > 100
        assert not words_expected - Counter("".join(texts_read))
        # A power never grows together with its base, neither do the cells of a row.
        assert f"{content.base}{content.power}" not in text
        assert not any(f"{year}{n}" in text for year, n in content.rows)
